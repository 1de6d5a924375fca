"""MLPRegressor."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.base import RegressorMixin, _fit_context
from sklearn.metrics import r2_score
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import column_or_1d

from fastmlp.checkpoints.file import NoFile
from fastmlp.estimators.base import BaseMLP
from fastmlp.estimators.docstrings import documented
from fastmlp.estimators.hyperparameters import CONSTRAINTS, LOSSES_OF_NUMBERS
from fastmlp.estimators.scores import ScoreMixin
from fastmlp.reference import LOSSES

Array = NDArray[Any]


@documented
class MLPRegressor(ScoreMixin, RegressorMixin, BaseMLP):
    """A multi-layer perceptron that predicts numbers: scikit-learn's, trained by compiled code.

    For the same `random_state`, training is the same as that of
    `sklearn.neural_network.MLPRegressor`: the same initial weights, order of rows and losses. The
    parameters from `dropout` on are additions to scikit-learn's.

    Parameters
    ----------
    loss : str, default='squared_error'
        What is minimised. It also determines the output's function.

        <LOSSES_OF_NUMBERS>
    <PARAMETERS>
    <MORE>

    Attributes
    ----------
    <ATTRIBUTES>

    Examples
    --------
    >>> from fastmlp import MLPRegressor
    >>> from sklearn.datasets import make_regression
    >>> X, y = make_regression(n_samples=300, n_features=5, random_state=0)
    >>> model = MLPRegressor(learning_rate_init=0.05, max_iter=100, random_state=0)
    >>> model.fit(X, y / y.std()).score(X, y / y.std()) > 0.95
    True
    """

    _parameter_constraints: ClassVar = {
        **CONSTRAINTS,
        "loss": [StrOptions(LOSSES_OF_NUMBERS)],
    }
    _y_rules: ClassVar = {"y_numeric": True}

    def __init__(
        self,
        loss: str = "squared_error",
        hidden_layer_sizes: Any = (100,),
        activation: str | Sequence[str] = "relu",
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: bool | int = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        dropout: float = 0.0,
        callbacks: Sequence[Callable[..., Any]] | None = None,
        max_seconds: float | None = None,
        n_threads: int | None = None,
        dtype: str = "auto",
        monitor: Any = None,
    ) -> None:
        self._assign(locals())

    def _encode_first(self, y: Any, is_partial: bool) -> Array:
        encoded = self._as_rows(y)
        self.n_outputs_ = encoded.shape[1]
        return encoded

    def _encode(self, y: Any) -> Array:
        encoded = self._as_rows(y)
        if encoded.shape[1] != self.n_outputs_:
            raise ValueError(
                f"y has {encoded.shape[1]} outputs, the network {self.n_outputs_}: give as many"
            )
        return encoded

    def _as_rows(self, y: Any) -> Array:
        if issparse(y):
            raise TypeError("y is a sparse matrix: give a dense one, y.toarray()")
        if y.dtype.kind not in "biuf":
            raise ValueError(f"y holds {y.dtype}, no real numbers: give integers or floats")
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        lowest = LOSSES[self.loss].lowest
        if np.any(y < lowest):
            raise ValueError(f"y holds {y.min()} with loss={self.loss!r}: give y >= {lowest:g}")
        return y.reshape(len(y), -1)

    def _targets(self, encoded: Array, dtype: np.dtype[Any]) -> Array:
        return np.ascontiguousarray(encoded, dtype)

    def _loss_name(self) -> str:
        return self.loss

    def _score_outputs(self, outputs: Array, encoded: Array, weights: Array | None) -> float:
        return float(r2_score(encoded, outputs, sample_weight=weights))

    def predict(self, X: Any) -> Array:
        """Predict target values.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The input data.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            In the dtype of the weights.

        Raises
        ------
        NotFittedError
            Before `fit`.
        ValueError
            If `X` has other columns than in `fit`, or holds NaN or infinity.
        """
        outputs = self._outputs(X)
        return outputs.ravel() if outputs.shape[1] == 1 else outputs

    @available_if(lambda estimator: estimator._has_partial_fit())
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train for one epoch on the given data, continuing from the current state.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The input data.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            The target values.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows, 0 or more.

        Returns
        -------
        self : object
            The estimator.

        Raises
        ------
        ValueError, TypeError
            As `fit`.
        """
        return self._fit(X, y, sample_weight, (None, None), is_partial=True, file=NoFile())
