"""What front ends ask of an engine: `fastmlp.kernels`, or `fastmlp.reference`, as Protocols."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from fastmlp.problem import Problem, Tables

Array = NDArray[Any]


class CompilerOffError(RuntimeError):
    """Numba's compiler is off, without which the compiled engine can't work."""


@dataclass(frozen=True)
class Features:
    """The rows of X as `Engine.read` returns them; engines may add what they know about them.

    Attributes
    ----------
    x : ndarray or SciPy CSR of shape (n_rows, n_features)
        As it was given.
    are_finite : bool
        Whether all numbers are known to be finite; False if nobody has checked.
    """

    x: Any
    are_finite: bool = False


class Prediction(NamedTuple):
    """The outputs, and whether the numbers that they were computed from are finite."""

    outputs: Array
    has_finite_parameters: bool
    has_finite_rows: bool  # if that was asked for


class Trainer(Protocol):
    """Epochs of mini-batches over one set of rows.

    `fastmlp.reference.Trainer` describes the settings, and its methods their arguments.

    A trainer works on copies of the parameters and of the optimiser's arrays. Only `load`,
    `restart` and `export` move values between these and the caller's arrays.

    Attributes
    ----------
    outside : (weights, biases)
        The caller's lists of arrays. Others of the same shapes and dtype may be assigned.
    states : list of tuple of ndarray
        The caller's side of the optimiser's arrays, for each of w1..wL, b1..bL; zero at first.
        Others may be assigned.
    learning_rate : float or ndarray of shape (n_steps,)
        One for all steps, or one for each step of an epoch. May be assigned between epochs.
    lambda_reg : float
        Strength of L2. May be assigned between epochs.
    dropout : float
        Share of the hidden units that a step leaves out: the problem's, at first. May be assigned
        between epochs, in [0, 1), where the problem's is more than 0.
    n_steps : int
        Steps taken so far: the next is step ``n_steps + 1`` of Adam's bias corrections and of
        dropout. May be assigned between epochs, to continue.
    mean_loss : float
        Of the last call of `epoch` or `repeat`: the mean of its batches' losses, each before its
        step and counted by its rows, without L2; NaN where no row has weight.
    penalty : float
        Of the last call of `epoch`: the same mean of the batches' L2 terms, half the strength times
        the sum of the squares of all weights before the step. 0 without `with_penalty`.
    """

    outside: tuple[Sequence[Array], Sequence[Array]]
    states: list[tuple[Array, ...]]
    learning_rate: Any
    lambda_reg: float
    dropout: float
    n_steps: int
    mean_loss: float
    penalty: float

    def epoch(
        self, order: NDArray[np.intp], between: Callable[[], object] | None = None, /
    ) -> float:
        """Take a step for each batch of rows in `order`; return the last batch's loss before it.

        An engine may call `between` between steps, where `export` and `sums` may be called.
        """

    def sums(self) -> dict[str, Any]:
        """Return what the steps of an epoch so far have summed up, besides what `export` writes.

        Numbers, arrays, and lists of them; nothing between epochs.
        """

    def go_on(self, sums: Mapping[str, Any], n_ordered: int, /) -> None:
        """Have the next call of `epoch` begin after the steps that `sums` was called after.

        Its order, of `n_ordered` rows, is the same as then, and so are all settings; `load` has got
        what `export` wrote. LookupError, TypeError or ValueError if the sums are none of it.
        """

    def epochs(self, orders: NDArray[np.intp], /) -> tuple[Array, Array, Array]:
        """Take an epoch for each row of `orders`.

        Return `mean_loss` and `penalty` of each, and what `epoch` would have returned.
        """

    def repeat(self) -> None:
        """Take the steps of the last call of `epoch` once more, with the same numbers.

        Neither `penalty` nor `n_steps` changes.
        """

    def mark(self) -> None:
        """Remember parameters, states and the number of steps, for `go_back`."""

    def go_back(self) -> None:
        """Go on from where `mark` was called."""

    def is_finite(self) -> bool:
        """Return whether all parameters are finite."""

    def set_targets(self, y: Array, /) -> None:
        """Go on with a copy of these targets, of the same kind as those before."""

    def load(self) -> None:
        """Go on from the parameters in `outside`, and from `states`."""

    def restart(self) -> None:
        """Go on from the parameters in `outside`, and from an optimiser whose arrays are 0."""

    def export(self) -> None:
        """Write the parameters into `outside`, and the optimiser's arrays into `states`."""

    def export_states(self) -> None:
        """Write the optimiser's arrays into `states`."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *error: Any) -> None: ...


class Engine(Tables, Protocol):
    """A module that trains and predicts. `x` has been checked: uint8, float32, float64, or CSR.

    The functions of `fastmlp.reference` describe their arguments.
    """

    @property
    def Trainer(self) -> Callable[..., Trainer]:  # noqa: N802
        """Make a trainer of weights, biases, rows (`x` or what `read` has returned) and targets.

        `fastmlp.reference.Trainer` describes its keywords.
        """

    def read(self, x: Any, n_epochs: int) -> Features:
        """Prepare rows that a trainer will read in each of `n_epochs` epochs.

        Where it pays, they are copied into a form that is faster to read, and later changes of `x`
        don't count. For one epoch this never happens.
        """

    def predict(
        self,
        owner: object,
        weights: Sequence[Array],
        biases: Sequence[Array],
        x: Any,
        input_scale: float | None,
        n_threads: int | None,
        problem: Problem,
        as_labels: bool = False,
        looks: bool = False,
    ) -> Prediction:
        """Return the last layer's outputs, or their labels; the owner's next call may be faster."""

    def predict_layers(
        self,
        owner: object,
        weights: Sequence[Array],
        biases: Sequence[Array],
        x: Any,
        input_scale: float | None,
        n_threads: int | None,
        problem: Problem,
    ) -> tuple[list[Array], bool]:
        """Return the activations of every layer, and whether all parameters are finite."""

    def prepare(
        self,
        weights: Sequence[Array],
        biases: Sequence[Array],
        x: Any,
        input_scale: float | None = None,
        problem: Problem = ...,
    ) -> None:
        """Compile what predictions of such rows need."""
