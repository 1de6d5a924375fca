"""DaskMLPRegressor."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from fastmlp.dask.collections import is_collection
from fastmlp.dask.docstrings import documented
from fastmlp.dask.facts import Facts, NumberFacts, warn_of_means
from fastmlp.dask.model import DaskModel
from fastmlp.dask.tallies import Squares
from fastmlp.estimators.regressor import MLPRegressor

Array = NDArray[Any]


@documented
class DaskMLPRegressor(DaskModel, MLPRegressor):
    """`MLPRegressor`, trained where the partitions of a Dask collection lie.

    <ABOUT>

    Parameters
    ----------
    loss : str, default='squared_error'
        What is minimised; it names the output's function too.

        <LOSSES_OF_NUMBERS>
    <PARAMETERS>
    <MORE>
    <OF_DASK>

    Attributes
    ----------
    client_ : dask.distributed.Client
        The one that `fit` uses.
    <ATTRIBUTES>

    Examples
    --------
    >>> import dask.array as da
    >>> from dask.distributed import Client
    >>> from sklearn.datasets import make_regression
    >>> from fastmlp.dask import DaskMLPRegressor
    >>> X, y = make_regression(n_samples=300, n_features=5, random_state=0)
    >>> X, y = da.from_array(X, chunks=(100, -1)), da.from_array(y / y.std(), chunks=100)
    >>> with Client(processes=False, dashboard_address=":0") as client:
    ...     model = DaskMLPRegressor(learning_rate_init=0.02, max_iter=40, random_state=0)
    ...     score = float(model.fit(X, y).score(X, y))
    >>> score > 0.95
    True
    """

    _parameter_constraints: ClassVar = {
        **MLPRegressor._parameter_constraints,
        **DaskModel._dask_constraints,
    }
    _local_class = MLPRegressor

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
        client: Any = None,
        n_shards: int | None = None,
        rounds_per_epoch: int = 1,
        lr_scaling: float | str = "auto",
    ) -> None:
        self._assign(locals())

    def predict(self, X: Any) -> Any:
        """Predict target values.

        Parameters
        ----------
        X : {dask array or frame, array-like, sparse matrix} of shape (n_samples, n_features)
            The input data.

        Returns
        -------
        y : dask array or ndarray of shape (n_samples,) or (n_samples, n_outputs)
            As `MLPRegressor.predict`, as for the errors; of a collection a lazy array.
        """
        return self._predicted(X, "predict") if is_collection(X) else super().predict(X)

    def _facts_of_targets(self, y: Any) -> NumberFacts:
        rows = self._as_rows(y).astype(np.float64)
        return NumberFacts(rows.sum(axis=0), (rows**2).sum(axis=0))

    def _learn_targets(self, facts: Sequence[Facts]) -> None:
        found = NumberFacts.together([shard.targets for shard in facts])
        self.n_outputs_ = len(found.sums)
        warn_of_means(facts)

    def _check_targets(self, facts: Sequence[Facts]) -> None:
        found = NumberFacts.together([shard.targets for shard in facts])
        if len(found.sums) != self.n_outputs_:
            raise ValueError(f"y has {len(found.sums)} outputs: give {self.n_outputs_}")

    def _class_weights_of(self, facts: Sequence[Facts]) -> None:
        return None

    def _decoded(self, outputs: Array) -> Array:
        return outputs.ravel() if outputs.shape[1] == 1 else outputs

    def _score_sums(self, outputs: Array, encoded: Array, weights: Array | None) -> Squares:
        return Squares.of(outputs, encoded, weights)

    def _score_of(self, weight: float, sums: Sequence[Squares]) -> float:
        return Squares.together(sums).r2()
