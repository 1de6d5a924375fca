"""scikit-learn's scores, of targets that are all there."""

from __future__ import annotations

from typing import Any

from fastmlp.checks import refuse_missing


class ScoreMixin:
    """The method `score`, before scikit-learn's mixin, which compares whatever it is given."""

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return how good predictions are, 1 at best.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The input data.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            The true targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.

        Returns
        -------
        float
            A classifier's accuracy, the share of rows of which all labels are right; a regressor's
            R^2.

        Raises
        ------
        NotFittedError
            Before `fit`.
        ValueError
            If a target is missing, or `X` has other columns than in `fit`.
        """
        y = refuse_missing(y, "y")
        return float(super().score(X, y, sample_weight=sample_weight))  # type: ignore[misc]
