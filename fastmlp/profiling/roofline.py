"""Draws the roofline: how fast each stage is, and the machine's limits."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from fastmlp.palette import BLUE, DPI, GREEN, GRID, INK, LINE, MUTED, ORANGE, RED

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from fastmlp.figure import Figure

COLOURS = {"gather": MUTED, "forward": BLUE, "loss": GREEN, "backward": RED, "update": ORANGE}
LARGEST = 1600.0  # square points: the area of a stage that takes all the time
SMALLEST = 30.0
DISTANCES = range(8, 240, 8)  # pixels
ANGLES = (0, 180, 90, 270, *range(15, 360, 15))  # degrees, in order of preference


def roofline(
    stages: pd.DataFrame, peak: float, bandwidths: Mapping[str, float], title: str
) -> Figure:
    """Draw a point for each stage that does arithmetic, and the limits above them.

    The text above the axes lists stages that are not drawn, and points whose names find no room.

    Parameters
    ----------
    stages : pandas.DataFrame
        Indexed by stage, such as "forward 1", with the columns share (of the time, 0 to 1),
        intensity (operations per byte) and done_gflop_per_second.
    peak : float
        GFLOP/s of the machine.
    bandwidths : mapping of str to float
        GB/s of memory and caches, by name.
    title : str

    Returns
    -------
    Figure
    """
    from fastmlp.figure import Figure

    figure = Figure(figsize=(10.0, 6.4), dpi=DPI, facecolor="white")
    axes = figure.add_axes((0.075, 0.1, 0.9, 0.74))
    idle = stages[stages["done_gflop_per_second"] == 0]
    stages = stages.drop(idle.index)
    stages = stages.sort_values("share", ascending=False)  # small ones on top
    x = stages["intensity"].to_numpy()
    y = stages["done_gflop_per_second"].to_numpy()
    share = stages["share"].to_numpy()
    ridges = [peak / bandwidth for bandwidth in bandwidths.values()]
    _prepare(axes, np.append(x, ridges), np.append(y, peak))
    words, lines = _draw_limits(axes, peak, bandwidths)
    area = np.maximum(LARGEST * share, SMALLEST)
    colours = [_colour(stage) for stage in stages.index]
    axes.scatter(x, y, area, colours, alpha=0.85, edgecolors="white", linewidths=0.8, zorder=3)
    centres = axes.transData.transform(np.column_stack([x, y]))
    radii = np.sqrt(area / np.pi) * DPI / 72
    obstacles = np.vstack([words, lines, _around(centres, radii[:, np.newaxis])])
    nameless = _label(axes, _names(list(stages.index), centres, radii), obstacles, words)
    left, top = axes.get_position().x0, 0.955
    figure.text(left, top, f"Roofline: {title}", color=INK, fontsize=13, fontweight="bold")
    figure.text(
        left, top - 0.042, color=MUTED, fontsize=9.5,
        s="A point's area is its stage's share of the time. Lines: the machine's measured limits.",
    )  # fmt: skip
    left_out = [f"{stage} {100 * share:.0f} %" for stage, share in idle["share"].items()]
    notes = []
    if left_out:
        notes.append(f"Without arithmetic, so not drawn: {', '.join(left_out)} of the time.")
    if nameless:
        notes.append(f"Without room for a name: {'; '.join(nameless)}.")
    figure.text(left, top - 0.078, " ".join(notes), color=MUTED, fontsize=9.5)
    return figure


def _colour(stage: str) -> str:
    return COLOURS.get(stage.split()[0], MUTED)


def _prepare(axes: Axes, x: np.ndarray, y: np.ndarray) -> None:
    """Set up axes with room around what will be drawn."""
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(x.min() / 2, x.max() * 2.5)
    axes.set_ylim(y.min() / 2, y.max() * 3)
    axes.set_xlabel("Operations per byte that a stage has to read or write", color=MUTED)
    axes.set_ylabel("GFLOP/s", color=MUTED)
    axes.grid(which="major", color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(which="both", colors=MUTED, length=0)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(LINE)


def _draw_limits(
    axes: Axes, peak: float, bandwidths: Mapping[str, float]
) -> tuple[np.ndarray, np.ndarray]:
    """Draw the limits; return the boxes of their labels, and small boxes along their lines."""
    (left, right), (bottom, _) = axes.get_xlim(), axes.get_ylim()
    style: dict[str, Any] = {"color": INK, "fontsize": 9.5, "textcoords": "offset points"}
    lines = [np.array([[peak / max(bandwidths.values()), peak], [right, peak]])]
    words = [axes.annotate(f"multiply-adds: {peak:,.0f} GFLOP/s", lines[0][0], (0, 5), **style)]
    for name, bandwidth in bandwidths.items():
        ends = np.array([max(left, bottom / bandwidth), peak / bandwidth])
        lines.append(np.column_stack([ends, ends * bandwidth]))
        start, end = axes.transData.transform(lines[-1])
        slope = math.degrees(math.atan2(*(end - start)[::-1]))
        limit = axes.annotate(
            f"{name}: {bandwidth:,.0f} GB/s", lines[-1][0], (8, 14),
            rotation=slope, rotation_mode="anchor", **style,
        )  # fmt: skip
        words.append(limit)
    along = []
    for line in lines:
        axes.plot(*line.T, color=INK, linewidth=1.6)
        start, end = axes.transData.transform(line)
        along.append(np.linspace(start, end, 100))
    boxes = [text.get_window_extent().extents for text in words]
    return np.array(boxes), _around(np.vstack(along), 5.0)


def _names(
    stages: Sequence[str], centres: np.ndarray, radii: np.ndarray
) -> Iterator[tuple[str, np.ndarray, float]]:
    """Yield names with their points; stages of one kind at the same spot share a name."""
    groups: list[list[int]] = []
    for i, stage in enumerate(stages):
        for group in groups:
            is_near = math.dist(centres[i], centres[group[0]]) < radii[group[0]]
            if is_near and stage.split()[0] == stages[group[0]].split()[0]:
                group.append(i)
                break
        else:
            groups.append([i])
    for group in groups:
        kind, *number = stages[group[0]].split()
        numbers = sorted(int(stages[i].split()[1]) for i in group) if number else []
        yield f"{kind} {', '.join(map(str, numbers))}".strip(), centres[group[0]], radii[group[0]]


def _label(
    axes: Axes,
    names: Iterable[tuple[str, np.ndarray, float]],
    obstacles: np.ndarray,
    words: np.ndarray,
) -> list[str]:
    """Write each name as close to its point as possible; return those without room. In pixels.

    A name covers no obstacle and no other name. The line from the point to its name crosses no
    label, or, if there is no other way, passes behind it.
    """
    nameless = []
    to_data = axes.transData.inverted()
    frame = axes.bbox.extents
    for name, centre, radius in names:
        colour = _colour(name)
        text = axes.text(
            0, 0, name, color=colour, fontsize=9.5, fontweight="bold", ha="center", va="center",
            bbox={"color": "white", "alpha": 0.7, "pad": 0.5},
        )  # fmt: skip
        extent = text.get_window_extent()
        half = np.array([extent.width, extent.height]) / 2
        for is_strict, distance, angle in product((True, False), DISTANCES, np.radians(ANGLES)):
            direction = np.array([math.cos(angle), math.sin(angle)])
            # The line goes from the rim of the point to a corner, or the middle of a side, of the
            # name's box.
            line = centre + np.outer(radius + np.arange(0, distance + 1, 8), direction)
            middle = line[-1] + half * np.sign(direction.round(6))
            box = _around(middle, half + 3)
            is_inside = (box[:2] > frame[:2]).all() and (box[2:] < frame[2:]).all()
            is_barred = _overlap(box, obstacles) or (is_strict and _overlap(line, words))
            if is_inside and not is_barred:
                text.set_position(tuple(to_data.transform(middle)))
                axes.plot(*to_data.transform(line[[0, -1]]).T, color=colour, linewidth=0.8)
                words = np.vstack([words, box])
                obstacles = np.vstack([obstacles, box, _around(line, 2.0)])
                break
        else:
            text.remove()
            nameless.append(name)
    return nameless


def _around(centre: np.ndarray, half: Any) -> np.ndarray:
    """Return boxes (left, bottom, right, top) around points."""
    return np.hstack([centre - half, centre + half])


def _overlap(some: np.ndarray, boxes: np.ndarray) -> bool:
    """Whether any of `some` points or boxes overlaps any of the boxes."""
    some = np.atleast_2d(some)[:, np.newaxis]
    low, high = some[..., :2], some[..., -2:]
    return bool(((boxes[:, :2] < high) & (low < boxes[:, 2:])).all(axis=2).any())
