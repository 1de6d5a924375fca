"""A picture of a run: errors against time, where lower left is better."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.peers.run import threads
from benchmarks.tables.methods import METHODS, OWN
from benchmarks.tables.summary import compared, complete, times
from fastmlp.palette import BLUE, GRID, INK, MUTED

TITLES = {
    "seen": "chosen by these",
    "also seen": "chosen by these, too",
    "unseen": "nothing chosen by these",
    "quick": "small tables",
}


def draw(folder: Path, results: pd.DataFrame) -> list[Path]:
    """Draw a picture for each number of threads; the files written."""
    written = []
    for n_threads in sorted(results["n_threads"].unique()):
        chosen = results[results["n_threads"] == n_threads]
        written.append(folder / f"tables-{n_threads}.png")
        against_time(chosen, int(n_threads)).savefig(written[-1], dpi=150)
    return written


def against_time(results: pd.DataFrame, n_threads: int) -> Figure:
    """Shifted geometric mean of errors against the geometric mean of a fit's CPU seconds."""
    groups = [group for group in TITLES if (results["group"] == group).any()]
    figure = Figure(figsize=(5.2 * len(groups), 4.2), layout="constrained")
    figure.suptitle(f"Defaults on real tables, {threads(n_threads)}", color=INK)
    for axes, group in zip(figure.subplots(1, len(groups), squeeze=False)[0], groups, strict=True):
        _panel(axes, results[results["group"] == group])
        axes.set_title(TITLES[group], color=INK, fontsize=10)
    return figure


def _panel(axes: Axes, results: pd.DataFrame) -> None:
    methods = [name for name in METHODS if (results["method"] == name).any()]
    results = complete(results, methods)
    error, seconds = compared(results)["sgm"], times(results)["typical"]
    for name in methods if len(results) else []:
        colour = BLUE if name in OWN else MUTED
        axes.plot(seconds[name], error[name], "o", color=colour, markersize=7)
        axes.annotate(
            name, (seconds[name], error[name]), xytext=(6, 4), textcoords="offset points",
            fontsize=8, color=INK,
        )  # fmt: skip
    axes.set_xscale("log")
    axes.margins(x=0.3, y=0.12)
    axes.set_xlabel("CPU seconds a fit (geometric mean)", color=INK, fontsize=9)
    axes.set_ylabel("error (shifted geometric mean)", color=INK, fontsize=9)
    axes.grid(color=GRID)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=8, labelcolor=INK)
