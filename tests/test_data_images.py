"""read_image and read_image_folder: sizes, backgrounds, modes, classes, damaged files."""

from __future__ import annotations

import gzip
import io
import os
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from PIL import Image
from table_tools import error_of as said_of

from fastmlp.data import grey, load, load_idx
from fastmlp.data.images import read_image, read_image_folder
from fastmlp.data.sniff import kind_of

DIGIT = np.zeros((28, 28), np.uint8)
DIGIT[5:24, 12:16] = 255
DIGIT[8:12, 8:12] = 130
ROW = DIGIT.reshape(1, 784)


def put(path: Path, pixels: np.ndarray | Image.Image, **options) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    image.save(path, **options)
    return path


def error_of(path: Path, reader=read_image_folder, kind: type[Exception] = ValueError) -> str:
    return said_of(path, reader, kind)


@pytest.mark.parametrize("name", ["a.png", "a.bmp", "a.gif", "a.tif", "a.PNG", "a.pgm"])
def test_one_image_of_the_right_size_stays_as_it_is(tmp_path: Path, name: str):
    path = put(tmp_path / name, DIGIT)
    raw = read_image(path)
    assert raw.x.dtype == np.uint8
    assert raw.x.flags.writeable
    assert_array_equal(raw.x, ROW)
    assert raw.labels is None
    assert raw.ids is not None
    assert raw.ids.tolist() == [name]
    assert raw.words == ("1 image",)
    assert kind_of(path) == "image"


def test_known_by_content_not_by_name(tmp_path: Path):
    path = put(tmp_path / "a.png", DIGIT).rename(tmp_path / "a.csv")
    assert_array_equal(read_image(path).x, ROW)


def test_jpeg(tmp_path: Path):
    x = read_image(put(tmp_path / "a.jpg", DIGIT, quality=95)).x
    assert np.abs(x.astype(int) - ROW).max() < 30


def test_a_light_ground_is_turned(tmp_path: Path):
    raw = read_image(put(tmp_path / "a.png", 255 - DIGIT))
    assert_array_equal(raw.x, ROW)
    assert raw.words == ("1 image", "turned to white on black, as the ground is light")


def modes() -> dict[str, Image.Image]:
    grey = Image.fromarray(DIGIT)
    clear = Image.merge("LA", (Image.fromarray(0 * DIGIT), grey))
    palette = Image.fromarray((DIGIT == 0).astype(np.uint8))
    palette.putpalette([0, 0, 0, 0, 0, 0])  # both black, and one of them transparent
    return {
        "RGB": grey.convert("RGB"),
        "RGBA": grey.convert("RGBA"),
        "CMYK": grey.convert("RGB").convert("CMYK"),
        "black on nothing": clear.convert("RGBA"),
        "black on nothing, LA": clear,
        "white on nothing": Image.merge("LA", (Image.new("L", (28, 28), 255), grey)),
        "palette with transparency": palette,
        "16 bits": Image.fromarray(DIGIT.astype(np.uint16) * 257),
        "32 bits": Image.fromarray(DIGIT.astype(np.int32) * 257),
        "floats": Image.fromarray(DIGIT.astype(np.float32)),
        "floats to 1": Image.fromarray((DIGIT / 255).astype(np.float32)),
        "sideways": Image.fromarray(np.rot90(DIGIT)),
    }


@pytest.mark.parametrize("mode", modes())
def test_modes(tmp_path: Path, mode: str):
    image, options = modes()[mode], {}
    if mode == "sideways":
        options["exif"] = image.getexif()
        options["exif"][0x112] = 6  # to be turned by 90 degrees, as telephones write it
    form = "tif" if mode in ("CMYK", "32 bits") or "floats" in mode else "png"
    if mode == "palette with transparency":
        options["transparency"] = 1
    x = read_image(put(tmp_path / f"a.{form}", image, **options)).x
    if "palette" in mode:
        assert_array_equal(x, np.where(ROW > 0, 255, 0))
        return
    assert np.abs(x.astype(int) - ROW).max() <= 2


def test_a_dark_image_has_no_other_scale(tmp_path: Path):
    for largest in (0, 1, 100):
        path = put(tmp_path / "a.png", np.full((28, 28), largest, np.uint8))
        assert load(path).scale == 255


def test_black_and_white(tmp_path: Path):
    x = read_image(put(tmp_path / "a.png", Image.fromarray(DIGIT > 200))).x
    assert_array_equal(x, np.where(ROW > 200, 255, 0))


@pytest.mark.parametrize("side", [28, 14])
def test_resized(tmp_path: Path, side: int):
    large = DIGIT.repeat(5, axis=0).repeat(5, axis=1)
    raw = read_image(put(tmp_path / "a.png", large), side=side)
    assert raw.x.shape == (1, side * side)
    assert raw.words == ("1 image", f"resized from 140x140 to {side}x{side}")
    wanted = DIGIT.reshape(side, 28 // side, side, 28 // side).mean(axis=(1, 3))
    assert np.abs(raw.x.reshape(side, side) - wanted).mean() < 12


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("upright", [False, True])
def test_images_that_are_not_square_keep_their_shape(tmp_path: Path, turned: bool, upright: bool):
    narrow = 255 - DIGIT[:, 6:22] if turned else DIGIT[:, 6:22]
    x = read_image(put(tmp_path / "a.png", narrow if upright else narrow.T)).x.reshape(28, 28)
    assert_array_equal(x if upright else x.T, DIGIT)


def test_one_subfolder_a_class(tmp_path: Path):
    for name in ("dog", "cat", "emu"):
        put(tmp_path / name / "2.png", DIGIT)
        put(tmp_path / name / "1.png", DIGIT // 2)
    raw = read_image_folder(tmp_path)
    assert kind_of(tmp_path) == "image folder"
    assert raw.class_names == ("cat", "dog", "emu")
    assert raw.labels is not None
    assert raw.labels.dtype == np.int64
    assert raw.labels.tolist() == [0, 0, 1, 1, 2, 2]
    assert raw.ids is not None
    assert raw.ids.tolist()[:3] == ["cat/1.png", "cat/2.png", "dog/1.png"]
    assert_array_equal(raw.x[1::2], np.repeat(ROW, 3, axis=0))
    assert_array_equal(raw.x[::2], np.repeat(ROW // 2, 3, axis=0))
    assert raw.words == ("6 images, 3 classes, one a folder (cat, dog, emu)",)
    bare = read_image_folder(tmp_path, label="none")
    assert bare.labels is None
    assert bare.class_names is None
    assert_array_equal(bare.x, raw.x)


def test_names_that_are_numbers_are_the_labels(tmp_path: Path):
    for name in ("10", "9", "3"):  # no matter which classes are there
        put(tmp_path / name / "a.png", DIGIT)
    raw = read_image_folder(tmp_path)
    assert raw.class_names is None
    assert raw.labels is not None
    assert raw.labels.tolist() == [3, 9, 10]
    assert raw.ids is not None
    assert raw.ids.tolist() == ["3/a.png", "9/a.png", "10/a.png"]
    put(tmp_path / "03" / "a.png", DIGIT)
    assert "holds 03/ and 3/, one class twice: join" in error_of(tmp_path)


def test_flat(tmp_path: Path):
    for i in range(3):
        put(tmp_path / f"{i}.png", DIGIT // (i + 1))
    raw = read_image_folder(tmp_path)
    assert raw.labels is None
    assert raw.class_names is None
    assert raw.ids is not None
    assert raw.ids.tolist() == ["0.png", "1.png", "2.png"]
    assert_array_equal(raw.x, np.concatenate([ROW, ROW // 2, ROW // 3]))
    assert raw.words == ("3 images without labels",)


@pytest.mark.parametrize(("train", "test"), [("train", "test"), ("training", "testing")])
def test_halves(tmp_path: Path, train: str, test: str):
    for name in (f"{train}/0/a.png", f"{train}/1/a.png", f"{test}/1/a.png"):
        put(tmp_path / name, DIGIT)
    assert kind_of(tmp_path) == "image folder"
    raw = read_image_folder(tmp_path)
    assert len(raw.x) == 2
    assert f"of the folder {train}" in raw.words
    raw = read_image_folder(tmp_path, prefer="t10k")
    assert raw.labels is not None
    assert raw.labels.tolist() == [1]


def test_each_image_is_turned_by_its_own_ground(tmp_path: Path):
    for i in range(4):
        put(tmp_path / f"{i}.png", DIGIT if i else 255 - DIGIT)
    raw = read_image_folder(tmp_path)
    assert_array_equal(raw.x, np.repeat(ROW, 4, axis=0))
    assert "1 of 4 turned to white on black, as the ground is light" in raw.words


@pytest.mark.parametrize("light", [False, True])
def test_an_image_without_an_even_ground_goes_with_the_others(tmp_path: Path, light: bool):
    filled = DIGIT.copy()
    filled[:, :17] = 200  # most of the border
    for name, image in (("a", DIGIT), ("b", DIGIT), ("filled", filled)):
        put(tmp_path / f"{name}.png", 255 - image if light else image)
    raw = read_image_folder(tmp_path)
    assert_array_equal(raw.x, np.stack([DIGIT, DIGIT, filled]).reshape(3, 784))


def test_a_few_even_grounds_decide_for_the_others(tmp_path: Path):
    filled = DIGIT.copy()
    filled[:, :17] = 200
    put(tmp_path / "a.png", DIGIT)
    for i in range(3):
        put(tmp_path / f"filled{i}.png", filled)
    assert_array_equal(read_image_folder(tmp_path).x[1:], filled.reshape(1, 784).repeat(3, axis=0))


def test_other_files_are_passed_over(tmp_path: Path):
    for name in ("cat/a.png", "dog/a.png"):
        put(tmp_path / name, DIGIT)
    for name in (".DS_Store", "Thumbs.db", "cat/.hidden.png", "cat/desktop.ini"):
        (tmp_path / name).write_bytes(b"\0")
    assert len(read_image_folder(tmp_path).words) == 1
    (tmp_path / "notes.txt").write_text("notes")
    (tmp_path / "dog/list.csv").write_text("a,b")
    (tmp_path / "empty").mkdir()
    raw = read_image_folder(tmp_path)
    assert raw.class_names == ("cat", "dog")
    assert raw.words[1:] == ("passed over: notes.txt, list.csv, empty/",)


def png(pixels: np.ndarray) -> bytes:
    whole = io.BytesIO()
    Image.fromarray(pixels).save(whole, "PNG")
    return whole.getvalue()


def test_damaged_images_are_named(tmp_path: Path):
    noise = np.random.RandomState(0).randint(0, 256, (28, 28)).astype(np.uint8)
    good = put(tmp_path / "0/good.png", noise)
    whole = good.read_bytes()
    contents = [whole[:10], whole[: len(whole) // 2], whole[:40] + b"\0" * 99]
    for content in (*contents, b"", b"no image", gzip.compress(whole)[:30]):
        bad = tmp_path / "0/bad.png"
        bad.write_bytes(content)
        assert "/0/bad.png is no image or a damaged one: remove" in error_of(tmp_path)
        assert " is no image or a damaged one: remove" in error_of(bad, read_image)
    for i in range(5):
        (tmp_path / f"0/bad{i}.png").write_bytes(b"")
    assert "bad1.png is no image or a damaged one (and 3 more): remove" in error_of(tmp_path)


def test_no_warning_of_a_fault_that_leaves_an_image(tmp_path: Path):
    path = put(tmp_path / "a.tif", DIGIT)
    whole = bytearray(path.read_bytes())
    n_rows = whole.index(b"\x16\x01\x04\0")  # the tag of the rows in a strip
    whole[n_rows + 4 : n_rows + 8] = b"\0\0\1\0"  # numbers, says the file, not one
    path.write_bytes(whole)
    assert_array_equal(read_image(path).x, ROW)


def test_any_byte_changed_gives_an_image_or_an_error(tmp_path: Path):
    whole = png(DIGIT)
    path = tmp_path / "a.png"
    for i in range(len(whole)):
        changed = bytearray(whole)
        changed[i] ^= 255
        path.write_bytes(changed)
        try:
            assert read_image(path).x.shape == (1, 784)
        except ValueError as error:
            assert str(path) in str(error)  # noqa: PT017 (no error is right too)


def test_an_image_that_is_far_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(grey, "MAX_PIXELS", 783)
    path = put(tmp_path / "a.png", DIGIT)
    assert " has 28x28 pixels: remove or replace" in error_of(path, read_image)


@pytest.mark.parametrize("upright", [False, True])
def test_the_margins_of_a_long_strip_take_little_memory(
    tmp_path: Path, upright: bool, monkeypatch: pytest.MonkeyPatch
):
    made: list[int] = []

    def watched(mode: str, size: tuple[int, int], colour: int = 0) -> Image.Image:
        made.append(size[0] * size[1])
        return new(mode, size, colour)

    new = Image.new
    monkeypatch.setattr(Image, "new", watched)
    strip = np.zeros((300, 28_000), np.uint8)
    strip[:, 10_000:20_000] = 255
    x = read_image(put(tmp_path / "a.png", strip.T if upright else strip)).x.reshape(28, 28)
    assert max(made) < 30_000_000
    bright = np.flatnonzero((x.T if upright else x).max(axis=0) > 30)
    assert_array_equal(bright, np.arange(10, 20))


OTHER_FORMATS = {
    "EPS": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 28 28\n%%EndComments\n%%EOF\n",
    "ICO": b"\0\0\1\0\1\0\x10\x10" + bytes(50),
    "PSD": b"8BPS\0\1" + bytes(50),
}


@pytest.mark.parametrize("form", OTHER_FORMATS)
@pytest.mark.parametrize("packed", [False, True])
def test_pillow_opens_no_format_but_ours(
    tmp_path: Path, form: str, packed: bool, monkeypatch: pytest.MonkeyPatch
):
    Image.init()
    opened: list[str] = []
    monkeypatch.setitem(Image.OPEN, form, (lambda *_: opened.append(form), Image.OPEN[form][1]))
    content = OTHER_FORMATS[form]
    put(tmp_path / "3/good.png", DIGIT)
    (tmp_path / "3/evil.png").write_bytes(gzip.compress(content) if packed else content)
    assert "/3/evil.png is no image or a damaged one: remove" in error_of(tmp_path)
    assert opened == []


def test_no_images(tmp_path: Path):
    assert "is no folder: give" in error_of(tmp_path / "no", kind=NotADirectoryError)
    assert "does not exist: check" in error_of(tmp_path / "no", read_image, FileNotFoundError)
    assert "is a folder: give" in error_of(tmp_path, read_image, IsADirectoryError)
    assert "holds nothing, and no images: put them there" in error_of(tmp_path)
    (tmp_path / "a.txt").write_text("1")
    assert "holds a.txt, and no images: put them there" in error_of(tmp_path)


def test_names_that_are_no_utf_8_can_be_written(tmp_path: Path):
    names = (b"caf\xe9", b"caf\xe8", "café".encode(), b"the")
    try:
        for name in names:
            put(tmp_path / "drinks\udce9" / os.fsdecode(name) / "a\udcff.png", DIGIT)
    except OSError:
        pytest.skip("such names can't be given here")
    data = load(tmp_path / "drinks\udce9")
    assert data.class_names == ("café", r"caf\xe8", r"caf\xe9", "the")
    assert data.ids is not None
    assert data.ids.tolist()[1] == r"caf\xe8/a\xff.png"
    assert data.name == str(tmp_path / r"drinks\xe9")
    assert data.found.startswith(f"{data.name}: 4 rows of 784 pixels, 4 images")
    assert data.found.isprintable()
    bad = tmp_path / "drinks\udce9" / "caf\udce9" / "a\udcff.png"
    bad.write_bytes(b"no image")
    with pytest.raises(ValueError, match=r"drinks\\xe9/caf\\xe9/a\\xff.png is no image") as caught:
        load(bad.parents[1])
    assert str(caught.value).isprintable()
    with pytest.raises(FileNotFoundError, match=r"drinks\\xe9/no does not exist"):
        load(bad.parents[1] / "no")


def test_images_beside_folders_of_images(tmp_path: Path):
    put(tmp_path / "a.png", DIGIT)
    put(tmp_path / "cat/a.png", DIGIT)
    assert "holds images (a.png) and folders of images (cat): put" in error_of(tmp_path)


def test_progress(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(grey, "IMAGES_AT_A_TIME", 2)
    for i in range(3):
        put(tmp_path / f"{i}.png", DIGIT)
    seen: list[tuple[int, int]] = []
    read_image_folder(tmp_path, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(0, 3), (2, 3), (3, 3)]


REAL = Path(os.environ.get("FASTMLP_DATA", Path(__file__).parents[2] / "shared/data")) / "mnist"


@pytest.mark.skipif(not REAL.is_dir(), reason="needs MNIST's IDX files")
def test_mnist_as_images_is_mnist(tmp_path: Path):
    x, y = load_idx(REAL)
    for i in range(300):
        put(tmp_path / str(y[i]) / f"{i:03}.png", x[i].reshape(28, 28))
    raw = read_image_folder(tmp_path)
    order = np.argsort(y[:300], kind="stable")
    assert_array_equal(raw.x, x[order])
    assert_array_equal(raw.labels, y[order])
    assert len(raw.words) == 1
