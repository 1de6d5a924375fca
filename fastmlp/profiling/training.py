"""Profiles a user's training, with a stopwatch in every thread."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

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
from fastmlp.profiling.work import Case, work_of


def profile(
    network: MLP,
    x: ArrayLike,
    y: ArrayLike,
    epochs: int = 10,
    batch_size: int = 64,
    *,
    lambda_reg: float = 0.001,
    progress: Callable[[int, int], object] | None = None,
) -> Profile:
    """Train a copy of a network and measure where the time goes.

    After a warm-up epoch, epochs with and without stopwatches alternate, which shows what the
    stopwatches cost. The fastest epoch of each kind counts, since other work of the machine only
    adds to the time. `network` and its random generator are not changed.

    Parameters
    ----------
    network : MLP
    x, y : array_like
        As for `MLP.train`.
    epochs : int, default 10
        Epochs with stopwatches; ``2 * epochs + 1`` are trained in total.
    batch_size : int, default 64
    lambda_reg : float, default 0.001
        As for `MLP.train`.
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
    if not isinstance(network, MLP) or network.engine is not kernels:
        raise TypeError(f"network is a {type(network).__name__}: give a fastmlp.MLP")
    epochs = checks.as_count(epochs, "epochs")
    if not clock.HAS_COUNTER:
        raise OSError("this processor's counter can't be read: profile on x86-64 or ARM")
    watched = _WatchedMLP(network)
    n_epochs = 2 * epochs + 1
    start_ticks, start = clock.ticks(), time.perf_counter()
    history = watched.train(
        x, y, n_epochs, batch_size, lambda_reg=lambda_reg, verbose=False,
        callbacks=[lambda epoch, _: progress(epoch, n_epochs)] if progress else [],
    )  # fmt: skip
    ticks_a_second = (clock.ticks() - start_ticks) / (time.perf_counter() - start)
    trainer = watched.trainer
    fastest = int(np.argmin(history.seconds[1::2]))
    seconds, n_threads = _stage_seconds(
        trainer.watches[fastest], trainer.stage_names, ticks_a_second
    )
    case = trainer.case(round(n_threads))
    return Profile(
        case,
        machine.measure(case.dtype, n_threads),
        work_of(case),
        seconds,
        epoch_seconds=history.seconds[1::2][fastest],
        epoch_seconds_unwatched=min(history.seconds[2::2]),
        most_threads=len(trainer.watches[fastest]),
    )


class _WatchedMLP(MLP):
    """Trains like another network, which it doesn't change, with stopwatches."""

    trainer: _WatchedTrainer

    def __init__(self, network: MLP) -> None:
        vars(self).update(vars(network))  # arrays are shared: `train` replaces, never modifies them
        self.random_state = copy.deepcopy(network.random_state) or np.random.RandomState(0)

    @property
    def engine(self) -> Any:
        parts = {name: getattr(kernels, name) for name in kernels.__all__}
        return SimpleNamespace(**parts | {"Trainer": self._trainer})

    def _trainer(self, *arguments: Any, **options: Any) -> _WatchedTrainer:
        self.trainer = _WatchedTrainer(*arguments, **options)
        return self.trainer


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
        if layer["sharing"] == at.BY_COLUMNS:
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
