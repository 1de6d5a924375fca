"""Draw the figures of docs/how-it-works.md: ``python -m benchmarks.figures``.

Both are drawn from the code itself: the built-in digits, and the stages that a step really has.
Those depend on the width of vectors: ``FASTMLP_LANES=16`` has them as with AVX-512.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

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
BOX, GAP = 1.0, 0.16  # of a stage: its width, and the way to the next one
COLOURS = {"gather": MUTED, "forward": BLUE, "loss": ORANGE, "backward": RED, "update": GREEN}


def main() -> None:
    """Write both pictures, and say where they are."""
    FOLDER.mkdir(exist_ok=True)
    for name, figure in {"zeros.png": zeros(), "step.png": steps()}.items():
        figure.savefig(FOLDER / name, dpi=DPI)
        print(FOLDER / name)


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
    """The stages of a step on two threads, and where the threads meet."""
    lists = {sizes: stages_of(sizes) for sizes in NETWORKS}
    figure = Figure(figsize=(11, 3.6), layout="constrained", facecolor="white")
    for axes, (sizes, stages) in zip(figure.subplots(len(lists), 1), lists.items(), strict=True):
        place = 0.0
        for stage in stages:
            place = _stage(axes, stage, place)
        axes.set_xlim(-0.1, max(map(_width, lists.values())))
        axes.set_ylim(0, 1)
        axes.set_axis_off()
        _title(axes, f"{'-'.join(map(str, sizes))}: two threads meet at each line")
    return figure


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


def _stage(axes: Axes, stage: Stage, place: float) -> float:
    """Draw a stage, or a meeting; return where the next one begins."""
    if stage.kernel is None:
        axes.plot([place, place], [0.1, 0.9], color=INK, linewidth=2)
        return place + GAP
    colour = COLOURS[stage.name.split()[0]]
    box = FancyBboxPatch(
        (place, 0.25), BOX - GAP, 0.5, boxstyle="round,pad=0.02", facecolor=PAPER, edgecolor=colour
    )
    axes.add_patch(box)
    words = stage.kernel.name.replace("_", "\n")
    middle = place + (BOX - GAP) / 2
    axes.text(middle, 0.5, words, color=INK, fontsize=7, ha="center", va="center")
    axes.text(middle, 0.12, stage.name, color=colour, fontsize=7, ha="center", va="center")
    return place + BOX


def _width(stages: Sequence[Stage]) -> float:
    return sum(BOX if stage.kernel else GAP for stage in stages)


def _title(axes: Axes, text: str) -> None:
    axes.set_title(text, loc="left", color=INK, fontsize=10)


if __name__ == "__main__":
    main()
