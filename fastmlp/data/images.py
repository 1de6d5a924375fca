"""Read image files: one, a folder of them, or a folder with one subfolder for each class."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastmlp.data.archives import UNPACKING_ERRORS, check_is_file, open_unpacked
from fastmlp.data.cache import Progress
from fastmlp.data.names import PART_OF, Part
from fastmlp.data.raw import Raw
from fastmlp.data.sniff import contents, kind_or_none, visible
from fastmlp.words import listed

if TYPE_CHECKING:
    from PIL.Image import Image

SIDE = 28  # pixels, as in MNIST
IMAGES_AT_A_TIME = 100  # between two reports of progress
LIGHT = 127.5  # a ground above it is lighter than what is drawn on it
EVEN = 40  # how far most of a border's pixels may lie from its median for it to be one ground
MOST = 0.9
MAX_PIXELS = 50_000_000  # of one file: what claims more is no digit
SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp")


def read_image(
    path: Path, *, label: str | None = None, prefer: Part = "train", side: int = SIDE
) -> Raw:
    """Read one image as one row.

    Parameters
    ----------
    path : Path
        A PNG, JPEG or other file that pillow reads. Colour is turned to grey. What is not square
        gets margins, in the colour of its ground, and then all is resized.
    label, prefer : optional
        For the same call as other readers': they do nothing.
    side : int
        The rows' width and height in pixels.

    Returns
    -------
    Raw
        `x` is uint8 of shape (1, side * side), white on black; `ids` has the file's name.

    Raises
    ------
    FileNotFoundError, IsADirectoryError
        If `path` is no file.
    ValueError
        If it is no image, or a damaged one.
    """
    check_is_file(path)
    return _rows([path], [path.name], side, None)


def read_image_folder(
    path: Path,
    *,
    label: str | None = None,
    prefer: Part = "train",
    side: int = SIDE,
    progress: Progress | None = None,
) -> Raw:
    """Read a folder of images, one subfolder for each class, or without labels a flat one.

    Parameters
    ----------
    path : Path
        The folder. Where its subfolders are called train and test, or the like, one of them is
        read. What is neither image nor folder is passed over with a word.
    label : str, optional
        'none' leaves the labels out; anything else does nothing.
    prefer : 'train' or 't10k'
        The half to read where there are both.
    side : int
        The rows' width and height in pixels; see `read_image` for how images are resized.
    progress : callable, optional
        Called as ``progress(done, total)``, in images.

    Returns
    -------
    Raw
        `x` is uint8 of shape (n, side * side), `ids` has the files' paths within the folder.
        Subfolders whose names are whole numbers are labels of those numbers; other names are
        `class_names`, sorted, and `labels` counts them from 0.

    Raises
    ------
    NotADirectoryError
        If `path` is no folder.
    ValueError
        If there are no images in it, some beside and some inside subfolders, or damaged ones.
    """
    if not path.is_dir():
        raise NotADirectoryError(f"{path} is no folder: give a folder of images")
    folder, words = _half(path, prefer)
    flat, others = _images_in(folder)
    classes: dict[str, list[Path]] = {}
    for inner in visible(folder):
        if inner.is_dir():
            classes[inner.name], more = _images_in(inner)
            others += more
    empty = [name for name, files in classes.items() if not files]
    classes = {name: files for name, files in classes.items() if files}
    if flat and classes:
        raise ValueError(
            f"{folder} holds images ({listed([file.name for file in flat], 3)}) and folders of "
            f"images ({listed(list(classes), 3)}): put every image into its class's folder"
        )
    if not flat and not classes:
        raise ValueError(
            f"{folder} holds {contents(folder)}, and no images: "
            "put them there, in one folder for each class"
        )
    if others or empty:
        words.append(
            f"passed over: {listed([*(f.name for f in others), *(f'{e}/' for e in empty)])}"
        )
    names, numbers, class_names = _classes(classes, folder)
    files = flat + [file for name in names for file in classes[name]]
    if classes:
        shown = f"{len(names)} classes, one a folder ({listed(names, 10)})"
        words.insert(0, f"{len(files):,} images, {shown}")
    else:
        words.insert(0, f"{len(files):,} images without labels")
    raw = _rows(files, [file.relative_to(folder).as_posix() for file in files], side, progress)
    labels = np.repeat(numbers, [len(classes[name]) for name in names]) if classes else None
    if label == "none":
        labels = class_names = None
    return Raw(raw.x, labels, raw.ids, (*words, *raw.words[1:]), class_names)


def _half(folder: Path, prefer: Part) -> tuple[Path, list[str]]:
    """Return the half to read where a folder holds train/ and test/, else the folder itself."""
    inner = [path for path in visible(folder) if path.is_dir()]
    halves = {PART_OF[path.name.lower()]: path for path in inner if path.name.lower() in PART_OF}
    if not inner or len(halves) != len(inner):
        return folder, []
    order = (prefer, "t10k" if prefer == "train" else "train", "val")
    half = next(halves[part] for part in order if part in halves)
    return half, [f"of the folder {half.name}"]


def _images_in(folder: Path) -> tuple[list[Path], list[Path]]:
    """Return a folder's images, damaged ones too, and its other files."""
    files = [path for path in visible(folder) if path.is_file()]
    are_images = [
        file.suffix.lower() in SUFFIXES or kind_or_none(file) == "image" for file in files
    ]
    images = [file for file, is_image in zip(files, are_images, strict=True) if is_image]
    return images, [file for file, is_image in zip(files, are_images, strict=True) if not is_image]


def _classes(
    classes: dict[str, list[Path]], folder: Path
) -> tuple[list[str], NDArray[np.int64], tuple[str, ...] | None]:
    """Return the folders' names in the order of their labels, these, and the classes' names."""
    names = sorted(classes)
    if not all(name.isascii() and name.isdigit() and len(name) < 10 for name in names):
        return names, np.arange(len(names), dtype=np.int64), tuple(names)
    names.sort(key=int)
    numbers = np.array([int(name) for name in names], np.int64)
    for first, second in itertools.pairwise(names):
        if int(first) == int(second):
            raise ValueError(f"{folder} holds {first}/ and {second}/, one class twice: join them")
    return names, numbers, None


def _rows(files: list[Path], ids: list[str], side: int, progress: Progress | None) -> Raw:
    """Read images, all to one size and white on black."""
    x = np.empty((len(files), side, side), np.uint8)
    grounds = np.empty(len(files))
    even = np.empty(len(files), bool)
    sizes: dict[tuple[int, int], int] = {}
    faults: list[str] = []
    for i, file in enumerate(files):
        if progress and i % IMAGES_AT_A_TIME == 0:
            progress(i, len(files))
        image = _grey(file)
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
        progress(len(files), len(files))

    # An image with one even ground is turned by it. One without, as most photographs are, goes
    # with the others: the data set has been made in one way.
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
        some = "" if turned.all() else f"{turned.sum():,} of {len(files):,} "
        words.append(f"{some}turned to white on black, as the ground is light")
    return Raw(x.reshape(len(files), -1), ids=np.array(ids, dtype=object), words=tuple(words))


def _grey(path: Path) -> Image | str:
    """Return an image as 8-bit grey, upright and without transparency; or say what is wrong."""
    from PIL import Image, ImageOps

    try:
        with open_unpacked(path) as stream, Image.open(stream) as image:
            if image.width * image.height > MAX_PIXELS:
                return f"{path} has {image.width}x{image.height} pixels"
            upright = ImageOps.exif_transpose(image)
            if upright.mode in ("I", "F", "I;16", "I;16B", "I;16L", "I;16N"):
                return Image.fromarray(_to_8_bits(np.asarray(upright)))
            if "A" in upright.getbands() or "transparency" in upright.info:
                return _on_a_ground(upright.convert("RGBA"))
            return upright.convert("L")
    except PermissionError:
        raise
    except (*UNPACKING_ERRORS, OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return f"{path} is no image or a damaged one"


def _to_8_bits(values: NDArray[Any]) -> NDArray[np.uint8]:
    """Return 16-bit or float grey as 8-bit grey; pillow's own conversion would cut it off."""
    largest = values.max()
    if largest > 255:
        values = values / 257
    elif values.dtype.kind == "f" and largest <= 1:
        values = values * 255
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def _on_a_ground(image: Image) -> Image:
    """Put a transparent image on white, or on black if what is drawn is light itself."""
    from PIL import Image

    grey, alpha = image.convert("RGB").convert("L"), image.getchannel("A")
    weights = np.asarray(alpha, float)
    drawn = float((np.asarray(grey) * weights).sum() / max(weights.sum(), 1))
    ground = Image.new("L", image.size, 0 if drawn > LIGHT else 255)
    return Image.composite(grey, ground, alpha)


def _ground(image: Image) -> tuple[float, bool]:
    """Return the median of an image's border, and whether most of the border is like it."""
    pixels = np.asarray(image)
    border = np.concatenate([pixels[0], pixels[-1], pixels[1:-1, 0], pixels[1:-1, -1]])
    ground = float(np.median(border))
    return ground, bool(np.mean(np.abs(border - ground) <= EVEN) >= MOST)


def _resized(image: Image, side: int, ground: float) -> NDArray[np.uint8]:
    from PIL import Image

    longer = max(image.size)
    if image.width != image.height:
        square = Image.new("L", (longer, longer), round(ground))
        square.paste(image, ((longer - image.width) // 2, (longer - image.height) // 2))
        image = square
    if longer != side:
        image = image.resize((side, side), Image.Resampling.LANCZOS)
    return np.asarray(image)
