"""The harness's run with any number of threads: its argument, its check of bits, its picture."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.peers import __main__ as program
from benchmarks.peers import scaling, scaling_chart
from benchmarks.peers.case import Case
from benchmarks.peers.run import Run
from benchmarks.peers.worker import Worker

BEST = {
    scaling.H: {1: 0.0221, 2: 0.0163, 4: 0.0125},
    scaling.WIDE: {1: 0.4, 2: 0.21, 4: 0.11},
    scaling.PREDICT: {1: 0.02, 2: 0.011, 4: 0.0061},
    scaling.TABLE: {1: 4.0, 2: 2.1, 4: 1.5},
}


def test_numbers_of_threads_are_read() -> None:
    assert program.thread_counts("1,2,4,8,16") == [1, 2, 4, 8, 16]
    assert program.thread_counts("4, 1") == [1, 4]
    for text in ("2,4", "1,1", "0,1", "1,x", "", "1,,2", "-1"):
        with pytest.raises(argparse.ArgumentTypeError, match="from 1 on"):
            program.thread_counts(text)


@pytest.mark.skipif(sys.platform == "win32", reason="workers need POSIX's pipes")
def test_workers_with_other_numbers_of_threads_have_the_same_bits(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    np.save(tmp_path / "x.npy", rng.standard_normal((512, 20), dtype=np.float32))
    np.save(tmp_path / "y.npy", rng.integers(10, size=512))
    case = Case("tiny", (20, 64, 10), 16, tmp_path / "x.npy", tmp_path / "y.npy")
    with Worker(1) as one, Worker(2) as two:
        scaling._start(case, {1: one, 2: two})
    same = {1: [np.ones(3)], 2: [np.ones(3)], 4: [np.array([1.0, 1, np.nextafter(1, 2)])]}
    with pytest.raises(AssertionError, match="tiny: other bits with 4 threads than 1 thread"):
        scaling._same("tiny", same)


def test_a_run_leaves_a_table_and_pictures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(program, "RESULTS", tmp_path / "results")
    monkeypatch.setattr(program, "available_cores", lambda: [0, 1])
    monkeypatch.setattr(scaling, "measure", lambda run, counts: BEST)
    program.scale(Run(tmp_path), [1, 2, 4])
    best, n_cores = scaling_chart.read_csv(tmp_path / "results" / "scaling.csv")
    assert n_cores == 2
    assert list(best) == list(BEST)
    assert all(best[what] == pytest.approx(BEST[what]) for what in BEST)
    assert "H,22.10,16.30,12.50" in capsys.readouterr().out
    pictures = [tmp_path / "results" / f"scaling{end}.png" for end in ("", "-dark")]
    assert all(path.stat().st_size > 10_000 for path in pictures)
    assert pictures[0].read_bytes() != pictures[1].read_bytes()


def test_the_picture_says_where_there_are_too_few_cores() -> None:
    (axes,) = scaling_chart.picture(BEST, 2).axes
    ideal, *lines = axes.get_lines()
    assert list(np.asarray(ideal.get_ydata())) == [1, 2, 2]
    times = np.asarray(lines[0].get_ydata(), float)
    assert times == pytest.approx([1, 22.1 / 16.3, 22.1 / 12.5])
    assert [text.get_text() for text in axes.texts] == ["more threads than\nthe 2 cores"]
    (axes,) = scaling_chart.picture(BEST, 4).axes
    assert not axes.texts
