"""Pixels as images within the page."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastmlp.palette import BLUE, ORANGE, rgb

if TYPE_CHECKING:
    from PIL.Image import Image

MOST_UNITS = 100  # of a layer, whose weights are shown


def digits(x: NDArray[Any], side: int) -> list[str]:
    """Return images, dark on light, as addresses that hold them.

    Parameters
    ----------
    x : ndarray of shape (n_images, side * side)
        On any scale: 0 is light, the largest value dark.
    side : int

    Returns
    -------
    list of str
    """
    from PIL import Image

    largest = max(float(x.max()), 1e-30) if x.size else 1.0
    light = 255 - np.rint(255 * np.clip(x / largest, 0, 1)).astype(np.uint8)
    return [_address(Image.fromarray(one)) for one in light.reshape(-1, side, side)]


def weights(w: NDArray[Any], side: int) -> list[str]:
    """Return each unit's weights as an image: blue above zero, orange below, clear at zero.

    Parameters
    ----------
    w : ndarray of shape (side * side, n_units)
    side : int

    Returns
    -------
    list of str
        Of the first 100 units, each on a scale of its own.
    """
    from PIL import Image

    shown = w.T[:MOST_UNITS].reshape(-1, side, side)
    largest = np.maximum(np.abs(shown).max(axis=(1, 2), keepdims=True), 1e-30)
    pixels = np.empty((*shown.shape, 4), np.uint8)
    pixels[..., :3] = np.where(shown[..., np.newaxis] > 0, rgb(BLUE), rgb(ORANGE))
    pixels[..., 3] = np.rint(255 * np.abs(shown) / largest)
    return [_address(Image.fromarray(one)) for one in pixels]


def _address(image: Image) -> str:
    stream = io.BytesIO()
    image.save(stream, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(stream.getvalue()).decode()}"
