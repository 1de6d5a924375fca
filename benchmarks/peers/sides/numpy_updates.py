"""The optimisers by hand: in-place NumPy, every array made once.

Each class takes a parameter and its L2 strength, and `step` its gradient, which it may overwrite.
Where `rate_first` is true, the gradient comes multiplied by the learning rate: that happens on the
smallest array there is.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers.case import BETA_1, BETA_2, EPSILON, MOMENTUM


class Update(Protocol):
    rate_first: bool

    def __init__(self, parameter: NDArray, rate: float, l2: float) -> None: ...

    def step(self, gradient: NDArray) -> None: ...


class Sgd:
    rate_first = True

    def __init__(self, parameter: NDArray, rate: float, l2: float) -> None:
        self.parameter, self.decay = parameter, 1 - rate * l2

    def step(self, gradient: NDArray) -> None:
        if self.decay != 1:
            self.parameter *= self.decay
        self.parameter -= gradient


class Momentum:
    rate_first = True

    def __init__(self, parameter: NDArray, rate: float, l2: float) -> None:
        self.parameter, self.decay = parameter, rate * l2
        self.velocity, self.scratch = np.zeros_like(parameter), np.empty_like(parameter)

    def step(self, gradient: NDArray) -> None:
        self.velocity *= MOMENTUM
        self.velocity -= gradient
        if self.decay:
            self.velocity -= np.multiply(self.parameter, self.decay, out=self.scratch)
        self.parameter += self.velocity


class Adam:
    rate_first = False

    def __init__(self, parameter: NDArray, rate: float, l2: float) -> None:
        self.parameter, self.rate, self.l2, self.t = parameter, rate, l2, 0
        self.m, self.v = np.zeros_like(parameter), np.zeros_like(parameter)
        self.scratch = np.empty_like(parameter)

    def step(self, gradient: NDArray) -> None:
        self.t += 1
        scratch = self.scratch
        if self.l2:
            gradient += np.multiply(self.parameter, self.l2, out=scratch)
        self.m *= BETA_1
        self.m += np.multiply(gradient, 1 - BETA_1, out=scratch)
        gradient *= gradient
        gradient *= 1 - BETA_2
        self.v *= BETA_2
        self.v += gradient
        np.sqrt(self.v, out=scratch)
        scratch += EPSILON
        np.divide(self.m, scratch, out=scratch)
        scratch *= self.rate * (1 - BETA_2**self.t) ** 0.5 / (1 - BETA_1**self.t)
        self.parameter -= scratch


UPDATES: dict[str, type[Update]] = {"sgd": Sgd, "momentum": Momentum, "adam": Adam}
