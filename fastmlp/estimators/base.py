"""What both classes do alike: a call of fit from the user's arrays to a trained network."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, _fit_context
from sklearn.callback import CallbackSupportMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from fastmlp.beside import sole_training
from fastmlp.checkpoints.checkpoint import Checkpoint
from fastmlp.checkpoints.file import NoFile, as_file
from fastmlp.estimators import hyperparameters, outputs, read_input
from fastmlp.estimators.callbacks import EstimatorCallbacks
from fastmlp.estimators.export import ExportMixin
from fastmlp.estimators.fingerprint import of_settings, of_targets, of_validation
from fastmlp.estimators.fitted import Fitted
from fastmlp.estimators.hooks import Hooks
from fastmlp.estimators.lbfgs import fit_lbfgs
from fastmlp.estimators.part import Part, Table
from fastmlp.estimators.stochastic import NOT_FINITE, fit_stochastic
from fastmlp.estimators.storage import FileMixin
from fastmlp.estimators.trainers import Rows
from fastmlp.estimators.validation import Validation, scorer_of, split_rows
from fastmlp.history import History
from fastmlp.parameters import Parameters
from fastmlp.training.progress import Progress, progress_of
from fastmlp.words import shortened

Array = NDArray[Any]


class BaseMLP(Hooks, Fitted, FileMixin, ExportMixin, CallbackSupportMixin, BaseEstimator):
    """Base of `MLPClassifier` and `MLPRegressor`, where their parameters are described.

    Subclasses say how targets are read, encoded and scored.
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = hyperparameters.CONSTRAINTS

    def _assign(self, arguments: dict[str, Any]) -> None:
        """Set the constructor's arguments as attributes of the same names, as scikit-learn asks."""
        self.__dict__.update({name: value for name, value in arguments.items() if name != "self"})

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
        checkpoint: Any = None,
        checkpoint_seconds: float = 1.0,
        resume: bool = False,
    ) -> Self:
        """Fit the model to data matrix X and target(s) y.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            float64, float32 and uint8 are read in place, even from memory-mapped files; scaled
            pixels in memory are encoded as bytes, in a copy of up to 256 MB. Don't change `X`
            meanwhile. (`y` can be changed.)
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Class labels, or real numbers for a regressor.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows, 0 or more.
        X_val : {array-like, sparse matrix} of shape (n_val, n_features), default=None
            Rows that are not trained on. Their loss and score are recorded after each epoch, and
            early stopping uses them instead of a part of `X`.
        y_val : array-like of shape (n_val,) or (n_val, n_outputs), default=None
            Their targets.
        checkpoint : path-like, default=None
            A file that keeps the state of the training while it runs, even within epochs, and holds
            its result at the end. If a callback has a method ``state_dict``, what it returns is
            kept too, for its ``load_state_dict``. Not with lbfgs.
        checkpoint_seconds : float, default=1.0
            Minimum time between two writes; 50 times what the last one took if that is longer.
        resume : bool, default=False
            Whether to continue from the checkpoint. The result is identical to that of a fit that
            was never interrupted, for any `n_threads` (`max_seconds` continue to count). `max_iter`
            counts all epochs; a training that has ended is just loaded. If there is no file,
            training starts from the beginning, with a UserWarning.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If an argument is invalid, or differs from that of the training to be continued, or the
            training diverges.
        TypeError
            If an argument has an invalid type. After either of the two errors, the estimator is as
            it was before.
        RuntimeError
            If the estimator is already being fitted, by another thread or by the call whose
            callback this is, or another training uses the checkpoint. Predicting meanwhile is
            allowed.
        OSError
            If a checkpoint can't be written under that name. If writing fails later on, a
            UserWarning says so.
        """
        file = as_file(checkpoint, checkpoint_seconds, resume)
        return self._fit(X, y, sample_weight, (X_val, y_val), is_partial=False, file=file)

    @sole_training
    def _fit(
        self, X: Any, y: Any, sample_weight: Any, held_out: tuple[Any, Any], is_partial: bool,
        file: NoFile,
    ) -> Self:  # fmt: skip
        before = self._found()
        try:
            self._check_settings(is_partial)
            self._check_checkpoint(file)
            if (held_out[0] is None) != (held_out[1] is None):
                raise ValueError("X_val and y_val are a pair: give both of them, or neither")
            n_epochs = hyperparameters.most_epochs(self, is_partial)
            table = Table.read(self, X, y, sample_weight, self._is_new(is_partial), n_epochs)
            progress = progress_of(bool(self.verbose), self.max_iter)
            with file:
                return self._train(
                    Part(table), held_out, is_partial, self.random_state, progress,
                    Checkpoint(file),
                )  # fmt: skip
        except (ValueError, TypeError):
            self._set_back(before)
            raise

    @_fit_context(prefer_skip_nested_validation=True)
    def _fit_part(
        self, part: Part, random_state: Any, progress: Progress, checkpoint: Checkpoint
    ) -> None:
        """Fit on a part of a table that has been read for estimators like this one.

        It has one thread. The caller has checked the settings, guards against another training at
        the same time, and sets back what a fit that fails leaves behind.
        """
        asked, self.n_threads = self.n_threads, 1
        try:
            # The columns only: all else has been checked.
            validate_data(self, part.table.X, skip_check_array=True, reset=self._is_new(False))
            self._train(part, (None, None), False, random_state, progress, checkpoint)
        finally:
            self.n_threads = asked

    def _check_settings(self, is_partial: bool) -> None:
        """Raise if settings contradict each other, or name what there is not."""
        hidden = hyperparameters.hidden_sizes(self)
        hyperparameters.check_together(self, len(hidden), is_partial)
        scorer_of(self)

    def _check_checkpoint(self, file: NoFile) -> None:
        if file.is_on and self.solver == "lbfgs":
            raise ValueError(
                "checkpoint is given with solver='lbfgs', whose state SciPy keeps to itself: give "
                "another solver, or no checkpoint"
            )

    def _train(
        self,
        part: Part,
        held_out: tuple[Any, Any],
        is_partial: bool,
        random_state: Any,
        progress: Progress,
        checkpoint: Checkpoint,
    ) -> Self:
        hidden = hyperparameters.hidden_sizes(self)
        is_new = self._is_new(is_partial)
        y = part.of(part.table.targets)
        encoded = self._encode_first(y, is_partial)
        class_weights = self._learn_class_weight(encoded, is_partial)
        weights = self._weighted(part.of(part.table.weights), class_weights, encoded)
        checkpoint.compare(
            lambda: of_settings(self, part, checkpoint.sum_of) | of_targets(self, encoded, weights),
            max_iter=self.max_iter,
        )
        random_state = check_random_state(random_state)
        self._prepare([part.x.shape[1], *hidden, self.n_outputs_], part.x, is_new, random_state)
        if not is_partial or not hasattr(self, "history_"):
            self.history_ = History()
        checkpoint.rewind(random_state)
        places, validation = self._divide(
            part, y, held_out, encoded, weights, class_weights, random_state
        )
        checkpoint.compare(lambda: of_validation(validation))
        targets = self._targets(encoded, self.coefs_[0].dtype)
        rows = Rows(
            part.table.features, part.spread(targets), part.spread(weights), part.numbers(places),
            validation,
        )  # fmt: skip
        if self.solver == "lbfgs":
            callbacks = EstimatorCallbacks(self, part, self.max_iter + 1)
            fit_lbfgs(self, rows, callbacks, progress)
        else:
            callbacks = EstimatorCallbacks(
                self, part, hyperparameters.most_epochs(self, is_partial)
            )
            self._optimizer_state = fit_stochastic(
                self, rows, callbacks, random_state, is_partial, progress, checkpoint
            )
        self._check_finite()
        callbacks.end()
        return self

    def _check_finite(self) -> None:
        if not Parameters(self.coefs_, self.intercepts_).are_finite():
            raise ValueError(
                f"{NOT_FINITE} That was in epoch {self.n_iter_}: scale the data "
                "(StandardScaler), or give a smaller learning_rate_init."
            )

    def _divide(
        self, part: Part, y: Any, held_out: tuple[Any, Any], encoded: Array,
        weights: Array | None, class_weights: Array | None, random_state: np.random.RandomState,
    ) -> tuple[NDArray[np.intp], Validation | None]:  # fmt: skip
        """Return the places in the part of the rows to train on, and the rows to validate with."""
        places, validation = np.arange(len(part)), None
        if held_out[0] is not None:
            validation = self._validation(*held_out, class_weights)
        elif self.early_stopping and self.solver != "lbfgs":
            places, rest = split_rows(self, len(part), self._strata(encoded), random_state)
            numbers = part.numbers(rest)
            validation = Validation(
                self, part.shown(numbers, hasattr(self, "feature_names_in_")), y[rest],
                part.x[numbers], encoded[rest], None if weights is None else weights[rest],
            )  # fmt: skip
        if weights is not None and not weights[places].any():
            raise ValueError(
                "sample_weight and class_weight leave no row to train on any weight: give some of "
                "them more than 0"
            )
        if validation is not None:
            self._begin_curves()
        return places, validation

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
