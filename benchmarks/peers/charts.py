"""Two charts of a run: case H against the peers, and the grid as a heat map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, TwoSlopeNorm
from matplotlib.figure import Figure

from benchmarks.peers.race import fastest_peer
from benchmarks.peers.rows import grid
from benchmarks.peers.run import Run, threads
from benchmarks.peers.sides import FASTMLP, PIXELS
from fastmlp.palette import BLUE, GREEN, INK, MUTED, PAPER, RED

SLOWER_TO_FASTER = LinearSegmentedColormap.from_list("slower to faster", [RED, PAPER, GREEN])
DARK = 4.5  # ratio from which a cell of the heat map is dark

Seconds = Mapping[str, Mapping[str, list[float]]]  # by group, then by side


def draw(folder: Path, run: Run) -> list[Path]:
    """Draw what the run has measured; the files written."""
    written = []
    counts = [n for n in (1, 2) if f"H, {threads(n)}" in run.seconds]
    if counts:
        written.append(folder / "peers.png")
        bars(run.seconds, counts, run.digits.source).savefig(written[-1], dpi=150)
    counts = [n for n in (1, 2) if _grid_ratios(run.seconds, n) is not None]
    if counts:
        written.append(folder / "grid.png")
        heat_maps(run.seconds, counts).savefig(written[-1], dpi=150)
    return written


def bars(seconds: Seconds, counts: Sequence[int], source: str) -> Figure:
    """Milliseconds an epoch of H for each side, a panel for each number of threads.

    The ratios are to fastmlp on the same rows as the peers have, scaled float32. Sides stand in one
    order in all panels, the fastest first, so that their names are needed once.
    """
    best = [
        {name: min(times) * 1e3 for name, times in seconds[f"H, {threads(n)}"].items()}
        for n in counts
    ]
    names = sorted(best[0], key=lambda name: sum(panel.get(name, 0.0) for panel in best))
    figure = Figure(figsize=(2.2 + 3.9 * len(counts), 3.4), layout="constrained")
    figure.suptitle(f"An epoch of {source}, 784-64-10, batch 64, float32: ms", color=INK)
    panels = figure.subplots(1, len(counts), squeeze=False, sharey=True)[0]
    for axes, panel, n_threads in zip(panels, best, counts, strict=True):
        _bars(axes, {name: panel[name] for name in names if name in panel})
        axes.set_title(threads(n_threads), color=INK, fontsize=10)
    panels[0].invert_yaxis()
    return figure


def _bars(axes: Axes, best: Mapping[str, float]) -> None:
    own = (FASTMLP.label, PIXELS.label)
    colours = [BLUE if name in own else MUTED for name in best]
    bars = axes.barh(list(best), list(best.values()), color=colours, height=0.7)
    ours = best[FASTMLP.label]
    labels = [
        f"{value:.1f}" if name in own else f"{value:.0f}  ({value / ours:.1f} times)"
        for name, value in best.items()
    ]
    axes.bar_label(bars, labels, padding=4, fontsize=8, color=INK)
    axes.set_xlim(0, max(best.values()) * 1.5)  # the longest bar's label needs room
    axes.set_xticks([])
    axes.tick_params(left=False, labelsize=8, labelcolor=INK)
    axes.spines[:].set_visible(False)


def heat_maps(seconds: Seconds, counts: Sequence[int]) -> Figure:
    """How many times faster than the fastest peer, for each shape; above 1 is faster."""
    figure = Figure(figsize=(4.6 * len(counts), 5.6), layout="constrained")
    figure.suptitle("Times faster than the fastest peer (dense data, float32)", color=INK)
    panels = figure.subplots(1, len(counts), squeeze=False, sharey=True)[0]
    ratios = {n: r for n in counts if (r := _grid_ratios(seconds, n)) is not None}
    norm = TwoSlopeNorm(vmin=-0.5, vcenter=0, vmax=3)  # of log2: 0.7 is deep red, 8 the full green
    rows = [f"{i}-{'-'.join(map(str, h))}" for i in grid.INPUTS for h in grid.HIDDEN]
    for axes, (n_threads, ratio) in zip(panels, ratios.items(), strict=True):
        axes.imshow(np.log2(ratio), cmap=SLOWER_TO_FASTER, norm=norm, aspect="auto")
        for (row, column), value in np.ndenumerate(ratio):
            if not np.isnan(value):
                text = f"{value:.1f}" if value >= 1.1 else f"{value:.2f}"
                colour = "white" if value >= DARK else INK
                axes.text(column, row, text, ha="center", va="center", fontsize=8, color=colour)
        axes.set_title(threads(n_threads), color=INK, fontsize=10)
        axes.set_xticks(range(len(grid.BATCHES)), [str(b) for b in grid.BATCHES])
        axes.set_xlabel("batch size", color=INK)
        axes.set_yticks(range(len(rows)), rows)
        axes.tick_params(length=0, labelsize=8, labelcolor=INK)
        axes.spines[:].set_visible(False)
        for edge in range(len(grid.HIDDEN), len(rows), len(grid.HIDDEN)):
            axes.axhline(edge - 0.5, color="white", linewidth=3)
    panels[0].set_ylabel("inputs-hidden", color=INK)
    return figure


def _grid_ratios(seconds: Seconds, n_threads: int) -> np.ndarray | None:
    """Ratios, (inputs x hidden, batch sizes), NaN where a cell was not run; None without any."""
    ratios = np.full((len(grid.INPUTS), len(grid.HIDDEN), len(grid.BATCHES)), np.nan)
    for i, inputs in enumerate(grid.INPUTS):
        for j, hidden in enumerate(grid.HIDDEN):
            for k, batch_size in enumerate(grid.BATCHES):
                cell = seconds.get(grid.group(inputs, hidden, batch_size, n_threads))
                if cell is not None:
                    ratios[i, j, k] = fastest_peer(cell)[1] / min(cell[FASTMLP.label])
    return None if np.isnan(ratios).all() else ratios.reshape(-1, len(grid.BATCHES))
