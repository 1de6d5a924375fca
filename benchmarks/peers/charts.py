"""Two charts of a run: case H against the peers, and the grid as a heat map."""

from __future__ import annotations

import csv
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

PAGE = {False: "white", True: "#0d1117"}  # the page behind a picture: light, dark
TEXT = {False: INK, True: "#e6edf3"}
OURS = {False: BLUE, True: "#6cb0ff"}

Seconds = Mapping[str, Mapping[str, list[float]]]  # by group, then by side


def draw(folder: Path, run: Run) -> list[Path]:
    """Draw what the run has measured; the files written."""
    written = []
    counts = [n for n in (1, 2) if f"H, {threads(n)}" in run.seconds]
    if counts:
        written += [folder / "peers.csv", *draw_bars(folder, run.seconds, run.digits.source)]
        write_csv(written[-3], run.seconds, counts)
    counts = [n for n in (1, 2) if _grid_ratios(run.seconds, n) is not None]
    if counts:
        written.append(folder / "grid.png")
        heat_maps(run.seconds, counts).savefig(written[-1], dpi=150)
    return written


def draw_bars(folder: Path, seconds: Seconds, source: str) -> list[Path]:
    """Draw the bars twice, for light and for dark pages; the files written."""
    counts = [n for n in (1, 2) if f"H, {threads(n)}" in seconds]
    files = {False: folder / "peers.png", True: folder / "peers-dark.png"}
    for is_dark, path in files.items():
        bars(seconds, counts, source, is_dark=is_dark).savefig(path, dpi=150)
    return list(files.values())


def write_csv(path: Path, seconds: Seconds, counts: Sequence[int]) -> None:
    """Write what the bars show, so that they can be drawn again without a run."""
    best = _best(seconds, counts)
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["ms", *map(threads, counts)])
        writer.writerows(
            [name, *(f"{panel[name]:.1f}" for panel in best)]
            for name in best[0]
            if all(name in panel for panel in best)
        )


def read_csv(path: Path) -> dict[str, dict[str, list[float]]]:
    """Read what `write_csv` has written."""
    with path.open(newline="") as file:
        (_, *groups), *rows = csv.reader(file)
    return {
        f"H, {group}": {name: [float(cells[i]) / 1e3] for name, *cells in rows}
        for i, group in enumerate(groups)
    }


def bars(seconds: Seconds, counts: Sequence[int], source: str, *, is_dark: bool = False) -> Figure:
    """Milliseconds an epoch of H for each side, a panel for each number of threads.

    The ratios are to fastmlp on uint8 pixels, as in the README's table. Sides stand in one order in
    all panels, the fastest first, so that their names are needed once.
    """
    best = _best(seconds, counts)
    names = sorted(best[0], key=lambda name: sum(panel.get(name, 0.0) for panel in best))
    size = (2.2 + 3.6 * len(counts), 3.6)
    figure = Figure(figsize=size, layout="constrained", facecolor=PAGE[is_dark])
    figure.suptitle(
        f"Milliseconds for an epoch of {source}: lower is better", color=TEXT[is_dark], fontsize=13
    )
    panels = figure.subplots(1, len(counts), squeeze=False, sharey=True)[0]
    for axes, panel, n_threads in zip(panels, best, counts, strict=True):
        _bars(axes, {name: panel[name] for name in names if name in panel}, is_dark)
        axes.set_title(threads(n_threads), color=TEXT[is_dark], fontsize=11, loc="left")
    panels[0].invert_yaxis()
    return figure


def _best(seconds: Seconds, counts: Sequence[int]) -> list[dict[str, float]]:
    """Return the least time of each side in milliseconds, for each number of threads."""
    return [
        {name: min(times) * 1e3 for name, times in seconds[f"H, {threads(n)}"].items()}
        for n in counts
    ]


def _bars(axes: Axes, best: Mapping[str, float], is_dark: bool) -> None:
    own = (FASTMLP.label, PIXELS.label)
    colours = [OURS[is_dark] if name in own else MUTED for name in best]
    bars = axes.barh(list(best), list(best.values()), color=colours, height=0.7)
    ours = best[PIXELS.label]
    labels = [
        f"{value:.1f}" if name in own else f"{value:.0f}  ({value / ours:.1f} times)"
        for name, value in best.items()
    ]
    axes.bar_label(bars, labels, padding=4, fontsize=9, color=TEXT[is_dark])
    axes.set_xlim(0, max(best.values()) * 1.6)  # the longest bar's label needs room
    axes.set_xticks([])
    axes.tick_params(left=False, labelsize=9, labelcolor=TEXT[is_dark])
    axes.set_facecolor(PAGE[is_dark])
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
