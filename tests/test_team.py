"""Helpers that don't come, come late or are interrupted, and what a fork finds."""

from __future__ import annotations

import _thread
import itertools
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from engine_tools import Run, assert_same_bits, make_labels, make_parameters, make_rows, train

from fastmlp.kernels import trainer as trainer_module
from fastmlp.kernels.codegen.buffers import aligned
from fastmlp.kernels.runtime import barrier
from fastmlp.kernels.runtime.autotune import Choice
from fastmlp.kernels.runtime.threads import Helpers

SIZES = (20, 70, 6, 50)  # shared layers and one that is each thread's own


@pytest.fixture(scope="module")
def expected() -> Run:
    return fit(n_threads=1)


def fit(**keywords: Any) -> Run:
    parameters = make_parameters(SIZES, "float32")
    x, y = make_rows(200, SIZES[0]), make_labels(200, SIZES[-1])
    return train(parameters, x, y, batch_size=7, epochs=3, **keywords)


@pytest.fixture
def returned(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """Stretches of 5 steps for 3 threads; (thread, how many of them worked) for each call."""
    calls: list[tuple[int, int]] = []

    class Threaded:
        def __init__(self, *_: int | None) -> None:
            self.choices = [Choice(1), Choice(3)]

        def next(self) -> tuple[Choice, int]:
            return Choice(3), 5

        def took(self, *_: Any) -> None:
            pass

    def watched(trainer: Any, thread: int, *arguments: Any) -> int:
        calls.append((thread, run_part(trainer, thread, *arguments)))
        return calls[-1][1]

    run_part = trainer_module.Trainer._run_part
    monkeypatch.setattr(trainer_module.Trainer, "_run_part", watched)
    monkeypatch.setattr(trainer_module, "Pace", Threaded)
    return calls


def replace_start(monkeypatch: pytest.MonkeyPatch, start: Callable[..., int]) -> None:
    """Start threads by `start` instead, however the engine does it."""
    monkeypatch.setattr(_thread, "start_new_thread", start)
    monkeypatch.setattr(threading, "_start_new_thread", start)


def test_helpers_help(returned, expected):
    assert_same_bits(fit(), expected)
    assert set(returned[1:]) == {(0, 3), (1, 3), (2, 3)}  # the first call only compiles


@pytest.mark.parametrize("n_started", [0, 1])
def test_helpers_that_cannot_be_started(returned, expected, monkeypatch, n_started):
    start = _thread.start_new_thread
    turns = itertools.cycle([*[True] * n_started, False])

    def failing(*arguments: Any) -> int:
        if next(turns):
            return start(*arguments)
        raise RuntimeError("can't start new thread")

    replace_start(monkeypatch, failing)
    assert_same_bits(fit(), expected)
    assert {thread for thread, _ in returned} == set(range(n_started + 1))
    assert all(n_worked == (1 if thread == 0 else 0) for thread, n_worked in returned)


@pytest.mark.parametrize("n_started", [0, 1])
def test_nobody_looks_for_helpers_that_cannot_be_started(monkeypatch, n_started):
    """Each look gives other programs a turn, so that 20,000 of them may take minutes."""
    team = aligned(barrier.TEAM_BYTES, np.uint8)
    came: list[int] = []

    def work(thread: int) -> None:
        came.append(barrier.enter(team.ctypes.data, thread, 3))

    barrier.enter(team.ctypes.data, 0, 1)  # compiles
    start = _thread.start_new_thread
    turns = iter([*[True] * n_started, False])

    def failing(*arguments: Any) -> int:
        if next(turns):
            return start(*arguments)
        raise RuntimeError("can't start new thread")

    replace_start(monkeypatch, failing)
    order: list[str] = []
    Helpers().run(work, 3, lambda: (order.append("disbanded"), barrier.disband(team)))
    assert order == ["disbanded"]
    assert sorted(came) == [0] * n_started + [1]


def test_helpers_are_sent_home_at_once_if_thread_0_fails():
    team = aligned(barrier.TEAM_BYTES, np.uint8)
    came: list[int] = []

    def work(thread: int) -> None:
        if thread == 0:
            raise KeyboardInterrupt
        came.append(barrier.enter(team.ctypes.data, thread, 3))

    barrier.enter(team.ctypes.data, 0, 1)  # compiles
    order: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        Helpers().run(work, 3, lambda: (order.append("disbanded"), barrier.disband(team)))
    assert order == ["disbanded"]
    assert came == [0, 0]


def test_helpers_too_late_are_sent_home(returned, expected, monkeypatch):
    def one_after_the_other(
        _: Helpers, work: Callable[[int], object], n_threads: int, *arguments: object
    ) -> None:
        for thread in range(n_threads):
            work(thread)

    monkeypatch.setattr(Helpers, "run", one_after_the_other)
    assert_same_bits(fit(), expected)
    assert set(returned[1:]) == {(0, 1), (1, 0), (2, 0)}


def test_helpers_somewhat_late(returned, expected, monkeypatch):
    """Around the time at which thread 0 gives up: all work, or thread 0 alone."""
    start = _thread.start_new_thread
    delays = np.random.RandomState(0).uniform(0, 0.015, 1000)

    def late(function: Callable[..., object], *arguments: Any) -> int:
        delay = delays[len(returned)]

        def delayed(*values: Any) -> None:
            time.sleep(delay)
            function(*values)

        return start(delayed, *arguments)

    replace_start(monkeypatch, late)
    assert_same_bits(fit(), expected)
    worked = {n_worked for thread, n_worked in returned[1:] if thread == 0}
    assert worked <= {1, 3}


# -- interrupts ------------------------------------------------------------------------------


def run_script(script: str, seconds: float = 60) -> str:
    """The output of a script in a process of its own, which must end well and in time."""
    head = f"import sys\nsys.path.insert(0, {str(Path(__file__).parent)!r})\n"
    done = subprocess.run(
        [sys.executable, "-c", head + textwrap.dedent(script)],
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
def test_interrupts_wait_for_helpers():
    """Ctrl-C while thread 0 waits for a slower helper: it surfaces when the helper is done."""
    ended: list[int] = []

    def work(thread: int) -> None:
        if thread > 0:
            time.sleep(0.5)
            ended.append(thread)

    timer = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            Helpers().run(work, 3)
        assert sorted(ended) == [1, 2]
    finally:
        timer.join()
        time.sleep(0.6)


def test_helpers_are_sent_home_if_thread_0_never_comes():
    """Ctrl-C before thread 0 has reached the gate, where helpers wait for it."""
    output = run_script(
        """
        import threading
        import numpy as np
        from engine_tools import make_labels, make_parameters, make_rows
        from fastmlp import kernels

        run_part = kernels.Trainer._run_part
        def interrupted(trainer, thread, n_threads, *arguments):
            if thread == 0 and n_threads > 1:
                raise KeyboardInterrupt
            return run_part(trainer, thread, n_threads, *arguments)

        parameters = make_parameters((20, 70, 50), "float32")
        trainer = kernels.Trainer(
            *parameters, make_rows(200, 20), make_labels(200, 50), n_threads=2, batch_size=8
        )
        kernels.Trainer._run_part = interrupted
        try:
            trainer.epoch(np.arange(200))
        except KeyboardInterrupt:
            trainer.export()
            print("interrupted", threading.active_count())
        """,
        seconds=20,
    )
    assert output == "interrupted 1\n"


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
def test_ctrl_c_at_any_time_leaves_the_weights_of_a_whole_step():
    """Interrupts at random, in a threaded run of short stretches; each run's end is a stretch's."""
    output = run_script(
        """
        import os, random, signal, threading, time
        import numpy as np
        from engine_tools import make_labels, make_parameters, make_rows
        from fastmlp import kernels
        from fastmlp.kernels import trainer as trainer_module
        from fastmlp.kernels.runtime.autotune import Choice

        BATCH, STEPS, N_STRETCHES = 4, 30, 3000

        class Threaded:
            def __init__(self, n_threads, *_):
                self.choices = [Choice(1), Choice(n_threads)]
            def next(self):
                return self.choices[1], STEPS
            def took(self, *_):
                pass

        trainer_module.Pace = Threaded
        sizes = (8, 40, 6)
        x, y = make_rows(300, 8), make_labels(300, 6)
        order = np.random.RandomState(0).randint(0, 300, BATCH * STEPS * N_STRETCHES)
        settings = {"batch_size": BATCH, "learning_rate": 0.001}

        def state(parameters):
            return b"".join(array.tobytes() for array in parameters.arrays())

        serial = make_parameters(sizes, "float32")
        stretch_of = {state(serial): 0}
        with kernels.Trainer(*serial, x, y, n_threads=1, **settings) as trainer:
            for i in range(N_STRETCHES):
                trainer.epoch(order[i * BATCH * STEPS : (i + 1) * BATCH * STEPS])
                trainer.export()
                stretch_of[state(serial)] = i + 1
        assert len(stretch_of) == N_STRETCHES + 1

        random.seed(0)
        n_interrupted = 0
        for turn in range(60):
            parameters = make_parameters(sizes, "float32")
            trainer = kernels.Trainer(*parameters, x, y, n_threads=2, **settings)
            timer = threading.Timer(
                random.uniform(0, 0.01), os.kill, (os.getpid(), signal.SIGINT)
            )
            try:
                try:
                    timer.start()
                    trainer.epoch(order)
                finally:
                    timer.join()
            except KeyboardInterrupt:
                n_interrupted += 1
            trainer.export()
            assert state(parameters) in stretch_of, turn
        assert n_interrupted == 60, n_interrupted
        print("done")
        """
    )
    assert output == "done\n"


# -- forks -----------------------------------------------------------------------------------


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_trains_with_threads():
    """After a threaded fit, and while another Fit of the parent is under way."""
    output = run_script(
        """
        import multiprocessing
        import numpy as np
        from engine_tools import assert_same_bits, make_labels, make_parameters, make_rows, train
        from fastmlp.kernels.runtime.threads import Fit

        parameters = make_parameters((20, 70, 50), "float32")
        x, y = make_rows(2000, 20), make_labels(2000, 50)

        def fit(n_threads):
            return train(parameters, x, y, n_threads=n_threads, batch_size=8)

        def child(results):
            with Fit() as own:
                alone = own.is_alone
            results.put((alone, fit(2)))

        expected = fit(1)
        assert_same_bits(fit(2), expected)
        fork = multiprocessing.get_context("fork")
        for under_way in (False, True):
            results = fork.Queue()
            process = fork.Process(target=child, args=(results,))
            if under_way:
                with Fit():
                    process.start()
            else:
                process.start()
            alone, run = results.get(timeout=30)
            process.join(30)
            assert process.exitcode == 0
            assert alone
            assert_same_bits(run, expected)
        assert_same_bits(fit(2), expected)
        print("done")
        """
    )
    assert output == "done\n"
