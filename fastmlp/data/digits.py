"""The built-in digits, rendered from the fonts that come with matplotlib.

Each face's digits are turned once into signed distance fields: how far a point lies inside (+) or
outside (-) the outline. An image is one such field, looked up at the 28x28 pixels' positions
after a random affine map. A threshold on the distance then sets the stroke's width, and the slope
of the ramp around it the blur; everything beyond the ramp is exactly 0.
"""

from __future__ import annotations

import contextlib
import hashlib
import operator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fastmlp.checks import as_count
from fastmlp.data.cache import Progress, cache_folder
from fastmlp.files import atomic_write

Digits = tuple[NDArray[np.uint8], NDArray[np.int64]]

FACES = (  # all in matplotlib 3.8, the oldest allowed
    "DejaVuSans", "DejaVuSans-Bold", "DejaVuSans-Oblique", "DejaVuSans-BoldOblique",
    "DejaVuSansMono", "DejaVuSansMono-Bold", "DejaVuSansMono-Oblique",
    "DejaVuSansMono-BoldOblique", "DejaVuSerif", "DejaVuSerif-Bold", "DejaVuSerif-Italic",
    "DejaVuSerif-BoldItalic", "STIXGeneral", "STIXGeneralBol", "STIXGeneralItalic",
    "STIXGeneralBolIta", "cmb10", "cmmi10", "cmr10", "cmss10", "cmtt10",
)  # fmt: skip
SIDE = 28  # pixels
GLYPH = 20.0  # the longer side of an undistorted digit in pixels, as in MNIST

FIELD = 40  # samples along each side of a distance field ...
PITCH = 0.8  # ... and their distance, in pixels of the image

ROTATION = 0.3  # radians, to both sides, as is the shear
SHEAR = 0.35
SCALE = (0.8, 1.1)  # drawn for each axis
SHIFT = 1.5  # pixels
STROKE = (-0.25, 0.35)  # pixels added to the outline all around
BLUR = (0.3, 0.65)  # pixels from the outline to white inside, and to black outside

IMAGES_AT_A_TIME = 500
RECIPE = 1  # part of the cache file's name; to be raised when anything above changes


def make_digits(
    n_samples: int = 12_000,
    seed: int = 42,
    *,
    cache_dir: str | Path | None = None,
    progress: Progress | None = None,
) -> Digits:
    """Render digits, or read them from the cache if they have been rendered before.

    Parameters
    ----------
    n_samples : int
        Images to make.
    seed : int
        The same seed makes the same images; NumPy's global generator is not touched.
    cache_dir : str or Path, optional
        Where to keep them; by default the user's cache folder. If that can't be written,
        they are not kept.
    progress : callable, optional
        Called as ``progress(done, n_samples)`` while rendering.

    Returns
    -------
    images : uint8 ndarray of shape (n_samples, 784)
        28x28 pixels, white (255) digits on a background of exact zeros.
    labels : int64 ndarray of shape (n_samples,)
        0 to 9.

    Raises
    ------
    TypeError, ValueError
        If `n_samples` is not a whole number of at least 1, or `seed` not one in 0..2**32-1.

    Examples
    --------
    >>> from fastmlp.data import make_digits
    >>> images, labels = make_digits(100)
    >>> images.shape, images.dtype.name
    ((100, 784), 'uint8')
    """
    n_samples = as_count(n_samples, "n_samples")
    try:
        generator = np.random.RandomState(operator.index(seed))
    except (TypeError, ValueError) as error:
        remedy = "give a whole number from 0 to 4294967295"
        raise type(error)(f"seed is {seed!r}: {remedy}") from None
    folder = cache_folder() if cache_dir is None else Path(cache_dir)
    path = folder / f"digits-{RECIPE}-{n_samples}-{seed}.bin"
    digits = _read(path, n_samples)
    if digits is None:
        digits = _render(n_samples, generator, progress)
        _write(path, digits)
    return digits


def _render(n: int, generator: np.random.RandomState, progress: Progress | None) -> Digits:
    if progress:
        progress(0, n)
    fields = _distance_fields()
    labels = generator.randint(0, 10, n)
    faces = generator.randint(0, len(FACES), n)
    unit = generator.uniform(size=(n, 8)).astype(np.float32)
    images = np.empty((n, SIDE * SIDE), np.uint8)
    for start in range(0, n, IMAGES_AT_A_TIME):
        some = slice(start, start + IMAGES_AT_A_TIME)
        images[some] = _draw(fields[faces[some], labels[some]], unit[some])
        if progress:
            progress(min(some.stop, n), n)
    return images, labels.astype(np.int64)


def _draw(fields: NDArray[np.float32], unit: NDArray[np.float32]) -> NDArray[np.float32]:
    """Distort each of the fields and turn them into pixels, 0 to 255.

    Parameters
    ----------
    fields : float32 ndarray of shape (n, FIELD, FIELD)
    unit : float32 ndarray of shape (n, 8)
        Uniform in [0, 1): rotation, shear, two scales, two shifts, stroke width, blur.
    """
    n = len(unit)
    angle = ROTATION * (2 * unit[:, 0] - 1)
    shear = SHEAR * (2 * unit[:, 1] - 1)
    scale_x, scale_y = (SCALE[0] + (SCALE[1] - SCALE[0]) * unit[:, 2:4]).T
    shift_x, shift_y = (SHIFT * (2 * unit[:, 4:6] - 1)).T
    stroke = STROKE[0] + (STROKE[1] - STROKE[0]) * unit[:, 6]
    blur = BLUR[0] + (BLUR[1] - BLUR[0]) * unit[:, 7]

    # From a pixel back to the undistorted glyph: shift, rotate, shear, scale.
    centre = (SIDE - 1) / 2
    y, x = np.divmod(np.arange(SIDE * SIDE), SIDE)
    x_shifted = (x - centre).astype(np.float32) - shift_x[:, None]
    y_shifted = (y - centre).astype(np.float32) - shift_y[:, None]
    cos, sin = np.cos(angle)[:, None], np.sin(angle)[:, None]
    x_rotated, y_rotated = cos * x_shifted - sin * y_shifted, sin * x_shifted + cos * y_shifted
    x_glyph = (x_rotated - shear[:, None] * y_rotated) / scale_x[:, None]
    y_glyph = y_rotated / scale_y[:, None]

    distance = _look_up(fields, x_glyph, y_glyph)
    # Scaling the outline scales distances, the mean of the two axes' is near enough.
    distance *= ((scale_x + scale_y) / 2)[:, None]
    ramp = 0.5 + (distance + stroke[:, None]) / (2 * blur[:, None])
    return np.clip(ramp, 0, 1).reshape(n, -1) * 255


def _look_up(
    fields: NDArray[np.float32], x: NDArray[np.float32], y: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Interpolate each field between its samples at positions in pixels from its centre."""
    column = np.clip(x / PITCH + (FIELD - 1) / 2, 0, FIELD - 1.001)
    row = np.clip(y / PITCH + (FIELD - 1) / 2, 0, FIELD - 1.001)
    left, top = column.astype(np.int32), row.astype(np.int32)
    to_right, to_bottom = column - left, row - top
    corner = left + FIELD * top + FIELD**2 * np.arange(len(fields), dtype=np.int32)[:, None]
    flat = fields.reshape(-1)
    above = flat.take(corner)
    above += to_right * (flat.take(corner + 1) - above)
    corner += FIELD
    below = flat.take(corner)
    below += to_right * (flat.take(corner + 1) - below)
    return above + to_bottom * (below - above)


def _distance_fields() -> NDArray[np.float32]:
    """Return the fields of all digits in all faces, of shape (faces, 10, FIELD, FIELD)."""
    import matplotlib
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextPath

    fonts = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    fields = np.empty((len(FACES), 10, FIELD, FIELD), np.float32)
    for face, name in enumerate(FACES):
        font = FontProperties(fname=fonts / f"{name}.ttf")
        for digit in range(10):
            outline = TextPath((0, 0), str(digit), size=100, prop=font).to_polygons()
            fields[face, digit] = _distance_field([np.asarray(p) for p in outline])
    return fields


def _distance_field(outline: list[NDArray[np.float64]]) -> NDArray[np.float32]:
    """Return the signed distance of a grid's points to closed polygons, in pixels, + inside."""
    points = np.concatenate(outline)
    low, high = points.min(axis=0), points.max(axis=0)
    to_pixels = GLYPH / (high - low).max() * np.array([1, -1])  # a font's y points up
    start = np.concatenate([polygon[:-1] for polygon in outline])
    end = np.concatenate([polygon[1:] for polygon in outline])
    start, end = ((p - (low + high) / 2) * to_pixels for p in (start, end))
    start, end = (p[(start != end).any(axis=1)].T.astype(np.float32) for p in (start, end))

    grid = (np.arange(FIELD, dtype=np.float32) - (FIELD - 1) / 2) * np.float32(PITCH)
    edge_x, edge_y = end - start
    from_start_x = np.tile(grid, FIELD)[:, None] - start[0]
    from_start_y = np.repeat(grid, FIELD)[:, None] - start[1]
    along = (from_start_x * edge_x + from_start_y * edge_y) / (edge_x**2 + edge_y**2)
    np.clip(along, 0, 1, out=along)
    squared = (from_start_x - along * edge_x) ** 2 + (from_start_y - along * edge_y) ** 2
    distance = np.sqrt(squared.min(axis=1))

    # Inside is where a ray to the right crosses more edges upwards than downwards, or the reverse.
    crosses = (from_start_y < 0) != (from_start_y < edge_y)
    to_the_left = (from_start_x * edge_y - from_start_y * edge_x < 0) == (edge_y > 0)
    winding = np.where(crosses & to_the_left, np.sign(edge_y), 0).sum(axis=1)
    return np.where(winding != 0, distance, -distance).reshape(FIELD, FIELD)


def _read(path: Path, n: int) -> Digits | None:
    """Return the digits that `_write` has written, or None if they are missing or damaged."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    checksum, table = content[:32], content[32:]
    if len(table) != n * (1 + SIDE**2) or hashlib.sha256(table).digest() != checksum:
        return None
    rows = np.frombuffer(table, np.uint8).reshape(n, -1)
    return rows[:, 1:].copy(), rows[:, 0].astype(np.int64)


def _write(path: Path, digits: Digits) -> None:
    images, labels = digits
    table = np.column_stack([labels.astype(np.uint8), images]).tobytes()
    # A cache that can't be written is no error: rendering takes two seconds again.
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as stream:
            stream.write(hashlib.sha256(table).digest() + table)
