"""What both classes do alike: a fit from collections to a trained network, and copies."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Self, cast

import numpy as np
from distributed import Client
from numpy.typing import NDArray
from sklearn.base import _fit_context
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted, validate_data

from fastmlp.beside import sole_training
from fastmlp.checkpoints.checkpoint import Checkpoint
from fastmlp.dask import lazy
from fastmlp.dask.clients import as_client, check_workers, saying_what_is_lost
from fastmlp.dask.cluster import Shards
from fastmlp.dask.collections import blocks_of, columns_of, groups_of, is_collection
from fastmlp.dask.copies import COLUMNS, NETWORK, TARGETS, Copies
from fastmlp.dask.facts import check_columns, dtype_of
from fastmlp.dask.held_out import ClusterValidation
from fastmlp.dask.plans import Plan, divided
from fastmlp.dask.trainer import ClusterTrainer, Rows, streams_of
from fastmlp.engine import Trainer
from fastmlp.estimators import hyperparameters
from fastmlp.estimators.callbacks import EstimatorCallbacks
from fastmlp.estimators.hyperparameters import CONSTRAINTS, STOCHASTIC_SOLVERS, Integral, Real
from fastmlp.estimators.stochastic import fit_stochastic
from fastmlp.estimators.trainers import Rows as RunRows
from fastmlp.history import History
from fastmlp.training.epochs import Draw, unchanged
from fastmlp.training.fallback import Fallback
from fastmlp.training.progress import progress_of
from fastmlp.training.run import Run
from fastmlp.training.state import RunState
from fastmlp.words import shown

Array = NDArray[Any]
ALL = (*COLUMNS, *TARGETS, *NETWORK)
MOST_SCALED = 8.0  # times the learning rate
MOST_SCALED_SGD = 4.0


class DaskModel(Copies):
    """Base of `DaskMLPClassifier` and `DaskMLPRegressor`, before the local classes.

    Subclasses say what is known of targets by facts, and scored by sums.
    """

    client: Any
    n_shards: int | None
    rounds_per_epoch: int
    lr_scaling: float | str
    monitor: Any

    _dask_constraints: ClassVar[dict[str, Any]] = {
        **CONSTRAINTS,
        "solver": [StrOptions(STOCHASTIC_SOLVERS)],
        "client": "no_validation",
        "n_shards": [None, Interval(Integral, 1, None, closed="left")],
        "rounds_per_epoch": [Interval(Integral, 1, None, closed="left")],
        "lr_scaling": [StrOptions({"auto"}), Interval(Real, 0, None, closed="neither")],
    }

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(
        self, X: Any, y: Any, sample_weight: Any = None, *, X_val: Any = None, y_val: Any = None
    ) -> Self:
        """Fit the model to rows on a cluster.

        There is no `checkpoint`: workers may be lost, but not the client.

        Parameters
        ----------
        X : dask array or frame of shape (n_samples, n_features)
            In partitions of rows. Of arrays the blocks may be SciPy's sparse matrices.
        y : dask array, series or frame of shape (n_samples,) or (n_samples, n_outputs)
            In the same partitions.
        sample_weight : dask array or series of shape (n_samples,), default=None
            Weights of the rows, 0 or more, in the same partitions.
        X_val, y_val : default=None
            Rows that are not trained on, as for the local class: collections, or arrays in memory.
            Without them, early stopping holds out a part of each shard.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError, TypeError
            As the local `fit`; rows that are refused are named by their partition.
        RuntimeError
            If the client is closed, a worker has no fastmlp or another version, rows that had been
            sent to the cluster are lost, or the estimator is being fitted.
        """
        return self._fit_collections(X, y, sample_weight, (X_val, y_val))

    @sole_training
    def _fit_collections(
        self, X: Any, y: Any, sample_weight: Any, held_out: tuple[Any, Any]
    ) -> Self:
        before = self._found()
        try:
            self._check_settings(is_partial=False)
            if (held_out[0] is None) != (held_out[1] is None):
                raise ValueError("X_val and y_val are a pair: give both of them, or neither")
            self._check_monitor(held_out[0])
            client = self.client_
            check_workers(client)
            with saying_what_is_lost(client):
                self._train_shards(client, X, y, sample_weight, held_out)
        except Exception:
            self._set_back(before)
            raise
        return self

    def _check_monitor(self, X_val: Any) -> None:
        is_far = is_collection(X_val) or (X_val is None and self.early_stopping)
        if is_far and self.monitor not in (None, "loss"):
            raise ValueError(
                f"monitor is {shown(self.monitor)}, which can't be added up over shards: give "
                "X_val and y_val as arrays in memory, or monitor=None or 'loss'"
            )

    def _train_shards(
        self, client: Client, X: Any, y: Any, sample_weight: Any, held_out: tuple[Any, Any]
    ) -> None:
        is_new, columns = self._is_new(False), columns_of(X)
        groups = groups_of(blocks_of(X, y, sample_weight, ("X", "y")), self.n_shards)
        if not is_new and columns is not None:
            validate_data(self, columns, skip_check_array=True, reset=False)
        shards = Shards(client, groups, self._bare(() if is_new else COLUMNS))
        if not len(shards):
            raise ValueError("X has no rows: each of its partitions is empty")
        check_columns(shards.facts, "X")
        n_columns = shards.facts[0].n_columns
        if columns is None:
            columns = np.empty((0, n_columns))
        validate_data(self, columns, skip_check_array=True, reset=is_new)
        self._learn_targets(shards.facts)
        class_weights = self._class_weights_of(shards.facts)
        random_state = check_random_state(self.random_state)
        hidden = hyperparameters.hidden_sizes(self)
        sizes = [n_columns, *hidden, self.n_outputs_]
        self._prepare(sizes, _Kind(dtype_of(shards.facts)), is_new, random_state)
        self.history_ = History()
        shards.keep([i for i, facts in enumerate(shards.facts) if facts.weight > 0])
        bare = self._bare((*COLUMNS, *TARGETS))
        dtype, draw = self.coefs_[0].dtype, super()._draw_order
        plan = Plan(bare, class_weights, dtype, sizes, draw, n_rounds=self.rounds_per_epoch)
        if self.early_stopping and held_out[0] is None:
            plan = plan._replace(splits=streams_of(random_state, len(shards)))
        rows, n_rows = self._rows(shards, plan, random_state)
        validation = self._cluster_validation(rows, held_out)
        if validation is not None:
            self._begin_curves()
        order = np.broadcast_to(np.intp(0), (n_rows,))  # only how many counts: the workers draw
        run_rows = RunRows(cast(Any, rows), cast(Any, None), None, order, validation)
        callbacks = EstimatorCallbacks(
            self, cast(Any, _Given((X, y, sample_weight))), self.max_iter
        )
        self._optimizer_state = fit_stochastic(
            self, run_rows, callbacks, random_state, False,
            progress_of(bool(self.verbose), self.max_iter), Checkpoint(),
        )  # fmt: skip
        self._check_finite()
        callbacks.end()

    def _rows(
        self, shards: Shards, plan: Plan, random_state: np.random.RandomState
    ) -> tuple[Rows, int]:
        """Return the rows of the run, divided, and how many are trained on."""
        divisions = shards.each(divided, "divide", shards.put(plan, "division"))
        total = sum(division.weight for division in divisions)
        if not total:
            raise ValueError(
                "sample_weight and class_weight leave no row to train on any weight: give some of "
                "them more than 0"
            )
        if plan.splits is not None:
            if len(shards) == 1:
                random_state.set_state(divisions[0].stream)
            if not any(division.weight_held_out for division in divisions):
                raise ValueError(
                    "no shard has enough rows, of any weight, to hold some of them out: increase "
                    "validation_fraction, or give rows of your own (X_val and y_val)"
                )
        shares = [division.weight / total for division in divisions]
        scale = self.lr_scaling
        if isinstance(scale, str):
            most = MOST_SCALED_SGD if self.solver == "sgd" else MOST_SCALED
            scale = min(float(len(shards)), most)
        rows = Rows(shards, shares, plan, float(scale), random_state)
        return rows, sum(division.n_rows for division in divisions)

    def _cluster_validation(self, rows: Rows, held_out: tuple[Any, Any]) -> Any:
        """Return what judges the run's epochs, if anything does."""
        shards, plan = rows.shards, rows.plan
        if held_out[0] is None:
            if plan.splits is None:
                return None
            return ClusterValidation(rows, shards, shards.put(plan, "judged"), True)
        if not is_collection(held_out[0]):
            return self._validation(*held_out, plan.class_weights)
        blocks = blocks_of(*held_out, None, ("X_val", "y_val"))
        reader = self._bare(COLUMNS)
        others = Shards(shards.client, groups_of(blocks, None), reader)
        if not len(others):
            raise ValueError("X_val has no rows: each of its partitions is empty")
        try:
            self._check_targets(others.facts)
        except ValueError as error:
            raise ValueError(f"X_val and y_val: {error}") from error
        return ClusterValidation(rows, others, others.put(plan, "judged"), False)

    @property
    def client_(self) -> Client:
        """The client that `fit` uses: the parameter, or else the one made last."""
        return as_client(self.client)

    @property
    def _new_trainer(self) -> Callable[..., Trainer]:
        return ClusterTrainer  # type: ignore[return-value]

    @property
    def _draw_order(self) -> Draw:
        return unchanged  # the workers draw, by the plan

    def _begin_run(self, state: RunState, *args: Any) -> Run:
        # Each mean is here anyway: a look at it costs nothing, and no shard goes on from NaN.
        state.fallback = Fallback(state.parameters)
        run = super()._begin_run(state, *args)
        run.is_watched = True  # so no epochs are taken together: workers take them in rounds
        return run

    def _fit_part(self, *args: Any) -> None:
        raise TypeError(
            f"fit_many trains on this machine: give it {self._local_class.__name__} objects"
        )

    def _has_partial_fit(self) -> bool:
        raise AttributeError(
            f"{type(self).__name__} has no partial_fit: to_local() has, or fit with warm_start=True"
        )

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        """Return how good predictions are, 1 at best.

        Parameters
        ----------
        X : {dask array or frame, array-like, sparse matrix} of shape (n_samples, n_features)
            The input data.
        y : {dask array or series, array-like} of shape (n_samples,) or (n_samples, n_outputs)
            The true targets, in the same partitions.
        sample_weight : default=None
            Weights of the rows.

        Returns
        -------
        float or dask array of shape ()
            Of collections something lazy: ``float(score)`` computes it.

        Raises
        ------
        NotFittedError
            Before `fit`.
        ValueError
            If a target is missing, or `X` has other columns than in `fit`.
        """
        if is_collection(X):
            check_is_fitted(self)
            return lazy.scored(self._bare(ALL), X, y, sample_weight)
        return super().score(X, y, sample_weight)

    def _predicted(self, X: Any, method: str) -> Any:
        """Return predictions of a collection, as one."""
        check_is_fitted(self)
        return lazy.predicted(self._bare(ALL), X, method)


class _Kind:
    """Stands for features of which only the dtype counts."""

    def __init__(self, dtype: np.dtype[Any]) -> None:
        self.dtype = dtype


class _Given(tuple[Any, ...]):
    """What `fit` was given, for scikit-learn's callbacks."""

    def as_given(self) -> tuple[Any, ...]:
        """Return X, y and sample_weight."""
        return self
