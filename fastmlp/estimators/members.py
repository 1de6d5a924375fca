"""The fits of `fit_many`: each in a thread, all of them ended together where one has to be."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from typing import Any

import numpy as np
from sklearn import config_context, get_config

from fastmlp import checks
from fastmlp.checkpoints.checkpoint import Checkpoint, CheckpointError
from fastmlp.estimators.base import BaseMLP
from fastmlp.estimators.fingerprint import of_settings
from fastmlp.estimators.part import Part
from fastmlp.training.progress import Fits, Progress, fits_progress_of

REFRESH = 0.2  # seconds between two looks at how far the fits have come


class _StoppedError(Exception):
    """All fits are to end."""


class _Watch(Progress):
    """Counts the epochs of a run, and ends it where all have to stop.

    It shows nothing and looks at no weights, so that short epochs are still taken several at once.
    """

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop
        self.has_begun, self.n_epochs = False, 0

    def __enter__(self) -> _Watch:
        self.has_begun = True
        return self

    def epoch(self, number: int, logs: Mapping[str, float]) -> None:
        self.n_epochs = number
        if self._stop.is_set():
            raise _StoppedError


class Member:
    """One of the fits: what it is to do, and how it went."""

    def __init__(
        self, estimator: BaseMLP, part: Part, random_state: Any, stop: threading.Event,
        checkpoint: Checkpoint,
    ) -> None:  # fmt: skip
        self.estimator, self.part, self.random_state = estimator, part, random_state
        self._checkpoint = checkpoint
        self.watch = _Watch(stop)
        self.has_ended = False
        self.error: Exception | None = None
        self.warnings: list[tuple[str, type[Warning]]] = []
        self._before = estimator._found()

    def compare(self) -> None:
        """Raise CheckpointError where a checkpoint is of another one, as far as is known yet."""
        self._checkpoint.compare(
            lambda: of_settings(self.estimator, self.part, self._checkpoint.sum_of)
        )

    def fit(self, config: dict[str, Any]) -> None:
        """Fit, in any thread, under scikit-learn's settings of the thread that asked for it."""
        with config_context(**config), checks.gathered_warnings() as self.warnings:
            try:
                self.estimator._fit_part(self.part, self.random_state, self.watch, self._checkpoint)
            except CheckpointError:
                raise  # for all of them
            except (ValueError, TypeError) as error:
                self.error = error
                self.set_back()
        self.has_ended = True

    def set_back(self) -> None:
        """Give the estimator back what it had before."""
        self.estimator._set_back(self._before)


def run(members: list[Member], n_jobs: int, stop: threading.Event) -> None:
    """Fit all members, those with one RandomState one after the other."""
    queues: dict[int, list[Member]] = {}
    for member in members:
        is_shared = not isinstance(member.random_state, int | np.integer)
        queues.setdefault(id(member.random_state if is_shared else member), []).append(member)
    # Settings have been checked.
    config = {**get_config(), "skip_parameter_validation": True}

    def fit(queue: list[Member]) -> None:
        for member in queue:
            if not stop.is_set():
                member.fit(config)

    verbose = any(member.estimator.verbose for member in members)
    most = sum(member.estimator.max_iter for member in members)
    # Members never run in the caller's thread: it is the one that Ctrl-C interrupts.
    pool = ThreadPoolExecutor(min(n_jobs, len(queues)), "fastmlp-fit")
    try:
        with fits_progress_of(verbose, most, len(members)) as progress:
            _wait([pool.submit(fit, queue) for queue in queues.values()], members, progress)
        pool.shutdown()
        failed = [member for member in members if member.error is not None]
        if len(failed) == len(members) and not any(m.watch.has_begun for m in members):
            assert failed[0].error is not None
            raise failed[0].error
    except BaseException:
        stop.set()
        _join(pool)
        for member in members:
            member.set_back()
        raise


def _wait(futures: list[Future[None]], members: list[Member], progress: Fits) -> None:
    """Wait for all fits, and show how far they have come; raise what is no member's own error."""
    pending, told = set(futures), set[int]()
    while pending:
        done, pending = wait(pending, REFRESH, FIRST_EXCEPTION)
        ended = [i for i, m in enumerate(members) if m.has_ended and i not in told]
        told.update(ended)
        n_epochs = sum(m.estimator.max_iter if m.has_ended else m.watch.n_epochs for m in members)
        progress.show(n_epochs, len(told), [_line(i, members) for i in ended])
        for future in done:
            future.result()


def _line(place: int, members: list[Member]) -> str:
    member = members[place]
    name = f"estimators[{place}] of {len(members)}"
    if member.error is not None or not hasattr(member.estimator, "loss_"):
        return f"{name} has failed."
    return f"{name}: iteration {member.estimator.n_iter_:d}, loss = {member.estimator.loss_:.8f}"


def _join(pool: ThreadPoolExecutor) -> None:
    """Wait for the ends of the fits, which the next interrupt can't hasten."""
    while True:
        try:
            pool.shutdown(cancel_futures=True)
            return
        except KeyboardInterrupt:
            continue
