"""MLPClassifier."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin, _fit_context
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import _check_partial_fit_first_call, type_of_target
from sklearn.utils.validation import check_is_fitted

from fastmlp.checkpoints.file import NoFile
from fastmlp.checks import refuse_missing
from fastmlp.estimators.class_targets import ClassTargets
from fastmlp.estimators.docstrings import documented
from fastmlp.estimators.hyperparameters import CONSTRAINTS, Real
from fastmlp.estimators.label_encoding import LabelEncoding
from fastmlp.estimators.scores import ScoreMixin

Array = NDArray[Any]


@documented
class MLPClassifier(ScoreMixin, ClassifierMixin, ClassTargets):
    """A multi-layer perceptron that predicts classes: scikit-learn's, trained by compiled code.

    For the same `random_state`, training is the same as that of
    `sklearn.neural_network.MLPClassifier`: the same initial weights, order of rows and losses. Two
    classes, or several labels per row, have logistic outputs; three or more classes have softmax.
    The loss is cross-entropy. The parameters from `class_weight` on are additions to
    scikit-learn's.

    Parameters
    ----------
    <PARAMETERS>
    class_weight : dict or 'balanced', default=None
        Weights of classes, ``{class: weight}``, with 1 for those not named. They count in training
        and in the validation loss and score. Classes that do not occur in `y`, for instance in a
        fold, are ignored. 'balanced' is n_samples / (n_classes * count of the class), of the rows
        that `fit` trains on. With multi-label targets, the weights of a row's labels are
        multiplied.
    label_smoothing : float, default=0.0
        Share of each target that is spread over all classes, in [0, 1) (arXiv:1512.00567).
    stratify : bool or 'auto', default='auto'
        Whether the rows held out for early stopping have the same shares of classes as all rows.
        'auto' does what scikit-learn does: only if there are two classes.
    <MORE>

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The classes, sorted.
    loss : str
        ``'log_loss'``, as scikit-learn calls it.
    <ATTRIBUTES>

    Examples
    --------
    >>> from fastmlp import MLPClassifier
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.model_selection import train_test_split
    >>> X, y = load_iris(return_X_y=True)
    >>> X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
    >>> model = MLPClassifier(learning_rate_init=0.02, max_iter=300, random_state=0)
    >>> model.fit(X_train, y_train).score(X_test, y_test) > 0.9
    True
    >>> model.predict(X_test[:3])
    array([2, 1, 0])
    """

    _parameter_constraints: ClassVar = {
        **CONSTRAINTS,
        "class_weight": [None, dict, StrOptions({"balanced"})],
        "label_smoothing": [Interval(Real, 0, 1, closed="left")],
        "stratify": ["boolean", StrOptions({"auto"})],
    }
    loss = "log_loss"

    def __init__(
        self,
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
        class_weight: Any = None,
        label_smoothing: float = 0.0,
        stratify: bool | str = "auto",
        dropout: float = 0.0,
        callbacks: Sequence[Callable[..., Any]] | None = None,
        max_seconds: float | None = None,
        n_threads: int | None = None,
        dtype: str = "auto",
        monitor: Any = None,
    ) -> None:
        self._assign(locals())

    def predict(self, X: Any) -> Any:
        """Predict classes.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The input data.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_classes)
            The most probable class of each row; for multi-label targets 0 and 1, a sparse matrix
            where `fit` was given one.

        Raises
        ------
        NotFittedError
            Before `fit`.
        ValueError
            If `X` has other columns than in `fit`, or holds NaN or infinity.
        """
        check_is_fitted(self)
        labels = self._labels
        return labels.decode(self._outputs(X, as_labels=labels.is_one_of_many))

    def predict_proba(self, X: Any) -> Array:
        """Predict the probability of each class.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The input data.

        Returns
        -------
        y_prob : ndarray of shape (n_samples, n_classes)
            In the order of `classes_`. For multi-label targets each label's own probability.

        Raises
        ------
        NotFittedError
            Before `fit`.
        ValueError
            If `X` has other columns than in `fit`, or holds NaN or infinity.
        """
        outputs = self._outputs(X)
        return outputs if outputs.shape[1] > 1 else np.hstack([1 - outputs, outputs])

    def predict_log_proba(self, X: Any) -> Array:
        """Predict the logarithm of each class's probability.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The input data.

        Returns
        -------
        log_y_prob : ndarray of shape (n_samples, n_classes)
            ``np.log(predict_proba(X))``.

        Raises
        ------
        NotFittedError
            Before `fit`.
        ValueError
            If `X` has other columns than in `fit`, or holds NaN or infinity.
        """
        y_prob = self.predict_proba(X)
        return np.log(y_prob, out=y_prob)

    @available_if(lambda estimator: estimator._has_partial_fit())
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None) -> Self:
        """Train for one epoch on the given data, continuing from the current state.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The input data.
        y : array-like of shape (n_samples,) or (n_samples, n_classes)
            The target values.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows, 0 or more.
        classes : array of shape (n_classes,), default=None
            Classes across all calls to partial_fit. Needed in the first call only; `y` need not
            contain all of them.

        Returns
        -------
        self : object
            The estimator.

        Raises
        ------
        ValueError, TypeError
            As `fit`.
        """
        y = refuse_missing(y, "y")
        refuse_missing(classes, "classes", are_rows=False)
        if _check_partial_fit_first_call(self, classes):
            is_multilabel = type_of_target(y).startswith("multilabel")
            self._labels = LabelEncoding(y if is_multilabel else classes)
        return self._fit(X, y, sample_weight, (None, None), is_partial=True, file=NoFile())

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
