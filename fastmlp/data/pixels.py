"""Pixels, and the scale that they are divided by."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmlp.checks import is_finite

PIXEL_MAX = 255
SMALL_MAX = 127  # whole numbers up to it are not bytes, but go from 0 to 16, say
ROUNDING = 1e-6  # by which float32 values may be outside of 0 to 1


class PixelError(ValueError):
    """Some values are not finite numbers."""


def as_pixels(values: NDArray[Any]) -> NDArray[Any]:
    """Return numbers as uint8 if they are whole and 0 to 255, else as they are.

    Raises
    ------
    PixelError
        If they are no real numbers, or not finite.
    """
    if values.dtype.kind not in "iufb":
        raise PixelError(f"{values.dtype} values are no numbers")
    if values.dtype == np.uint8 or values.size == 0:
        return np.ascontiguousarray(values, np.uint8)
    low, high = values.min(), values.max()
    if not (math.isfinite(low) and math.isfinite(high)):
        raise PixelError("some values are NaN or infinite")
    if low < 0 or high > PIXEL_MAX:
        return values
    whole = values.astype(np.uint8, order="C")
    if values.dtype.kind == "f" and not np.array_equal(whole, values):
        return values
    return whole


def settle(
    x: NDArray[Any], scale: float | None, is_image: bool = False
) -> tuple[NDArray[Any], float, tuple[float, float], str]:
    """Decide what pixels are divided by, and divide those that the network doesn't.

    A network divides whole numbers by its `input_scale`, and never floats. So uint8 stays as it is.
    Fractions within 0 to 1 are divided already. Anything else is divided here, by the `scale` that
    has to be given.

    Parameters
    ----------
    x : ndarray of shape (n_rows, n_features)
        Any real dtype.
    scale : float, optional
        What the pixels are divided by; None takes 1 for values up to 1, the largest for whole
        numbers up to 127, as of digits from 0 to 16, and 255 for those up to 255.
    is_image : bool
        The values are an image's bytes: a dark image has no other scale.

    Returns
    -------
    x : ndarray
        uint8, float32 or float64.
    scale : float
    limits : (float, float)
        The smallest and the largest value in the file.
    words : str
        What was found and how it was interpreted.

    Raises
    ------
    PixelError
        If a value is not finite.
    ValueError
        If there is no scale, and the values are neither within 0 to 1 nor whole up to 255; or if
        the scale is too small for them.
    """
    pixels = as_pixels(x)
    low, high = float(pixels.min()), float(pixels.max())
    if low >= -ROUNDING and high <= 1 + ROUNDING:
        low, high = max(low, 0.0), min(high, 1.0)
    span = f"from {low:g} to {high:g}"
    if pixels.dtype == np.uint8:
        why = ""
        if scale is None:
            scale = float(PIXEL_MAX) if is_image or high > SMALL_MAX else max(high, 1.0)
            if 1 < scale <= SMALL_MAX:
                why = ", the largest (--scale, in Python scale=, says otherwise)"
        how = "not divided" if scale == 1 else f"divided by {scale:g}{why}"
        return pixels, scale, (low, high), f"whole numbers {span}, {how}"
    kept = pixels.dtype if pixels.dtype in (np.float32, np.float64) else np.float64
    pixels = np.ascontiguousarray(pixels, kept)
    if low >= 0 and high <= 1:
        return pixels, scale or 1.0, (low, high), f"fractions {span}, not divided"
    if scale is None:
        raise ValueError(
            f"has values {span}, neither within 0 to 1 nor whole numbers up to 255: "
            "say what they are divided by, with --scale on the command line, scale=... in Python "
            "(1 leaves them as they are)"
        )
    if scale == 1:
        return pixels, scale, (low, high), f"numbers {span}, not divided"
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        divided = pixels / pixels.dtype.type(scale)
    if not is_finite(divided):
        raise ValueError(
            f"has values {span}, which divided by {scale:g} are too large for {pixels.dtype}: give "
            "a larger scale"
        )
    return divided, scale, (low, high), f"numbers {span}, divided by {scale:g}"
