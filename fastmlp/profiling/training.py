"""Profiles a user's training, with a stopwatch in every thread."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastmlp import checks, kernels
from fastmlp.kernels.inputs import nonzero_share
from fastmlp.kernels.layout import records as at
from fastmlp.kernels.runtime import clock
from fastmlp.kernels.stages.skip_zeros import FORWARD_GROUP, UPDATE_GROUP
from fastmlp.kernels.trainer import Trainer
from fastmlp.network.mlp import MLP
from fastmlp.profiling import machine
from fastmlp.profiling.result import Profile
from fastmlp.profiling.work import WAIT, Case, work_of

if TYPE_CHECKING:
    from fastmlp.estimators import MLPClassifier, MLPRegressor


def profile(
    network: MLP | MLPClassifier | MLPRegressor,
    x: ArrayLike,
    y: ArrayLike,
    epochs: int = 10,
    batch_size: int | None = None,
    *,
    lambda_reg: float | None = None,
    progress: Callable[[int, int], object] | None = None,
) -> Profile:
    """Train a copy of a network and measure where the time goes.

    After a warm-up epoch, epochs with and without stopwatches alternate, which shows what the
    stopwatches cost. The fastest epoch of each kind counts, because other programs on the machine
    can only make an epoch slower. `network` and its random generator are not changed.

    Parameters
    ----------
    network : MLP, MLPClassifier or MLPRegressor
        An estimator is profiled with its own settings, fitted or not, except for those that end a
        fit early: all rows are trained on, without early stopping.
    x, y : array_like
        As for `MLP.train`, or the estimator's `fit`.
    epochs : int, default 10
        Epochs with stopwatches; ``2 * epochs + 1`` are trained in total.
    batch_size : int, optional
        As for `MLP.train`, by default 64; estimators have a setting of that name instead.
    lambda_reg : float, optional
        As for `MLP.train`, by default 0.001; estimators have `alpha` instead.
    progress : callable, optional
        Called as ``progress(epochs_done, epochs_in_all)`` after every epoch.

    Returns
    -------
    Profile

    Raises
    ------
    TypeError, ValueError
        If an argument is invalid; the message names it.
    OSError
        On a processor whose counter can't be read.

    Examples
    --------
    >>> from fastmlp import MLP
    >>> from fastmlp.data import make_digits
    >>> x, y = make_digits(200)
    >>> found = profile(MLP(784, 8, 10, input_scale=255, random_state=0), x, y, epochs=1)
    >>> found.to_frame().index[0]
    'gather'
    """
    is_estimator = _is_estimator(network)
    if not is_estimator and not (isinstance(network, MLP) and network.engine is kernels):
        raise TypeError(
            f"network is a {type(network).__name__}: give a fastmlp.MLP, an MLPClassifier or an "
            "MLPRegressor"
        )
    epochs = checks.as_count(epochs, "epochs")
    if not clock.HAS_COUNTER:
        raise OSError("this processor's counter can't be read: profile on x86-64 or ARM")
    n_epochs = 2 * epochs + 1

    def tell(epoch: int, _: object) -> None:
        if progress:
            progress(epoch, n_epochs)

    start_ticks, start = clock.ticks(), time.perf_counter()
    engine = _WatchedEngine(n_epochs)
    if is_estimator:
        if batch_size is not None or lambda_reg is not None:
            name = "lambda_reg" if batch_size is None else "batch_size"
            raise ValueError(
                f"{name} is given with an estimator: set its own "
                f"{'alpha' if batch_size is None else name}"
            )
        from fastmlp.profiling.estimators import watched_fit

        history = watched_fit(network, engine, x, y, n_epochs, tell)
    else:
        history = _WatchedMLP(network, engine).train(
            x, y, n_epochs, 64 if batch_size is None else batch_size,
            lambda_reg=0.001 if lambda_reg is None else lambda_reg,
            verbose=False, callbacks=[tell],
        )  # fmt: skip
    ticks_a_second = (clock.ticks() - start_ticks) / (time.perf_counter() - start)
    trainer = engine.trainer
    fastest = int(np.argmin(history.seconds[1::2]))
    seconds, n_threads = _stage_seconds(
        trainer.watches[fastest], trainer.stage_names, ticks_a_second
    )
    # A way to share a step that was not used has stages without time.
    seconds = {stage: s for stage, s in seconds.items() if s > 0 or stage == WAIT}
    case = replace(trainer.case(round(n_threads)), stages=tuple(seconds))
    return Profile(
        case,
        machine.measure(case.dtype, n_threads),
        work_of(case),
        seconds,
        epoch_seconds=history.seconds[1::2][fastest],
        epoch_seconds_unwatched=min(history.seconds[2::2]),
        most_threads=len(trainer.watches[fastest]),
    )


def _is_estimator(network: object) -> bool:
    if isinstance(network, MLP):
        return False  # without scikit-learn, which estimators need
    try:
        from fastmlp.estimators import MLPClassifier, MLPRegressor
    except ImportError:
        return False
    return isinstance(network, MLPClassifier | MLPRegressor) and network._engine is kernels


class _WatchedEngine(SimpleNamespace):
    """The compiled engine, whose trainers have stopwatches.

    It reads rows for all epochs, though there is a callback, so that epochs are taken one by one.

    Attributes
    ----------
    trainer : _WatchedTrainer
        The last one.
    """

    trainer: _WatchedTrainer

    def __init__(self, n_epochs: int) -> None:
        super().__init__(**{name: getattr(kernels, name) for name in kernels.__all__})
        self.read = lambda x, _: kernels.read(x, n_epochs)
        self.Trainer = self._watched

    def _watched(self, *arguments: Any, **options: Any) -> _WatchedTrainer:
        self.trainer = _WatchedTrainer(*arguments, **options)
        return self.trainer


class _WatchedMLP(MLP):
    """Trains like another network, which it doesn't change, on another engine."""

    def __init__(self, network: MLP, engine: Any = kernels) -> None:
        vars(self).update(vars(network))  # arrays are shared: `train` replaces, never modifies them
        self.random_state = copy.deepcopy(network.random_state) or np.random.RandomState(0)
        self._watched_engine = engine

    @property
    def engine(self) -> Any:
        return self._watched_engine


class _WatchedTrainer(Trainer):
    """Runs stopwatches in every other epoch, from the second one on."""

    def __init__(self, weights: Any, biases: Any, x: Any, y: Any, **options: Any) -> None:
        super().__init__(weights, biases, x, y, **options)
        self.x = x.x
        self.watches: list[NDArray[np.int64]] = []
        self._is_watching = True

    def epoch(self, order: NDArray[np.intp], between: Callable[[], object] | None = None) -> float:
        self._is_watching = not self._is_watching
        if self._is_watching:
            self.watches.append(self.watch())
        else:
            self.unwatch()
        return super().epoch(order, between)

    def case(self, n_threads: int) -> Case:
        """Describe what was trained, by `n_threads` threads."""
        n_rows, n_features = self.x.shape
        weights, _ = self.outside
        if isinstance(self.x, np.ndarray):
            input_bytes = float(self._plan.works["row_bytes"][0])
        else:  # SciPy's CSR: values and column indices
            input_bytes = self.x.nnz / n_rows * (weights[0].itemsize + 4)
        return Case(
            layer_sizes=(n_features, *(w.shape[1] for w in weights)),
            n_rows=n_rows,
            batch_size=self.batch_size,
            dtype=weights[0].dtype.name,
            scaled=self.x.dtype == np.uint8,
            input_bytes=input_bytes,
            stages=tuple(self.stage_names),
            problem=self.problem,
            in_place=self.inputs.are_in_place,
            forward_share=self._share(FORWARD_GROUP, n_threads),
            update_share=self._share(UPDATE_GROUP, n_threads),
        )

    def _share(self, groups: dict[int, int], n_threads: int) -> float:
        """Share of the first layer's arithmetic that is done; `groups` are the kernel's."""
        if self.inputs.skipped is None:
            return 1.0
        layer = self._plan.layers[0, 0]
        vectors = int(layer["n_vectors"])
        if layer["sharing"] == at.BY_COLUMNS and not self._pace.preferred.by_inputs:
            vectors //= n_threads
        return nonzero_share(self.x, groups[max(n for n in groups if n <= vectors)])


def _stage_seconds(
    watches: NDArray[np.int64], names: list[str], ticks_a_second: float
) -> tuple[dict[str, float], float]:
    """Return each stage's seconds, by name, and the number of threads.

    The first thread works all the time, the others perhaps only in some stretches. So the number of
    threads is an average over the first one's time, and seconds are means over that number.
    """
    ticks = watches[:, clock.FIRST : clock.FIRST + len(names)]
    n_threads = float(ticks.sum() / ticks[0].sum())
    seconds = ticks.sum(axis=0) / (n_threads * ticks_a_second)
    return dict(zip(names, map(float, seconds), strict=True)), n_threads
