"""What a fit is about: what has to be the same for it to go on from a checkpoint."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmlp.checkpoints.fingerprint import of_data
from fastmlp.estimators.part import Part

Array = NDArray[Any]
# Settings that change no bit, or how long a run goes on.
FREE = ("callbacks", "n_threads", "verbose", "max_iter", "max_seconds")


def of_settings(estimator: Any, part: Part, sum_of: Callable[[Any], Any]) -> dict[str, Any]:
    """Return settings and features; of these, `sum_of` returns the sum."""
    settings = estimator.get_params(deep=False)
    free = FREE if not estimator._plans_epochs else [n for n in FREE if n != "max_iter"]
    return {
        "class": type(estimator).__name__,
        "engine": getattr(estimator._engine, "__name__", ""),
        **{name: value for name, value in settings.items() if name not in free},
        "X": sum_of(part.x),
        "rows": of_data(part.rows),
    }


def of_targets(estimator: Any, encoded: Array, weights: Array | None) -> dict[str, Any]:
    """Return targets and weights of the rows."""
    classes = getattr(estimator, "classes_", None)
    return {
        "y": of_data(encoded),
        "classes": None if classes is None else of_data(np.array([*map(str, classes)])),
        "sample_weight": of_data(weights),
    }


def of_validation(validation: Any) -> dict[str, Any]:
    """Return the rows to validate with."""
    if validation is None:
        return {"X_val": None}
    x, encoded, weights = validation.rows
    return {"X_val": of_data(x), "y_val": of_data(encoded), "weights of X_val": of_data(weights)}
