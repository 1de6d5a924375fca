"""What both classes do alike: a call of fit from the user's arrays to a trained network."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, _fit_context
from sklearn.callback import CallbackSupportMixin
from sklearn.utils import _safe_indexing, check_random_state
from sklearn.utils.validation import check_is_fitted

from fastmlp.beside import sole_training
from fastmlp.engine import Engine
from fastmlp.estimators import hyperparameters, outputs, read_input
from fastmlp.estimators.callbacks import EstimatorCallbacks
from fastmlp.estimators.fitted import Fitted
from fastmlp.estimators.lbfgs import fit_lbfgs
from fastmlp.estimators.stochastic import NOT_FINITE, fit_stochastic, schedule_of
from fastmlp.estimators.storage import FileMixin
from fastmlp.estimators.trainers import Rows
from fastmlp.estimators.validation import Validation, scorer_of, split_rows
from fastmlp.history import History
from fastmlp.training.schedules import Schedule
from fastmlp.words import shortened

Array = NDArray[Any]


class BaseMLP(Fitted, FileMixin, CallbackSupportMixin, BaseEstimator, ABC):
    """Base of `MLPClassifier` and `MLPRegressor`, where their parameters are described.

    Subclasses say how targets are read, encoded and scored.
    """

    @property
    def _engine(self) -> Engine:
        """The module that trains and predicts: `fastmlp.kernels`."""
        from fastmlp import kernels  # importing numba takes a quarter of a second: only when used

        return kernels

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = hyperparameters.CONSTRAINTS

    def _validate_params(self) -> None:
        hyperparameters.validate(self, super()._validate_params)

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
    ) -> Self:
        """Fit the model to data matrix X and target(s) y.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            float64, float32 and uint8 are read where they lie, memory-mapped files too; scaled
            pixels in memory as bytes, a copy of up to 256 MB. Don't change them meanwhile. (`y`
            may be changed.)
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Class labels, or real numbers for a regressor.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows, 0 or more.
        X_val : {array-like, sparse matrix} of shape (n_val, n_features), default=None
            Rows that are not trained on. Their loss and score are recorded after each epoch, and
            early stopping goes by them instead of a part of `X`.
        y_val : array-like of shape (n_val,) or (n_val, n_outputs), default=None
            Their targets.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If an argument makes no sense, or the training diverges.
        TypeError
            If an argument is of a type that makes no sense. All that the estimator had found before
            is still there after either of the two.
        RuntimeError
            If the estimator is being fitted, by another thread or by the call whose callback this
            is. To predict with it meanwhile is allowed.
        """
        return self._fit(X, y, sample_weight, (X_val, y_val), is_partial=False)

    @sole_training
    def _fit(
        self, X: Any, y: Any, sample_weight: Any, held_out: tuple[Any, Any], is_partial: bool
    ) -> Self:
        before = self._found()
        try:
            return self._train(X, y, sample_weight, held_out, is_partial)
        except (ValueError, TypeError):
            self._set_back(before)
            raise

    def _train(
        self, X: Any, y: Any, sample_weight: Any, held_out: tuple[Any, Any], is_partial: bool
    ) -> Self:
        hidden = hyperparameters.hidden_sizes(self)
        is_stochastic = self.solver != "lbfgs"
        hyperparameters.check_together(self, len(hidden), is_partial)
        scorer_of(self)  # raises where there is no such scorer
        if (held_out[0] is None) != (held_out[1] is None):
            raise ValueError("X_val and y_val are a pair: give both of them, or neither")
        is_new = not hasattr(self, "coefs_") or not (self.warm_start or is_partial)
        n_epochs = 1 if is_partial else self.max_iter if is_stochastic else self.max_fun
        x, y_read, features = read_input.read_rows(self, X, y, is_new, n_epochs, **self._y_rules)
        encoded = self._encode_first(y_read, is_partial)
        class_weights = self._learn_class_weight(encoded, is_partial)
        weights = read_input.read_sample_weight(sample_weight, x)
        weights = self._weighted(weights, class_weights, encoded)
        random_state = check_random_state(self.random_state)
        self._prepare([x.shape[1], *hidden, self.n_outputs_], x, is_new, random_state)
        if not is_partial or not hasattr(self, "history_"):
            self.history_ = History()
        order, validation = self._divide(
            X, y_read, held_out, x, encoded, weights, class_weights, random_state
        )
        targets = self._targets(encoded, self.coefs_[0].dtype)
        rows = Rows(features, targets, weights, order, validation)
        most = n_epochs if is_stochastic else self.max_iter + 1
        callbacks = EstimatorCallbacks(self, X, y, sample_weight, most)
        if is_stochastic:
            self._optimizer_state = fit_stochastic(self, rows, callbacks, random_state, is_partial)
        else:
            fit_lbfgs(self, rows, callbacks)
        if not all(np.isfinite(a).all() for a in (*self.coefs_, *self.intercepts_)):
            raise ValueError(
                f"{NOT_FINITE} That was in epoch {self.n_iter_}: scale the data "
                "(StandardScaler), or give a smaller learning_rate_init."
            )
        callbacks.end()
        return self

    def _divide(
        self, X: Any, y: Any, held_out: tuple[Any, Any], x: Any, encoded: Array,
        weights: Array | None, class_weights: Array | None, random_state: np.random.RandomState,
    ) -> tuple[Array, Validation | None]:  # fmt: skip
        """Return the numbers of the rows to train on, and those to validate with."""
        order, validation = np.arange(x.shape[0]), None
        if held_out[0] is not None:
            validation = self._validation(*held_out, class_weights)
        elif self.early_stopping and self.solver != "lbfgs":
            order, rest = split_rows(self, len(order), self._strata(encoded), random_state)
            validation = Validation(
                self, self._shown(X, x, rest), y[rest], x[rest], encoded[rest],
                None if weights is None else weights[rest],
            )  # fmt: skip
        if weights is not None and not weights[order].any():
            raise ValueError(
                "sample_weight and class_weight leave no row to train on any weight: give some of "
                "them more than 0"
            )
        if validation is not None:
            for name in ("validation_scores_", "validation_loss_curve_"):
                if getattr(self, name, None) is None:
                    setattr(self, name, [])
        return order, validation

    def _validation(self, X: Any, y: Any, class_weights: Array | None) -> Validation:
        try:
            x, y_read, _ = read_input.read_rows(self, X, y, reset=False, **self._y_rules)
            encoded = self._encode(y_read)
        except (ValueError, TypeError) as error:
            kind = TypeError if isinstance(error, TypeError) else ValueError
            raise kind(f"X_val and y_val: {error}") from error
        return Validation(self, X, y, x, encoded, self._weighted(None, class_weights, encoded))

    def _weighted(
        self, weights: Array | None, class_weights: Array | None, encoded: Array
    ) -> Array | None:
        """Return the rows' weights, times those of their classes."""
        if class_weights is None:
            return weights
        by_class = self._by_class(class_weights, encoded)
        return by_class if weights is None else weights * by_class

    def _shown(self, X: Any, x: Any, rows: Array) -> Any:
        """Return rows as a scorer may expect them: of a table with names, a table."""
        return _safe_indexing(X, rows) if hasattr(self, "feature_names_in_") else x[rows]

    def _outputs(self, X: Any, as_labels: bool = False) -> Array:
        """Return the network's outputs for features as the user gives them.

        With `as_labels`, the number of each row's largest one.
        """
        check_is_fitted(self)
        if read_input.is_plain(self, X):
            found = outputs.finite_outputs_of(self, X, as_labels)
            if found is not None:
                return found
        return outputs.outputs_of(self, read_input.read_features(self, X), as_labels)

    def _has_partial_fit(self) -> bool:
        if self.solver not in hyperparameters.STOCHASTIC_SOLVERS:
            raise AttributeError(
                "partial_fit is only available for stochastic optimizers. "
                f"{shortened(str(self.solver))} is not stochastic."
            )
        return True

    def __sklearn_is_fitted__(self) -> bool:
        # partial_fit's first call leaves `classes_` behind, where it fails.
        return hasattr(self, "coefs_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    # -- what subclasses may change ----------------------------------------------------------

    _l2_by_rows: ClassVar[bool] = True  # as scikit-learn divides alpha
    _says_at_max_iter: ClassVar[bool] = True  # warns where no epoch was found to be the last

    def _schedule(self, rate: float, n_steps: int) -> Schedule:
        """Return the schedule of a run of `n_steps` steps an epoch; 'adaptive' starts at `rate`."""
        return schedule_of(self, rate, n_steps)

    # -- what subclasses say -----------------------------------------------------------------

    _y_rules: ClassVar[dict[str, Any]] = {}

    @abstractmethod
    def _encode_first(self, y: Any, is_partial: bool) -> Array:
        """Learn from `y` what targets there are, or check them; return `_encode` of it."""

    @abstractmethod
    def _encode(self, y: Any) -> Array:
        """Return checked targets as numbers, a row each."""

    @abstractmethod
    def _targets(self, encoded: Array, dtype: np.dtype[Any]) -> Array:
        """Return what the engine takes for targets."""

    @abstractmethod
    def _loss_name(self) -> str:
        """Return the name of the loss that is trained."""

    @abstractmethod
    def _score_outputs(self, outputs: Array, encoded: Array, weights: Array | None) -> float:
        """Return the score of the network's outputs, as the method `score` has it."""

    def _learn_class_weight(self, encoded: Array, is_partial: bool) -> Array | None:
        """Return what `_by_class` is to go by, if classes have weights."""
        return None

    def _by_class(self, class_weights: Array, encoded: Array) -> Array:
        """Return a weight for each row, by what it is."""
        raise NotImplementedError

    def _strata(self, encoded: Array) -> Array | None:
        """Return what a split has to keep the shares of, if anything."""
        return None
