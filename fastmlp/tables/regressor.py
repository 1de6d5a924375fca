"""TableRegressor."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils.validation import column_or_1d

from fastmlp.checks import as_numeric
from fastmlp.estimators.scores import ScoreMixin
from fastmlp.json_text import as_number, parse
from fastmlp.tables.base import BaseTable
from fastmlp.tables.docstrings import documented
from fastmlp.tables.members import Fold, Member, RegressorMember
from fastmlp.words import shown

Array = NDArray[Any]
LARGEST = 1e150  # of targets


@documented
class TableRegressor(ScoreMixin, RegressorMixin, BaseTable):
    """Predicts numbers from raw tables, with defaults that need no tuning.

    <WHAT>

    Parameters
    ----------
    <PARAMETERS>

    Attributes
    ----------
    <ATTRIBUTES>
    oof_predictions_ : ndarray of shape (n_samples,)
        Each row's prediction by the networks that were not trained on it; NaN if all were.
    oof_score_ : float
        Their R^2. It is optimistic, because these rows chose the epochs.

    Examples
    --------
    >>> from fastmlp import TableRegressor
    >>> from sklearn.datasets import load_diabetes
    >>> X, y = load_diabetes(return_X_y=True, as_frame=True)
    >>> model = TableRegressor(n_members=2, random_state=0).fit(X, y)
    >>> model.score(X, y) > 0.4
    True
    >>> low, high = model.predict_interval(X, 0.9)
    >>> bool((low <= y).mean() > 0.8)
    True
    """

    _unseen: ClassVar[tuple[str, ...]] = ("_mean", "_spread", "_range", "_residuals")
    _mean: float
    _spread: float
    _range: tuple[float, float]
    _residuals: Array

    def __init__(
        self,
        n_members: int = 5,
        trees: bool = False,
        max_seconds: float | None = None,
        categorical_features: Any = "from_dtype",
        n_threads: int | None = None,
        random_state: Any = None,
        verbose: bool | int = False,
        *,
        cv: Any = None,
    ) -> None:
        self.n_members = n_members
        self.trees = trees
        self.max_seconds = max_seconds
        self.categorical_features = categorical_features
        self.n_threads = n_threads
        self.random_state = random_state
        self.verbose = verbose
        self.cv = cv

    def predict(self, X: Any) -> Array:
        """Predict target values.

        Parameters
        ----------
        X : table of shape (n_samples, n_features)
            With the columns of `fit`.

        Returns
        -------
        y : ndarray of shape (n_samples,) of float64
            Within the range of the targets in `fit`.

        Raises
        ------
        NotFittedError
            Before `fit`.
        ValueError
            If the columns differ from those in `fit`, or hold cells of another kind.
        """
        outputs: Array = np.stack(self._outputs(self._encoded(X)))
        means: Array = outputs[..., 0].mean(axis=0, dtype=np.float64)
        return self._decode(means)

    def predict_interval(self, X: Any, coverage: float = 0.9) -> tuple[Array, Array]:
        """Predict intervals that contain the target of a new row with about this probability.

        A prediction, plus and minus the quantile of the out-of-fold (or validation) rows' absolute
        errors: split conformal prediction (Lei et al., arXiv:1604.04173), with all folds' errors as
        in CV+ (Barber et al., arXiv:1905.02928). All intervals are equally wide.

        Parameters
        ----------
        X : table of shape (n_samples, n_features)
            With the columns of `fit`.
        coverage : float, default=0.9
            In (0, 1).

        Returns
        -------
        low, high : ndarray of shape (n_samples,)

        Raises
        ------
        NotFittedError
            Before `fit`.
        ValueError
            If `coverage` is not between 0 and 1, or `X` as in `predict`.
        """
        if not (isinstance(coverage, int | float | np.number) and 0 < coverage < 1):
            raise ValueError(f"coverage is {shown(coverage)}: give a number between 0 and 1")
        middle = self.predict(X)
        n_rows = len(self._residuals)
        place = min(int(np.ceil((n_rows + 1) * coverage)), n_rows) - 1
        width = float(self._residuals[place])
        return middle - width, middle + width

    def _learn_targets(self, y: Any) -> Array:
        values = _as_numbers(y, "y")
        low, high = self._range = float(values.min()), float(values.max())
        if max(-low, high) > LARGEST:
            row = int(np.argmax(np.abs(values)))
            raise ValueError(
                f"y holds {values[row]:g} in row {row} (counted from 0): divide y, as squares of "
                f"numbers beyond {LARGEST:g} are infinite"
            )
        self._mean = float(values.mean())
        self._spread = float(values.std()) or high - low or 1.0
        return self._encode(values)

    def _encode(self, y: Any) -> Array:
        encoded: Array = ((_as_numbers(y, "y_val") - self._mean) / self._spread).astype(np.float32)
        return encoded

    def _decode(self, outputs: Array) -> Array:
        return np.clip(outputs * self._spread + self._mean, *self._range)

    def _strata(self, targets: Array) -> Array | None:
        return None

    def _to_average(self, targets: Array) -> NDArray[np.float64] | None:
        return targets[:, np.newaxis].astype(np.float64)

    def _member(self) -> Member:
        member = RegressorMember()
        low, high = ((edge - self._mean) / self._spread for edge in self._range)
        member._range = low, high
        return member

    def _read(self, outputs: Array) -> Array:
        return outputs

    def _averaged(self, outputs: Array, trees: Any, plain: Array) -> Array:
        mean: Array = 0.5 * (outputs + trees.predict(plain)[:, np.newaxis])
        return mean

    @property
    def _n_network_outputs(self) -> int:
        return 1

    def _complete(self, member: Member) -> None:
        pass  # it needs nothing

    def _to_file(self) -> tuple[dict[str, Any], dict[str, Array]]:
        fitted = {"mean": self._mean, "spread": self._spread, "range": self._range}
        return {"fitted": fitted}, {"errors": self._residuals}

    def _from_file(self, text: dict[str, str], arrays: dict[str, Array]) -> None:
        fitted, errors = parse(text["fitted"]), arrays.pop("errors")
        self._mean, self._spread = as_number(fitted["mean"]), as_number(fitted["spread"])
        low, high = map(as_number, fitted["range"])
        self._range, self._residuals = (low, high), errors
        if not (
            np.isfinite([self._mean, self._spread, low, high]).all()
            and errors.dtype == np.float64
            and errors.ndim == 1
            and len(errors)
            and (errors[:-1] <= errors[1:]).all()
            and errors[0] >= 0
            and errors[-1] < np.inf
        ):
            raise ValueError("targets or errors are not finite")

    def _judge(
        self, x: Array, targets: Array, weights: Array | None, folds: list[Fold], has_folds: bool
    ) -> None:
        oof = self._decode(self._gather(x, folds, 1)[:, 0])
        rows = np.flatnonzero(~np.isnan(oof))
        truth = targets.astype(np.float64) * self._spread + self._mean
        errors = np.abs(truth[rows] - oof[rows])
        errors.sort()
        self._residuals = errors
        if has_folds:
            self.oof_predictions_ = oof
            known = None if weights is None or not weights[rows].any() else weights[rows]
            self.oof_score_ = float(r2_score(truth[rows], oof[rows], sample_weight=known))


def _as_numbers(y: Any, name: str) -> NDArray[np.float64]:
    """Return finite targets (n_rows,)."""
    values = column_or_1d(as_numeric(y, name), warn=True).astype(np.float64)
    if not np.isfinite(values).all():
        row = int(np.argmin(np.isfinite(values)))
        raise ValueError(
            f"{name} holds {values[row]} in row {row} (counted from 0): remove such rows"
        )
    return values
