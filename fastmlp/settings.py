"""A problem's way in and out: its parts looked up in an engine's tables, what is said of it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import fields
from functools import lru_cache
from itertools import chain
from types import ModuleType
from typing import Any

from fastmlp import checks
from fastmlp.engine import Tables
from fastmlp.problem import TUTORIAL, Problem

SETTINGS = tuple(field.name for field in fields(Problem))
PLAIN = frozenset((str, float, int))  # types whose values can't change
GRADIENT = "gradient"  # an optimiser for those who take the steps themselves


def as_problem(given: Problem, n_layers: int, tables: Tables) -> Problem:
    """Return a problem whose every part makes sense to an engine.

    Parameters
    ----------
    given : Problem
        With anything in it.
    n_layers : int
        Layers of weights, one more than there are hidden layers.
    tables : module
        An engine: its ACTIVATIONS, LOSSES and OPTIMIZERS say which names there are.

    Raises
    ------
    TypeError, ValueError
        Where a part makes no sense; the message names it, and lists the names that do.
    """
    optimizers = [name for name in tables.OPTIMIZERS if name != GRADIENT]
    problem = Problem(
        activation=_as_activation(given.activation, tables.ACTIVATIONS),
        loss=checks.as_name(given.loss, "loss", tables.LOSSES),
        optimizer=checks.as_name(given.optimizer, "optimizer", optimizers),
        momentum=checks.as_share(given.momentum, "momentum"),
        beta_1=checks.as_share(given.beta_1, "beta_1"),
        beta_2=checks.as_share(given.beta_2, "beta_2"),
        epsilon=checks.as_positive(given.epsilon, "epsilon"),
        dropout=checks.as_share(given.dropout, "dropout"),
    )
    problem.activations(n_layers)  # raises where there are too many or too few
    return problem


def problem_of(values: tuple[Any, ...], n_layers: int, tables: Tables) -> Problem:
    """Return `as_problem` of the values of SETTINGS, in their order.

    The same plain values are checked once: to check them takes as long as to predict a row.
    """
    activation, *others = values
    names = activation if type(activation) is tuple else (activation,)
    is_plain = PLAIN.issuperset(map(type, chain(names, others)))
    if is_plain and isinstance(tables, ModuleType):
        return _known_problem(values, n_layers, tables)
    return as_problem(Problem(*values), n_layers, tables)


@lru_cache(maxsize=64)
def _known_problem(values: tuple[Any, ...], n_layers: int, tables: Any) -> Problem:
    return as_problem(Problem(*values), n_layers, tables)


def differences(problem: Problem) -> dict[str, Any]:
    """Return the settings, by name, that are not the tutorial's."""
    values = {name: getattr(problem, name) for name in SETTINGS}
    return {name: value for name, value in values.items() if value != getattr(TUTORIAL, name)}


def _as_activation(given: object, known: Collection[str]) -> str | tuple[str, ...]:
    if isinstance(given, tuple | list):
        return tuple(checks.as_name(name, "activation", known) for name in given)
    return checks.as_name(given, "activation", known)
