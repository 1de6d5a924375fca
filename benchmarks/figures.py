"""Draw the figures of docs/how-it-works.md, and the bars: ``python -m benchmarks.figures``.

The former are drawn from the code itself: the built-in digits, and the stages that a step really
has. Those depend on the width of vectors: ``FASTMLP_LANES=16`` has them as with AVX-512. The bars
are drawn from the figures in peers.csv, which a run of `benchmarks.peers` has measured.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from benchmarks.peers import charts
from fastmlp.data import make_digits
from fastmlp.kernels import program
from fastmlp.kernels.codegen.kernel import Stage
from fastmlp.kernels.inputs import GROUP, Inputs
from fastmlp.kernels.layout.blocking import MASK_ROWS
from fastmlp.kernels.layout.memory_plan import Plan
from fastmlp.palette import BLUE, GREEN, INK, LINE, MUTED, ORANGE, PAPER, RED
from fastmlp.problem import Problem

FOLDER = Path(__file__).parent / "pictures"
DPI = 140
NETWORKS = ((784, 64, 10), (784, 512, 512, 10))
BATCH_SIZE = 64
BOX, GAP = 1.0, 0.12  # of a stage: its width, and the way to the next one
COLOURS = {"gather": MUTED, "forward": BLUE, "loss": ORANGE, "backward": RED, "update": GREEN}


def main() -> None:
    """Write the pictures, and say where they are."""
    FOLDER.mkdir(exist_ok=True)
    for name, figure in {"zeros.png": zeros(), "step.png": steps()}.items():
        figure.savefig(FOLDER / name, dpi=DPI)
        print(FOLDER / name)
    print(*charts.draw_bars(FOLDER, charts.read_csv(FOLDER / "peers.csv"), "MNIST"), sep="\n")


def zeros() -> Figure:
    """A batch's nonzero inputs, and how many of its rows each group of inputs visits."""
    x, _ = make_digits()
    nonzero = x[:MASK_ROWS] != 0
    visited = nonzero.reshape(MASK_ROWS, -1, GROUP).any(axis=2).sum(axis=0)
    figure = Figure(figsize=(9, 4.2), layout="constrained", facecolor="white")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
    above.imshow(
        ~nonzero, cmap="gray", aspect="auto", interpolation="nearest",
        extent=(0, nonzero.shape[1], MASK_ROWS, 0),
    )  # fmt: skip
    above.set_ylabel("row of the batch", color=INK)
    _title(above, f"{100 * nonzero.mean():.0f} % of the inputs of {MASK_ROWS} digits are not zero")
    below.bar(np.arange(len(visited)) * GROUP, visited, GROUP, align="edge", color=BLUE)
    below.axhline(MASK_ROWS, color=RED, linewidth=1)
    below.text(nonzero.shape[1], MASK_ROWS, "all rows ", color=RED, ha="right", va="top")
    below.set_ylabel("rows visited", color=INK)
    below.set_xlabel("input", color=INK)
    share = visited.mean() / MASK_ROWS
    _title(below, f"Groups of {GROUP} neighbouring inputs visit {100 * share:.0f} % of the rows")
    for axes in (above, below):
        axes.tick_params(colors=MUTED, length=0)
        axes.spines[:].set_color(LINE)
    return figure


def steps() -> Figure:
    """The stages of a step on two threads: a row until the threads meet, which is a line."""
    rows = {sizes: _stretches(stages_of(sizes)) for sizes in NETWORKS}
    heights = [len(stretches) for stretches in rows.values()]
    widest = max(len(stages) for stretches in rows.values() for stages in stretches)
    figure = Figure(figsize=(1.25 * widest, 0.95 * sum(heights) + 0.8), layout="constrained")
    panels = figure.subplots(len(rows), 1, height_ratios=heights)
    for axes, (sizes, stretches) in zip(panels, rows.items(), strict=True):
        for row, stages in enumerate(stretches):
            if row > 0:
                axes.plot([0, widest * BOX - GAP], [row, row], color=INK, linewidth=2)
            for column, stage in enumerate(stages):
                _stage(axes, stage, column * BOX, row)
        axes.set_xlim(-0.05, widest * BOX)
        axes.set_ylim(len(stretches), 0)
        axes.set_axis_off()
        _title(axes, f"{'-'.join(map(str, sizes))}: two threads meet at each line", 13)
    return figure


def _stretches(stages: Sequence[Stage]) -> list[list[Stage]]:
    """What lies between two meetings."""
    stretches: list[list[Stage]] = [[]]
    for stage in stages:
        if stage.kernel is None:
            stretches.append([])
        else:
            stretches[-1].append(stage)
    return [stretch for stretch in stretches if stretch]


def stages_of(sizes: Sequence[int]) -> list[Stage]:
    """The stages of a step on uint8 digits, shared by two threads."""
    problem = Problem()
    weights = [np.zeros(shape, np.float32) for shape in pairwise(sizes)]
    biases = [np.zeros((1, n), np.float32) for n in sizes[1:]]
    entries = program.Entries.of(problem, len(weights), has_labels=True)
    plan = Plan(
        weights, biases, BATCH_SIZE, 2,
        entries.optimizer.n_states, entries.are_apart(is_training=True),
    )  # fmt: skip
    inputs = Inputs(plan, np.zeros((BATCH_SIZE, sizes[0]), np.uint8), 255, skips=True)
    _, stages = program.training(entries, plan, inputs.stages, inputs.skipped, with_penalty=False)
    return stages


def _stage(axes: Axes, stage: Stage, left: float, top: float) -> None:
    colour = COLOURS[stage.name.split()[0]]
    box = FancyBboxPatch(
        (left, top + 0.14), BOX - GAP, 0.46,
        boxstyle="round,pad=0.02", facecolor=PAPER, edgecolor=colour, linewidth=1.5,
    )  # fmt: skip
    axes.add_patch(box)
    assert stage.kernel is not None
    words = stage.kernel.name.replace("_", "\n")
    middle = left + (BOX - GAP) / 2
    axes.text(middle, top + 0.37, words, color=INK, fontsize=11, ha="center", va="center")
    axes.text(middle, top + 0.76, stage.name, color=colour, fontsize=11, ha="center", va="center")


def _title(axes: Axes, text: str, size: int = 10) -> None:
    axes.set_title(text, loc="left", color=INK, fontsize=size)


if __name__ == "__main__":
    main()
