"""Checks an estimator that was read from an untrusted file, as `fit` checks its input.

An estimator that passes can predict, be saved, and be trained further if its settings allow it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from sklearn import config_context

from fastmlp.estimators import hyperparameters as settings
from fastmlp.estimators.validation import scorer_of
from fastmlp.json_text import as_members, as_number, as_text, as_texts
from fastmlp.words import shown

LARGEST = 2**63 - 1


def _as_count(value: Any) -> int:
    if type(value) is not int or not 0 <= value <= LARGEST:
        raise ValueError("not a count")
    return value


def _as_curve(value: Any) -> list[float]:
    if not isinstance(value, list):
        raise TypeError("not a list of numbers")
    return [as_number(v) for v in value]


def _or_none(check: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: None if value is None else check(value)


FITTED: dict[str, Callable[[Any], Any]] = {
    "n_iter_": _as_count,
    "t_": _as_count,
    "loss_": _or_none(as_number),
    "best_loss_": _or_none(as_number),
    "loss_curve_": _as_curve,
    "validation_loss_curve_": _or_none(_as_curve),
    "validation_scores_": _or_none(_as_curve),
    "best_validation_score_": _or_none(as_number),
    "n_features_in_": _as_count,
    "n_layers_": _as_count,
    "n_outputs_": _as_count,
    "out_activation_": as_text,
    "_no_improvement_count": _as_count,
}
"""Attributes that a fit sets, besides weights and names, each with a function that checks it."""

NEEDED = ("t_", "n_features_in_", "n_layers_", "n_outputs_", "out_activation_")
# Attributes that further training needs if there is a loss curve.
BESIDE_A_CURVE = {
    "best_loss_": None, "validation_scores_": None, "best_validation_score_": None,
    "_no_improvement_count": 0,
}  # fmt: skip


def as_fitted(values: Any) -> dict[str, Any]:
    """Return the attributes that a fit sets, by name, checked."""
    found, unknown = as_members(values, FITTED, "fitted")
    if unknown:
        raise ValueError(f"unknown attribute {shown(unknown[0])}")
    if missing := [name for name in NEEDED if name not in found]:
        raise ValueError(f"{missing[0]} is missing")
    return (BESIDE_A_CURVE if "loss_curve_" in found else {}) | found


def check_settings(estimator: Any, n_layers: int) -> None:
    """Raise unless `fit` accepts the settings, and they fit this number of weight matrices.

    Raises
    ------
    TypeError, ValueError
        As `fit`.
    """
    estimator._validate_params()
    settings.hidden_sizes(estimator)
    settings.check_together(estimator, n_layers - 1, is_partial=False)
    with config_context(skip_parameter_validation=True):  # whose errors list all scorers
        scorer_of(estimator)
    for name, value in estimator.get_params(deep=False).items():
        if isinstance(value, int) and value > LARGEST:
            raise ValueError(f"{name} is {shown(value)}: give a smaller number")


def as_feature_names(names: Any, n_features: int) -> tuple[str, ...] | None:
    """Return names, a string for each feature; None stays None. A name may occur twice."""
    if names is None:
        return None
    if not isinstance(names, list) or len(names) != n_features:
        raise ValueError(f"names are {shown(names)}, not a string for each of {n_features}")
    return as_texts(names)


def as_flag(value: Any, name: str) -> bool:
    """Return a Boolean."""
    if not isinstance(value, bool):
        raise TypeError(f"{name} is {shown(value)}, not true or false")
    return value


def as_fallen_rate(rate: Any, initial: float) -> float:
    """Return the rate to which 'adaptive' has lowered the initial one."""
    if type(rate) is not float or not 0 < rate < initial:
        raise ValueError(f"a learning rate of {shown(rate)} after {shown(initial)}")
    return rate


def as_weights(values: Any) -> list[float]:
    """Return the classes' weights, finite and not negative."""
    weights = _as_curve(values)
    if not all(math.isfinite(w) and w >= 0 for w in weights):
        raise ValueError(f"class_weight holds {shown(values)}")
    return weights
