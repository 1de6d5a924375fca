"""How good a table's predictions are, in the usual figures."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def of_classes(
    y: NDArray[Any], probabilities: NDArray[np.float64], classes: NDArray[Any]
) -> dict[str, str]:
    """Return accuracy, log-loss and AUC, as text by their names.

    Of more than two classes, AUC is the mean over the classes, each against the rest. There is none
    where rows of a class are missing.

    Parameters
    ----------
    y : ndarray of shape (n_rows,)
        Classes, all of them in `classes`.
    probabilities : ndarray of shape (n_rows, n_classes)
    classes : ndarray of shape (n_classes,)
    """
    from sklearn.metrics import log_loss, roc_auc_score

    right = classes[probabilities.argmax(axis=1)] == y
    figures = {
        "Accuracy": f"{100 * right.mean():.2f} %",
        "Log-loss": f"{log_loss(y, probabilities, labels=classes):.4f}",
    }
    if len(np.unique(y)) == len(classes):
        scores = probabilities[:, 1] if len(classes) == 2 else _normalised(probabilities)
        more = {} if len(classes) == 2 else {"multi_class": "ovr", "labels": classes}
        figures["AUC"] = f"{roc_auc_score(y, scores, **more):.4f}"
    return figures


def _normalised(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    sums: NDArray[np.float64] = probabilities.sum(axis=1, keepdims=True)
    return probabilities / sums


def of_quantities(y: NDArray[np.float64], predicted: NDArray[np.float64]) -> dict[str, str]:
    """Return R2, RMSE and MAE, as text by their names; no R2 of labels that are all the same."""
    errors = predicted - y
    figures = {
        "RMSE": f"{np.sqrt(np.mean(errors**2)):.5g}",
        "MAE": f"{np.mean(np.abs(errors)):.5g}",
    }
    spread = np.mean((y - y.mean()) ** 2)
    if spread > 0:
        figures = {"R2": f"{1 - np.mean(errors**2) / spread:.4f}"} | figures
    return figures
