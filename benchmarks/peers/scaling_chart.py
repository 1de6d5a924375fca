"""The scaling picture: how many times faster than one thread, for each number of threads."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

from matplotlib.figure import Figure

from benchmarks.peers.charts import PAGE, TEXT
from fastmlp.palette import BLUE, GREEN, LINE, MUTED, ORANGE, RED

COLOURS = {
    False: (BLUE, ORANGE, GREEN, RED),
    True: ("#6cb0ff", "#f0a35e", "#6cc287", "#f08a7e"),
}
SHADE = {False: "#f1f3f6", True: "#1c2430"}  # where there are fewer cores than threads
FRAME = {False: LINE, True: "#3b4654"}

Best = Mapping[str, Mapping[int, float]]  # the least seconds, by what is done and by threads


def draw(folder: Path, best: Best, n_cores: int) -> list[Path]:
    """Draw the picture twice, for light and for dark pages; the files written."""
    files = {False: folder / "scaling.png", True: folder / "scaling-dark.png"}
    for is_dark, path in files.items():
        picture(best, n_cores, is_dark=is_dark).savefig(path, dpi=150)
    return list(files.values())


def write_csv(path: Path, best: Best, n_cores: int) -> None:
    """Write what the picture shows, so that `read_csv` can have it drawn again without a run."""
    counts = list(next(iter(best.values())))
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([f"ms on {n_cores} cores", *counts])
        writer.writerows(
            [what, *(f"{1e3 * row[n]:.2f}" for n in counts)] for what, row in best.items()
        )


def read_csv(path: Path) -> tuple[dict[str, dict[int, float]], int]:
    """Read what `write_csv` has written: the least seconds, and how many cores there were."""
    with path.open(newline="") as file:
        (head, *counts), *rows = csv.reader(file)
    best = {
        what: {int(n): float(ms) / 1e3 for n, ms in zip(counts, cells, strict=True)}
        for what, *cells in rows
    }
    return best, int(head.split()[2])


def picture(best: Best, n_cores: int, *, is_dark: bool = False) -> Figure:
    """A line for each thing that is done, and one for what would be ideal.

    Where there are more threads than cores, the ground is shaded: there, lines should stay level.
    """
    text = TEXT[is_dark]
    figure = Figure(figsize=(7.2, 4.6), layout="constrained", facecolor=PAGE[is_dark])
    axes = figure.add_subplot()
    axes.set_facecolor(PAGE[is_dark])
    counts = sorted({n for row in best.values() for n in row})
    ideal = [min(n, n_cores) for n in counts]
    axes.plot(counts, ideal, "--", color=MUTED, linewidth=1.2, label="ideal")
    for (what, row), colour in zip(best.items(), COLOURS[is_dark], strict=True):
        times = [row[min(row)] / row[n] for n in row]
        axes.plot(list(row), times, "o-", color=colour, linewidth=1.8, markersize=6, label=what)
    axes.set_xscale("log", base=2)
    axes.set_yscale("log", base=2)
    axes.set_xlim(counts[0] / 1.15, counts[-1] * 1.15)
    if n_cores < counts[-1]:
        axes.axvspan(n_cores * 2**0.5, counts[-1] * 1.15, color=SHADE[is_dark], zorder=0)
        words = f"more threads than\nthe {n_cores} cores"
        axes.annotate(
            words, (1, 0), (-8, 8), "axes fraction", "offset points",
            ha="right", va="bottom", fontsize=9, color=MUTED,
        )  # fmt: skip
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.set_xticks(counts)
    axes.minorticks_off()
    axes.set_xlabel("threads", color=text)
    axes.set_title(
        f"Times faster than with {counts[0]} thread", loc="left", color=text, fontsize=12
    )
    axes.grid(color=FRAME[is_dark], linewidth=0.6)
    axes.tick_params(colors=text, length=0)
    axes.spines[:].set_color(FRAME[is_dark])
    legend = axes.legend(
        loc="upper left", fontsize=9, facecolor=PAGE[is_dark], edgecolor=FRAME[is_dark]
    )
    for label in legend.get_texts():
        label.set_color(text)
    return figure
