"""The settings that both classes share: their valid values, and the engine's `Problem`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from functools import lru_cache
from numbers import Integral, Real
from operator import attrgetter
from typing import Any

import numpy as np
from sklearn.utils._param_validation import (
    Interval,
    InvalidParameterError,
    Options,
    StrOptions,
)

from fastmlp import checks
from fastmlp.checks.names import nearest
from fastmlp.problem import GRADIENT, SETTINGS, Problem, Quantity
from fastmlp.reference import ACTIVATIONS, LOSSES, OPTIMIZERS
from fastmlp.words import shortened, shown

LONGEST_MESSAGE = 600  # characters of scikit-learn's messages


class Names(Set[str]):
    """A live view of the names in a table that `is_included`."""

    def __init__(self, table: Mapping[str, Any], is_included: Callable[[str], bool]) -> None:
        self._table, self._is_included = table, is_included

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name in self._table and self._is_included(name)

    def __iter__(self) -> Iterator[str]:
        return filter(self._is_included, self._table)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    @classmethod
    def _from_iterable(cls, names: Iterable[Any]) -> set[Any]:
        return set(names)  # of set operations, which are not live


SGD_KINDS = ("momentum", "nesterov")  # optimisers that the solver sgd selects by its settings
STOCHASTIC_SOLVERS = Names(OPTIMIZERS, lambda name: name not in (*SGD_KINDS, GRADIENT))
LOSSES_OF_NUMBERS = Names(
    LOSSES,
    lambda name: LOSSES[name].targets == "numbers" and LOSSES[name].out_activation is not None,
)

NUMERIC_SETTINGS = [name for name, kind in SETTINGS.items() if isinstance(kind, Quantity)]
_numeric = attrgetter(*NUMERIC_SETTINGS)
CONSTRAINTS: dict[str, list[Any]] = {
    "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
    "activation": [StrOptions(ACTIVATIONS.keys()), tuple, list],
    "solver": [StrOptions({"lbfgs"}), StrOptions(STOCHASTIC_SOLVERS)],
    "alpha": [Interval(Real, 0, None, closed="left")],
    "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
    "learning_rate": [StrOptions({"constant", "invscaling", "adaptive", "cosine"})],
    "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
    "power_t": [Interval(Real, 0, None, closed="left")],
    "max_iter": [Interval(Integral, 1, None, closed="left")],
    "shuffle": ["boolean"],
    "random_state": ["random_state"],
    "tol": [Interval(Real, 0, None, closed="left")],
    "verbose": ["verbose"],
    "warm_start": ["boolean"],
    "momentum": [Interval(Real, 0, 1, closed="both")],
    "nesterovs_momentum": ["boolean"],
    "early_stopping": ["boolean"],
    "validation_fraction": [Interval(Real, 0, 1, closed="left")],
    "beta_1": [Interval(Real, 0, 1, closed="left")],
    "beta_2": [Interval(Real, 0, 1, closed="left")],
    "epsilon": [Interval(Real, 0, None, closed="neither")],
    "n_iter_no_change": [Interval(Integral, 1, None, closed="left"), Options(Real, {np.inf})],
    "max_fun": [Interval(Integral, 1, None, closed="left")],
    "dropout": [Interval(Real, 0, 1, closed="left")],
    "callbacks": [None, list, tuple],
    "max_seconds": [None, Interval(Real, 0, None, closed="neither")],
    "n_threads": [None, Interval(Integral, 1, None, closed="left")],
    "dtype": [StrOptions({"auto", "float32", "float64"})],
    "monitor": [None, str, callable],
}


def validate(estimator: Any, check: Callable[[], None]) -> None:
    """Have scikit-learn `check` the settings; shorten its error, and suggest what was meant."""
    try:
        check()
    except InvalidParameterError as error:
        message = shortened(str(error), LONGEST_MESSAGE)
        name = str(error).split("'")[1]  # The 'solver' parameter of ...
        constraints = estimator._parameter_constraints[name]
        options = [o for c in constraints if isinstance(c, StrOptions) for o in c.options]
        meant = _meant(getattr(estimator, name), sorted(options))
        raise InvalidParameterError(f"{message.rstrip('.')}{meant}" if meant else message) from None


def _meant(value: object, known: Iterable[str]) -> str:
    """Return the end of a message on an unknown name: a suggestion, or nothing."""
    meant = nearest(value, known) if isinstance(value, str) else None
    return "" if meant is None else f"; did you mean {meant!r}?"


def as_float(estimator: Any, name: str) -> float:
    """Return a numeric setting, which may have been assigned after `fit` checked it.

    Raises
    ------
    TypeError
        If it can't be converted to a float.
    """
    value = getattr(estimator, name)
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        raise TypeError(f"{name} is {shown(value)}: give a number") from None


def hidden_sizes(estimator: Any) -> list[int]:
    """Return the sizes of the hidden layers, none for ``()``."""
    sizes = estimator.hidden_layer_sizes
    sizes = list(sizes) if isinstance(sizes, Iterable) else [sizes]
    if any(isinstance(size, Real) and size <= 0 for size in sizes):
        raise ValueError(f"hidden_layer_sizes must be > 0, got {shown(sizes)}.")
    return [checks.as_count(size, "hidden_layer_sizes") for size in sizes]


def check_together(estimator: Any, n_hidden: int, is_partial: bool) -> None:
    """Raise if settings that are each valid contradict each other."""
    hidden_activations(estimator, n_hidden)
    callables(estimator)
    if estimator.solver == "lbfgs" and estimator.dropout > 0:
        raise ValueError(
            f"dropout is {estimator.dropout} with solver='lbfgs', whose line search needs the same "
            "loss at each look: give dropout=0, or solver='adam'"
        )
    if not is_partial:
        return
    if estimator.early_stopping:
        raise ValueError("partial_fit does not support early_stopping=True")
    if estimator.learning_rate == "cosine":
        raise ValueError(
            "learning_rate is 'cosine', which ends at max_iter epochs, and partial_fit can't know "
            "how many there will be: give 'constant', or call fit"
        )


def most_epochs(estimator: Any, is_partial: bool = False) -> int:
    """Return how often a fit, or a `partial_fit`, reads all rows, at most."""
    if is_partial:
        return 1
    most: int = estimator.max_fun if estimator.solver == "lbfgs" else estimator.max_iter
    return most


def callables(estimator: Any) -> list[Callable[..., Any]]:
    """Return the setting `callbacks` as a list of functions."""
    return checks.as_callables(estimator.callbacks or (), "callbacks")


def activation_of(estimator: Any) -> str | tuple[str, ...]:
    """Return the hidden layers' activations.

    Raises
    ------
    ValueError, TypeError
        If there is no such activation.
    """
    given = estimator.activation
    if not isinstance(given, str | tuple | list):
        raise TypeError(f"activation is {shown(given)}: give names out of {', '.join(ACTIVATIONS)}")
    names = (given,) if isinstance(given, str) else tuple(given)
    for name in names:
        if not isinstance(name, str) or name not in ACTIVATIONS:
            known, meant = ", ".join(ACTIVATIONS), _meant(name, ACTIVATIONS)
            raise ValueError(f"activation holds {shown(name)}: give names out of {known}{meant}")
    return given if isinstance(given, str) else names


def hidden_activations(estimator: Any, n_hidden: int) -> tuple[str, ...]:
    """Return the activation of each hidden layer.

    Raises
    ------
    ValueError
        If there is no such activation, or there are several, but not one for each hidden layer.
    """
    return Problem(activation=activation_of(estimator)).activations(n_hidden + 1)


def problem_of(estimator: Any, loss: str) -> Problem:
    """Return the engine's description of what is trained.

    Raises
    ------
    ValueError, TypeError
        If there is no such activation or solver, or a numeric setting can't be converted.
    """
    try:
        numbers = map(float, _numeric(estimator))
        return _problem(activation_of(estimator), loss, _optimizer(estimator), *numbers)
    except (TypeError, ValueError, OverflowError):
        for name in NUMERIC_SETTINGS:
            as_float(estimator, name)  # which raises, and names it
        raise


@lru_cache(maxsize=64)  # to make one takes a tenth of the time of predicting a row
def _problem(*settings: Any) -> Problem:
    return Problem(*settings)


def _optimizer(estimator: Any) -> str:
    if estimator.solver == "lbfgs":
        return GRADIENT
    if estimator.solver != "sgd":
        if estimator.solver not in STOCHASTIC_SOLVERS:
            checks.as_name(estimator.solver, "solver", STOCHASTIC_SOLVERS)  # raises
        return str(estimator.solver)
    if estimator.momentum == 0:
        return "sgd"
    return "nesterov" if estimator.nesterovs_momentum else "momentum"
