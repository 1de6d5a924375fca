"""Images of any size and colour as rows of one size, white on black."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import IO, TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastmlp.data.archives import UNPACKING_ERRORS
from fastmlp.data.cache import Progress
from fastmlp.data.limits import TooMuchError, grow
from fastmlp.data.raw import Raw

if TYPE_CHECKING:
    from PIL.Image import Image

# Those that `sniff` recognises. Pillow reads some forty more, one of them with Ghostscript.
FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP", "PPM")
IMAGES_AT_A_TIME = 100  # between two reports of progress
LIGHT = 127.5  # a background above it is light
EVEN = 40  # how far the border pixels of an even background may differ from their median ...
MOST = 0.9  # ... and how many of them have to
MAX_PIXELS = 50_000_000  # of one image; one that claims more is refused
LONGEST = 4096  # side of an image that gets margins

Opener = Callable[[], AbstractContextManager[IO[bytes]]]


def rows(
    images: Iterable[tuple[str, Opener]], n_images: int, side: int, progress: Progress | None = None
) -> Raw:
    """Read images, all to one size and white on black.

    Parameters
    ----------
    images : iterable of (str, callable)
        What to call each in an error, and what opens it.
    n_images : int
        How many there are, or as many as there may be at most.
    side : int
        The rows' width and height in pixels. An image that is not square gets margins in the
        colour of its background.
    progress : callable, optional
        Called as ``progress(done, total)``, in images.

    Raises
    ------
    ValueError
        If one is not an image, damaged, or far too large.
    """
    x = np.empty((0, side, side), np.uint8)
    grounds = np.empty(0)
    even = np.empty(0, bool)
    sizes: dict[tuple[int, int], int] = {}
    faults: list[str] = []
    for i, (name, opened) in enumerate(images):
        if progress and i % IMAGES_AT_A_TIME == 0:
            progress(i, n_images)
        for array in (x, grounds, even):
            grow(array, i + 1, n_images)
        image = _grey(name, opened)
        if isinstance(image, str):
            faults.append(image)
            continue
        grounds[i], even[i] = _ground(image)
        sizes[image.size] = sizes.get(image.size, 0) + 1
        x[i] = _resized(image, side, grounds[i])
    if faults:
        more = f" (and {len(faults) - 3} more)" if len(faults) > 3 else ""
        raise ValueError(f"{'; '.join(faults[:3])}{more}: remove or replace it")
    if progress:
        progress(n_images, n_images)

    # An image with an even, light background is inverted. One whose background is uneven, such as
    # a photograph, is treated like most others: a data set is usually made in one way.
    known = grounds[even] if even.any() else grounds
    turned = np.where(even, grounds > LIGHT, np.median(known) > LIGHT)
    x[turned] = 255 - x[turned]
    words = ["1 image"]
    if set(sizes) != {(side, side)}:
        width, height = max(sizes, key=lambda size: sizes[size])
        common = f"{width}x{height}"
        some = common if len(sizes) == 1 else f"{len(sizes)} sizes, most often {common},"
        words.append(f"resized from {some} to {side}x{side}")
    if turned.any():
        some = "" if turned.all() else f"{turned.sum():,} of {n_images:,} "
        words.append(f"{some}turned to white on black, as the ground is light")
    return Raw(x.reshape(len(x), -1), words=tuple(words), is_image=True)


def _grey(name: str, opened: Opener) -> Image | str:
    """Return an image as 8-bit grey, upright and without transparency; or say what is wrong."""
    from PIL import Image, ImageOps

    try:
        with opened() as stream, _quiet(), Image.open(stream, formats=FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                return f"{name} has {image.width}x{image.height} pixels"
            upright = ImageOps.exif_transpose(image)
            if upright.mode in ("I", "F", "I;16", "I;16B", "I;16L", "I;16N"):
                return Image.fromarray(_to_8_bits(np.asarray(upright)))
            if "A" in upright.getbands() or "transparency" in upright.info:
                return _on_a_ground(upright.convert("RGBA"))
            return upright.convert("L")
    except (PermissionError, TooMuchError):
        raise
    except Image.DecompressionBombError:
        return f"{name} has too many pixels"
    except (*UNPACKING_ERRORS, OSError, SyntaxError, ValueError):
        return f"{name} is no image or a damaged one"


@contextmanager
def _quiet() -> Iterator[None]:
    """Let Pillow not warn of faults in an image that it can read nevertheless."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _to_8_bits(values: NDArray[Any]) -> NDArray[np.uint8]:
    """Return 16-bit or float grey as 8-bit grey; Pillow's conversion would clip it at 255."""
    largest = values.max()
    factor = 1.0
    if largest > 255:
        factor = 1 / 257
    elif values.dtype.kind == "f" and largest <= 1:
        factor = 255.0
    scaled = values * factor
    return np.clip(np.rint(scaled, out=scaled), 0, 255, out=scaled).astype(np.uint8)


def _on_a_ground(image: Image) -> Image:
    """Put a transparent image on white, or on black if the image itself is light."""
    from PIL import Image

    grey, alpha = image.convert("RGB").convert("L"), image.getchannel("A")
    weights = np.asarray(alpha)
    # einsum multiplies as it goes; 50 million pixels as floats would take 400 MB each time
    total = np.einsum("ij,ij->", np.asarray(grey), weights, dtype=np.int64)
    ground = Image.new(
        "L", image.size, 0 if total > LIGHT * max(weights.sum(dtype=np.int64), 1) else 255
    )
    return Image.composite(grey, ground, alpha)


def _ground(image: Image) -> tuple[float, bool]:
    """Return the median of an image's border, and whether most of the border is close to it."""
    pixels = np.asarray(image)
    border = np.concatenate([pixels[0], pixels[-1], pixels[1:-1, 0], pixels[1:-1, -1]])
    ground = float(np.median(border))
    like_it = (border >= ground - EVEN) & (border <= ground + EVEN)
    return ground, bool(like_it.mean() >= MOST)


def _resized(image: Image, side: int, ground: float) -> NDArray[np.uint8]:
    from PIL import Image

    if image.width != image.height and max(image.size) > LONGEST:
        # A strip of 70,000 pixels would take gigabytes as a square.
        image = image.reduce(math.ceil(max(image.size) / LONGEST))
    longer = max(image.size)
    if image.width != image.height:
        square = Image.new("L", (longer, longer), round(ground))
        square.paste(image, ((longer - image.width) // 2, (longer - image.height) // 2))
        image = square
    if longer != side:
        image = image.resize((side, side), Image.Resampling.LANCZOS)
    return np.asarray(image)
