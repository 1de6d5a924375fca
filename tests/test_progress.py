"""Bars: in terminals of every width, and what is shown where there can be none."""

from __future__ import annotations

import io
import re
from typing import Any

import numpy as np
import pytest
import rich.console

from fastmlp import MLP
from fastmlp.training import progress
from fastmlp.training.figures import figures_of, seconds_left, seconds_taken
from fastmlp.training.terminal_bar import TerminalBar

FIGURES = ["loss 0.0257", "validation 0.1012, 97.50 %", "1,234k rows/s"]
X, Y = np.eye(6, dtype=np.uint8), np.arange(6) % 3


def terminal(width: int) -> Any:
    return rich.console.Console(
        file=io.StringIO(), force_terminal=True, width=width, color_system=None,
        legacy_windows=False,
    )  # fmt: skip


def lines_of(width: int, n_done: int) -> str:
    """What a bar has left in a terminal of this width, after so many of 100 epochs."""
    console = terminal(width)
    bar = TerminalBar(console, 100)
    bar.epoch(n_done, FIGURES)
    console.print(bar._bar.get_renderable())
    return str(console.file.getvalue())


@pytest.mark.parametrize("width", [20, 36, 40, 60, 80, 120, 200])
@pytest.mark.parametrize("n_done", [0, 7, 100])
def test_figures_give_way_and_bar_and_time_stay(width: int, n_done: int) -> None:
    line = lines_of(width, n_done)
    assert line.count("\n") == 1
    assert len(line.rstrip("\n")) <= width
    assert "\u2026" not in line
    assert re.search("-:-- left *\n$" if n_done < 100 else "in 0.0 s *\n$", line)
    if n_done == 100:
        assert line.count("━") >= 10
    shown = [figure for figure in FIGURES if figure in line]
    assert shown == FIGURES[: len(shown)]
    if width >= 40:
        assert "loss 0.0257" in line
    assert (len(shown) == 3) == (width >= 120)


def test_a_bar_that_is_stopped_says_how_long_it_took() -> None:
    console = terminal(80)
    bar = TerminalBar(console, 100)
    bar.start()
    bar.expect(50)
    bar.epoch(7, FIGURES[:1])
    bar.stop()
    assert re.search(r" 7/50 loss 0.0257 in 0.\d s", console.file.getvalue())


def test_times_and_figures_in_words() -> None:
    assert seconds_left(None) == "-:-- left"
    assert seconds_left(75.2) == "1:15 left"
    assert seconds_left(3675) == "1:01:15 left"
    assert (seconds_taken(1.23), seconds_taken(75)) == ("in 1.2 s", "in 1:15")
    assert figures_of({"loss": 2.0, "mean_loss": 1.0}) == ["loss 1.0000"]
    assert figures_of({"loss": 2.0, "val_loss": 1.0, "val_accuracy": 0.5})[1] == (
        "validation 50.00 %"
    )
    assert figures_of({"loss": 2.0, "val_loss": 1.0})[1] == "validation 1.0000"


def test_a_bar_of_the_network_in_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    console = terminal(80)
    monkeypatch.setattr(rich.console, "Console", lambda: console)
    MLP(6, 4, 3).train(X, Y, 3, validation_data=(X, Y), verbose="bar")
    assert "3/3" in console.file.getvalue()
    assert "validation" in console.file.getvalue()
    assert "Epoch" not in console.file.getvalue()


def test_without_a_terminal_there_are_the_tutorial_s_lines(
    capsys: pytest.CaptureFixture[str],
) -> None:
    MLP(6, 4, 3).train(X, Y, 2, verbose="bar")
    MLP(6, 4, 3).train(X, Y, 1)
    assert re.fullmatch(r"(Epoch \d, Loss: \d\.\d+\n){3}", capsys.readouterr().out)


def test_other_words_are_refused() -> None:
    with pytest.raises(ValueError, match="verbose is 'line': give True, False, or 'bar'"):
        MLP(6, 4, 3).train(X, Y, 1, verbose="line")


def test_a_notebook_gets_its_own_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "in_notebook", lambda: True)
    assert isinstance(progress.progress_of(True, 5), progress.Bar)
    assert isinstance(progress.fits_progress_of(True, 5, 2), progress.FitsBar)
    assert type(progress.progress_of(False, 5)) is progress.Progress
    monkeypatch.setattr(progress, "in_notebook", lambda: False)
    assert type(progress.progress_of(True, 5)) is progress.Lines  # of a file
