"""How wrong predictions are."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from benchmarks.tables.sets import Task

Array = NDArray[Any]
LOWEST = 1e-7  # probabilities are taken for at least this


def scores(task: Task, y: Array, predictions: Array, train_y: Array) -> dict[str, float]:
    """Return ``error``, and for classes ``log_loss`` and ``one_minus_auc`` (where all occur).

    The error of classes is their share that is wrong. That of numbers is the root of their mean
    squared error, over the targets' standard deviation. ``predictions`` are probabilities
    (n_rows, n_classes) of the classes in `train_y`, sorted, or numbers (n_rows,).
    """
    if task == "regression":
        return {"error": float(np.sqrt(np.mean((y - predictions) ** 2)) / np.std(y))}
    truth = np.searchsorted(np.unique(train_y), y)
    p = np.clip(np.asarray(predictions, np.float64), LOWEST, None)
    p /= p.sum(axis=1, keepdims=True)
    found = {
        "error": float((p.argmax(axis=1) != truth).mean()),
        "log_loss": float(-np.log(p[np.arange(len(truth)), truth]).mean()),
    }
    if len(np.unique(truth)) == p.shape[1]:
        given = p[:, 1] if p.shape[1] == 2 else p
        found["one_minus_auc"] = 1 - float(roc_auc_score(truth, given, multi_class="ovr"))
    return found
