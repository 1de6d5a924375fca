"""DaskMLPClassifier."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from fastmlp.dask.collections import is_collection
from fastmlp.dask.docstrings import documented
from fastmlp.dask.facts import ClassFacts, Facts, warn_of_classes
from fastmlp.dask.model import DaskModel
from fastmlp.estimators.classifier import MLPClassifier
from fastmlp.estimators.label_encoding import LabelEncoding

Array = NDArray[Any]


@documented
class DaskMLPClassifier(DaskModel, MLPClassifier):
    """`MLPClassifier`, trained where the partitions of a Dask collection lie.

    <ABOUT>

    Parameters
    ----------
    <PARAMETERS>
    class_weight : dict or 'balanced', default=None
        As of `MLPClassifier`; 'balanced' counts the rows of all shards.
    label_smoothing : float, default=0.0
        Share of each target that is spread over all classes, in [0, 1) (arXiv:1512.00567).
    stratify : bool or 'auto', default='auto'
        Whether the rows that a shard holds out for early stopping have the classes in equal shares.
        'auto' as scikit-learn: of two classes only.
    <MORE>
    <OF_DASK>

    Attributes
    ----------
    client_ : dask.distributed.Client
        The one that `fit` uses.
    classes_ : ndarray of shape (n_classes,)
        The classes of all shards, sorted.
    <ATTRIBUTES>

    Examples
    --------
    >>> import dask.array as da
    >>> from dask.distributed import Client
    >>> from sklearn.datasets import load_iris
    >>> from fastmlp.dask import DaskMLPClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> order = np.random.RandomState(0).permutation(150)
    >>> X, y = da.from_array(X[order], chunks=(50, -1)), da.from_array(y[order], chunks=50)
    >>> with Client(processes=False, dashboard_address=":0") as client:
    ...     model = DaskMLPClassifier(learning_rate_init=0.02, max_iter=20, random_state=0)
    ...     score = float(model.fit(X, y).score(X, y))
    >>> score > 0.9
    True
    """

    _parameter_constraints: ClassVar = {
        **MLPClassifier._parameter_constraints,
        **DaskModel._dask_constraints,
    }
    _local_class = MLPClassifier

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
        client: Any = None,
        n_shards: int | None = None,
        rounds_per_epoch: int = 1,
        lr_scaling: float | str = "auto",
    ) -> None:
        self._assign(locals())

    def predict(self, X: Any) -> Any:
        """Predict classes.

        Parameters
        ----------
        X : {dask array or frame, array-like, sparse matrix} of shape (n_samples, n_features)
            The input data.

        Returns
        -------
        y : dask array or ndarray of shape (n_samples,) or (n_samples, n_classes)
            As `MLPClassifier.predict`, as for the errors; of a collection a lazy array.
        """
        return self._predicted(X, "predict") if is_collection(X) else super().predict(X)

    def predict_proba(self, X: Any) -> Any:
        """Predict the probability of each class.

        Parameters
        ----------
        X : {dask array or frame, array-like, sparse matrix} of shape (n_samples, n_features)
            The input data.

        Returns
        -------
        y_prob : dask array or ndarray of shape (n_samples, n_classes)
            As `MLPClassifier.predict_proba`, as for the errors; of a collection a lazy array.
        """
        return self._predicted(X, "predict_proba") if is_collection(X) else super().predict_proba(X)

    def predict_log_proba(self, X: Any) -> Any:
        """Predict the logarithm of each class's probability.

        Parameters
        ----------
        X : {dask array or frame, array-like, sparse matrix} of shape (n_samples, n_features)
            The input data.

        Returns
        -------
        log_y_prob : dask array or ndarray of shape (n_samples, n_classes)
            ``np.log(predict_proba(X))``.
        """
        if is_collection(X):
            return self._predicted(X, "predict_log_proba")
        return super().predict_log_proba(X)

    def _facts_of_targets(self, y: Any) -> ClassFacts:
        labels = LabelEncoding(y)
        return ClassFacts(labels.classes, labels.counts(labels.encode(y)), labels.is_multilabel)

    def _learn_targets(self, facts: Sequence[Facts]) -> None:
        found = ClassFacts.together([shard.targets for shard in facts])
        if not self._is_new(False):
            self._check_targets(facts)
            self._labels.check_same(found.classes)
        else:
            self._labels = LabelEncoding.of(found.classes, found.is_multilabel)
            self.classes_ = self._labels.classes
        self.n_outputs_ = self._labels.n_outputs
        if not found.is_multilabel:
            warn_of_classes(facts, found.classes)

    def _check_targets(self, facts: Sequence[Facts]) -> None:
        found = ClassFacts.together([shard.targets for shard in facts])
        if found.is_multilabel != self._labels.is_multilabel:
            raise ValueError("y has several labels a row here, and one there: give the same kind")
        if found.is_multilabel:
            if len(found.classes) != len(self.classes_):
                raise ValueError(f"y has {len(found.classes)} labels: give {len(self.classes_)}")
        else:
            self._labels.encode(found.classes)

    def _class_weights_of(self, facts: Sequence[Facts]) -> Array | None:
        if self.class_weight is None:
            return None
        found = ClassFacts.together([shard.targets for shard in facts])
        n_rows = sum(shard.n_rows for shard in facts)
        counts = found.counts if found.is_multilabel else found.counts_of(self.classes_)
        return self._labels.weights_of_counts(self.class_weight, counts, n_rows)

    def _decoded(self, outputs: Array) -> Any:
        is_one_of_many = self._labels.is_one_of_many
        return self._labels.decode(outputs.argmax(axis=1) if is_one_of_many else outputs)

    def _score_sums(self, outputs: Array, encoded: Array, weights: Array | None) -> float:
        are_right = self._labels.are_right(outputs, encoded)
        if weights is not None:
            are_right = np.multiply(are_right, weights, dtype=np.float64)
        return float(are_right.sum())

    def _score_of(self, weight: float, sums: Sequence[float]) -> float:
        return sum(sums) / weight
