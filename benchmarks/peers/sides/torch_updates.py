"""The optimisers by hand in PyTorch: all parameters in one array, as are states and gradients.

Products are added straight to where they belong: with plain gradient descent to the weights, with
momentum to the velocity. What is left of a step, `finish` does for all parameters at once.
"""

from __future__ import annotations

from itertools import accumulate
from typing import Protocol

import torch
from torch import Tensor

from benchmarks.peers.case import BETA_1, BETA_2, EPSILON, MOMENTUM

ALIGNED = 16  # numbers: each parameter starts at a multiple


class Flat:
    """Room for arrays of these shapes in one array, `all`; `weights` is its part without biases."""

    def __init__(self, weights: list[torch.Size], biases: list[torch.Size], like: Tensor) -> None:
        shapes = [*weights, *biases]
        lengths = [-(-shape.numel() // ALIGNED) * ALIGNED for shape in shapes]
        starts = [0, *accumulate(lengths)]
        self.all = torch.zeros(starts[-1], dtype=like.dtype)
        self.weights = self.all[: starts[len(weights)]]
        self.views = [
            self.all[start : start + shape.numel()].view(shape)
            for start, shape in zip(starts, shapes, strict=False)
        ]
        self.w, self.b = self.views[: len(weights)], self.views[len(weights) :]

    def another(self) -> Flat:
        return Flat([w.shape for w in self.w], [b.shape for b in self.b], self.all)


class Update(Protocol):
    """`layer` takes layer i's input and the gradient of the batch's sum of losses by its logits."""

    def __init__(self, parameters: Flat, n_rows: int, rate: float, l2: float) -> None: ...

    def layer(self, i: int, x: Tensor, dz: Tensor) -> None: ...

    def finish(self) -> None: ...

    def set_rate(self, rate: float) -> None: ...


class Sgd:
    def __init__(self, parameters: Flat, n_rows: int, rate: float, l2: float) -> None:
        self.p, self.n_rows, self.l2 = parameters, n_rows, l2
        self.ones = torch.ones(n_rows, dtype=parameters.all.dtype)
        self.set_rate(rate)

    def set_rate(self, rate: float) -> None:
        self.share, self.decay = -rate / self.n_rows, 1 - rate * self.l2

    def layer(self, i: int, x: Tensor, dz: Tensor) -> None:
        self.p.w[i].addmm_(x.t(), dz, beta=self.decay, alpha=self.share)
        self.p.b[i].addmv_(dz.t(), self.ones, alpha=self.share)

    def finish(self) -> None:
        pass


class Momentum:
    def __init__(self, parameters: Flat, n_rows: int, rate: float, l2: float) -> None:
        self.p, self.n_rows, self.l2 = parameters, n_rows, l2
        self.velocity = parameters.another()
        self.ones = torch.ones(n_rows, dtype=parameters.all.dtype)
        self.set_rate(rate)

    def set_rate(self, rate: float) -> None:
        self.share, self.decay = -rate / self.n_rows, -rate * self.l2

    def layer(self, i: int, x: Tensor, dz: Tensor) -> None:
        self.velocity.w[i].addmm_(x.t(), dz, beta=MOMENTUM, alpha=self.share)
        self.velocity.b[i].addmv_(dz.t(), self.ones, beta=MOMENTUM, alpha=self.share)

    def finish(self) -> None:
        self.velocity.weights.add_(self.p.weights, alpha=self.decay)
        self.p.all.add_(self.velocity.all)


class Adam:
    def __init__(self, parameters: Flat, n_rows: int, rate: float, l2: float) -> None:
        self.p, self.share, self.l2 = parameters, 1 / n_rows, l2
        self.gradient = parameters.another()
        self.m, self.v = torch.zeros_like(parameters.all), torch.zeros_like(parameters.all)
        self.t = torch.zeros(())
        self.ones = torch.ones(n_rows, dtype=parameters.all.dtype)
        self.set_rate(rate)

    def set_rate(self, rate: float) -> None:
        self.rate = rate

    def layer(self, i: int, x: Tensor, dz: Tensor) -> None:
        g = self.gradient
        torch.addmm(self.p.w[i], x.t(), dz, beta=self.l2, alpha=self.share, out=g.w[i])
        g.b[i].addmv_(dz.t(), self.ones, beta=0, alpha=self.share)

    def finish(self) -> None:
        self.t += 1
        # What torch.optim.Adam(fused=True) calls: one pass, without its bookkeeping.
        torch._fused_adam_(
            [self.p.all],
            [self.gradient.all],
            [self.m],
            [self.v],
            [],
            [self.t],
            lr=self.rate,
            beta1=BETA_1,
            beta2=BETA_2,
            weight_decay=0.0,
            eps=EPSILON,
            amsgrad=False,
            maximize=False,
        )


UPDATES: dict[str, type[Update]] = {"sgd": Sgd, "momentum": Momentum, "adam": Adam}
