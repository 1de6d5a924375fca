"""The colours of all pictures and tables, and how finely pictures are drawn."""

from __future__ import annotations

INK, MUTED, PAPER = "#1f2933", "#7b8794", "#f1f3f6"  # text, secondary text, background of images
LINE, GRID = "#cbd2d9", "#e3e7ec"  # axes, grid lines
BLUE, ORANGE, RED, GREEN = "#2f6fb7", "#d9730d", "#c0392b", "#2d7d46"
DPI = 140  # pixels an inch


def rgb(colour: str) -> tuple[int, int, int]:
    """Return a colour's red, green and blue, 0 to 255."""
    red, green, blue = bytes.fromhex(colour.removeprefix("#"))
    return red, green, blue
