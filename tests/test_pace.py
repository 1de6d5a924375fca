"""How many threads run a stretch, and of how many steps: by the times of those before."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from fastmlp.kernels.codegen.registers import VECTOR_BYTES
from fastmlp.kernels.layout.by_inputs import most_threads
from fastmlp.kernels.layout.memory_plan import useful_threads
from fastmlp.kernels.runtime import autotune
from fastmlp.kernels.runtime.autotune import Choice, Pace


def stretches(
    n: int, seconds: Callable[[int], float], pace: Pace
) -> list[tuple[int, int]]:  # threads, steps
    """`n` stretches, of which a step takes `seconds(n_threads)`."""
    taken = []
    for _ in range(n):
        choice, steps = pace.next()
        pace.took(choice, steps, steps * seconds(choice.n_threads))
        taken.append((choice.n_threads, steps))
    return taken


def share(taken: list[tuple[int, int]], n_threads: int) -> float:
    return sum(threads == n_threads for threads, _ in taken) / len(taken)


def test_pace_prefers_what_is_faster_and_changes_its_mind(monkeypatch):
    monkeypatch.setattr(autotune, "usable_threads", lambda: 4)
    pace = Pace(None, 9)
    assert share(stretches(500, lambda n: 1e-4 / n, pace), 4) > 0.8
    # Another program takes the other cores: a threaded step now takes longer than a serial one.
    assert share(stretches(1000, lambda n: 1e-4 * n, pace), 1) > 0.7
    assert share(stretches(1000, lambda n: 1e-4 / n, pace), 4) > 0.7


@pytest.mark.parametrize("step_seconds", [1e-6, 1e-4, 0.002, 0.2])
def test_stretches_are_short(step_seconds, monkeypatch):
    monkeypatch.setattr(autotune, "usable_threads", lambda: 2)
    for n_threads in (None, 1, 2):
        taken = stretches(200, lambda n: step_seconds / n, Pace(n_threads, 9))
        # The first one of each number of threads is a leap in the dark.
        too_long = [s for n, s in taken if s > 1 and s * step_seconds / n > 0.04]
        assert len(too_long) <= 2
        # And as long as they may be, since each costs a start of threads.
        assert all(s * step_seconds / n > 0.005 for n, s in taken[10:])


def test_stretches_are_longer_where_python_is_waited_for():
    """What is waited for is no part of a step, whose first stretch has just a few of them."""
    pace = Pace(1, 9)
    seconds = []
    for idle in (0.005, 0.005, 0.005, 0.0, 0.0, 3.0, 0.0):
        n_threads, steps = pace.next()
        pace.took(n_threads, steps, 1e-4 * steps + idle, idle)
        seconds.append(1e-4 * steps)
    assert seconds[1:] == pytest.approx([0.1, 0.1, 0.1, 0.025, 0.025, 0.1], rel=0.01)


def test_a_trial_that_has_no_hope_ends_soon(monkeypatch):
    monkeypatch.setattr(autotune, "usable_threads", lambda: 2)
    close = stretches(500, lambda n: 1e-4 / (1.1 if n == 2 else 1), Pace(None, 9))
    clear = stretches(500, lambda n: 1e-4 / n, Pace(None, 9))
    assert share(close[20:], 1) > 1.5 * share(clear[20:], 1) > 0


def test_a_trial_without_a_free_core_is_short(monkeypatch):
    """Threads that wait for each other's core: a hundred times slower, and most of a short fit."""
    monkeypatch.setattr(autotune, "usable_threads", lambda: 2)
    seconds = {1: 1e-4, 2: 1e-2}
    taken = stretches(30, seconds.__getitem__, Pace(None, 9))
    trials = [steps * seconds[n] for n, steps in taken if n == 2]
    assert 2 <= len(trials) <= 6
    assert sum(trials) < 0.2


def test_a_trial_next_to_a_busy_python_thread_is_short(monkeypatch):
    """Several threads wait for the interpreter, and for a core: three times as slow here."""
    monkeypatch.setattr(autotune, "usable_threads", lambda: 2)
    pace = Pace(None, 9)
    trials: list[list[float]] = []
    seconds, before = 0.0, 1
    while seconds < 2:
        choice, steps = pace.next()
        idle = 0.005 if choice.n_threads == 1 else 2e-4 * steps
        took = 1e-4 * steps + idle
        pace.took(choice, steps, took, idle)
        seconds += took
        if choice.n_threads == 2:
            trials += [] if before == 2 else [[]]
            trials[-1].append(took)
        before = choice.n_threads
    assert len(trials) == 2
    assert {len(trial) for trial in trials} == {2}
    assert sum(map(sum, trials)) < 0.1 * seconds


def test_no_more_threads_than_find_work(monkeypatch):
    monkeypatch.setattr(autotune, "usable_threads", lambda: 16)
    assert Pace(None, 4).choices == [Choice(1), Choice(4)]
    assert Pace(None, 20).choices == [Choice(1), Choice(16)]
    assert Pace(None, 1).choices == [Choice(1)]
    assert Pace(6, 4).choices == [Choice(6), Choice(1)]
    for hidden, batch_rows, expected in [(200, 16, 200), (1, 16, 1), (1, 63, 1), (1, 1024, 32)]:
        weights = [np.zeros((7, hidden * VECTOR_BYTES // 8)), np.zeros((hidden, 1))]
        assert useful_threads(weights, batch_rows) == expected


def test_inputs_are_divided_where_they_have_parts_for_all_threads(monkeypatch):
    monkeypatch.setattr(autotune, "usable_threads", lambda: 4)
    by_inputs = Choice(4, by_inputs=True)
    assert Pace(None, 8, 4).choices == [Choice(1), Choice(4), by_inputs]
    assert Pace(4, 8, 5).choices == [Choice(4), by_inputs, Choice(1)]
    assert Pace(None, 8, 3).choices == [Choice(1), Choice(4)]
    assert Pace(1, 8, 4).choices == [Choice(1)]
    for n_in, batch_rows, expected in [(512, 64, 1), (784, 64, 2), (5000, 64, 10), (784, 5000, 1)]:
        weights = [np.zeros((n_in, 64)), np.zeros((64, 1))]
        assert most_threads(weights, batch_rows) == expected


@pytest.mark.parametrize("n_threads", [None, 2])
def test_pace_prefers_the_faster_way_to_divide_a_layer(n_threads, monkeypatch):
    monkeypatch.setattr(autotune, "usable_threads", lambda: 2)
    seconds = {Choice(1): 3e-5, Choice(2): 2e-5, Choice(2, by_inputs=True): 1.5e-5}
    pace = Pace(n_threads, 9, 2)

    def fastest_share(n: int, fastest: Choice) -> float:
        """Of `n` stretches, the share of those with `fastest`."""
        found = 0
        for _ in range(n):
            choice, steps = pace.next()
            pace.took(choice, steps, steps * seconds[choice])
            found += choice == fastest
        return found / n

    # Each choice that is not the first one costs a trial of four stretches, or of two.
    assert fastest_share(18, Choice(2, by_inputs=True)) > 0.2
    assert pace.preferred == Choice(2, by_inputs=True)
    assert fastest_share(300, Choice(2, by_inputs=True)) > 0.8
    seconds[Choice(2)] = 1e-5  # as when cores are far apart
    assert fastest_share(300, Choice(2)) > 0.5
    assert fastest_share(300, Choice(2)) > 0.8
    seconds[Choice(1)] = 0.9e-5 / (1.25 if n_threads else 1)  # another program takes the other core
    fastest_share(300, Choice(1))
    assert fastest_share(300, Choice(1)) > 0.9  # the ways are tried in turn


def test_one_core_gets_one_thread(monkeypatch):
    monkeypatch.setattr(autotune, "usable_threads", lambda: 1)
    assert share(stretches(100, lambda n: 1e-4, Pace(None, 9)), 1) == 1
    assert share(stretches(100, lambda n: 1e-4, Pace(1, 9)), 1) == 1


def test_explicit_number_is_obeyed_whatever_the_limits(monkeypatch):
    monkeypatch.setattr(autotune, "usable_threads", lambda: 1)
    assert share(stretches(500, lambda n: 1e-4 / n, Pace(3, 2)), 3) > 0.8
    assert share(stretches(500, lambda n: 1e-4, Pace(3, 2)), 3) > 0.8


def test_stretches_of_microseconds_are_no_trials():
    pace = Pace(None, most=2)
    pace.choices = [Choice(1), Choice(2)]
    used = []
    for seconds in [0.0001] * 30 + [0.01] * 9:
        choice, n_steps = pace.next()
        used.append(choice.n_threads)
        pace.took(choice, n_steps, seconds)
    assert set(used[:31]) == {1}
    assert 2 in used[31:]


def test_nothing_is_tried_where_one_thread_waits_for_much_of_a_stretch(monkeypatch):
    monkeypatch.setattr(autotune, "usable_threads", lambda: 2)
    pace = Pace(None, most=2)
    used = []
    for idle in [0.005] * 30 + [0.001] * 9:
        choice, n_steps = pace.next()
        used.append(choice.n_threads)
        pace.took(choice, n_steps, 0.02, idle)
    assert set(used[:31]) == {1}
    assert 2 in used[31:]
