"""load: parquet in batches, with images in a column, packed, and by a safe pyarrow only."""

from __future__ import annotations

import gzip
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from PIL import Image
from table_tools import WORDS, X, Y, error_of, frame, put

from fastmlp.data import load, parquet
from fastmlp.data.frames import load_table

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")
IMAGES = np.random.RandomState(0).randint(0, 128, (7, 28, 28)).astype(np.uint8)


def png(pixels: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


FILES: list[Any] = [png(image) for image in IMAGES]
PAIR = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
FORMS = {
    "bytes": pa.array(FILES, pa.binary()),
    "large bytes": pa.array(FILES, pa.large_binary()),
    "Hugging Face's": pa.array([{"bytes": f, "path": None} for f in FILES], PAIR),
    "with paths": pa.array([{"bytes": f, "path": f"{i}.png"} for i, f in enumerate(FILES)], PAIR),
}


def write(folder: Path, **options: Any) -> Path:
    path = folder / "train-00000-of-00001.parquet"
    pq.write_table(pa.table(options), path)
    return path


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("n_at_a_time", [1, 3, 100])
def test_images_in_a_column(
    tmp_path: Path, form: str, n_at_a_time: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet, "IMAGES_AT_A_TIME", n_at_a_time)
    path = write(tmp_path, image=FORMS[form], label=pa.array(np.arange(7) % 3))
    seen: list[tuple[int, int]] = []
    data = load(path, progress=lambda *now: seen.append(now))
    assert_array_equal(data.x, IMAGES.reshape(7, 784))
    assert_array_equal(data.y, np.arange(7) % 3)
    assert "parquet, images in column 'image', labels: column 'label', 3 classes" in data.found
    assert seen == [(0, 7), (7, 7)]
    data = load(path, side=14, label="none")
    assert data.x.shape == (7, 196)
    assert data.y is None
    path = write(tmp_path, id=pa.array(list("abcdefg")), image=FORMS[form], digit=[*"xyzxyzx"])
    data = load(path)
    assert data.ids is not None
    assert data.ids.tolist() == list("abcdefg")
    assert data.class_names == ("x", "y", "z")


@pytest.mark.parametrize("read", [load, load_table])
def test_rows_that_are_counted_but_not_there(tmp_path, monkeypatch, read):
    """As a forged file has them."""
    path = write(tmp_path, p=[1, 2], label=[0, 1])
    monkeypatch.setattr("pyarrow.parquet.ParquetFile.iter_batches", lambda *_: iter(()))
    assert "is damaged: it counts rows, but has none" in error_of(path, read)


def test_dark_images_are_divided_as_those_in_a_folder_are(tmp_path: Path) -> None:
    assert "divided by 255" in load(write(tmp_path, image=FORMS["bytes"])).found
    (tmp_path / "folder").mkdir()
    for i, file in enumerate(FILES):
        (tmp_path / "folder" / f"{i}.png").write_bytes(file)
    data = load(tmp_path / "folder")
    assert data.limits[1] < 128
    assert data.scale == 255


def test_images_that_are_missing_or_damaged(tmp_path: Path) -> None:
    for bad, said in (
        (None, "column 'image' has 1 missing value: fill"),
        (FILES[0][:50], ", row 4: is no image or a damaged one: remove"),
    ):
        files = [*FILES[:3], bad, *FILES[4:]]
        path = write(tmp_path, image=pa.array(files, pa.binary()), label=pa.array(range(7)))
        assert said.replace(": is", " is") in error_of(path)
    pairs = [{"bytes": f, "path": None} for f in [*FILES[:3], None, *FILES[4:]]]
    path = write(tmp_path, image=pa.array(pairs, PAIR), label=pa.array(range(7)))
    assert ", row 4: no image in column 'image'" in error_of(path)


def test_columns_that_hold_no_numbers_are_named(tmp_path: Path) -> None:
    path = write(tmp_path, image=pa.array([[1, 2], [3, 4]]), label=pa.array([0, 1]))
    assert "column 'image' holds list<" in error_of(path)
    path = write(tmp_path, image=pa.array([b"a", b"b"]), label=pa.array([0, 1]))
    assert "column 'image' holds binary values, which are no pixels" in error_of(path)
    for nothing in (pa.nulls(2), pa.nulls(2, pa.float64()), pa.nulls(2, pa.string())):
        path = write(tmp_path, p=pa.array([1, 2]), label=pa.array([0, 1]), nothing=nothing)
        assert ": column 'nothing' is empty: remove it" in error_of(path)
    path = write(tmp_path, p=pa.array([0.5, np.nan]), label=pa.array([0, 1]))
    assert "some values are NaN or infinite" in error_of(path)


@pytest.mark.parametrize("cells", [1, 100, 10**6])
def test_batches_join(tmp_path: Path, cells: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "CELLS_AT_A_TIME", cells)
    stream = io.BytesIO()
    frame(WORDS[Y], X / 255).astype({"label": "category"}).to_parquet(stream)
    for content in (stream.getvalue(), gzip.compress(stream.getvalue())):
        data = load(put(tmp_path, content))
        assert_array_equal(data.x, X / 255)
        assert_array_equal(np.array(data.class_names)[data.y], WORDS[Y])
    missing = frame().assign(pixel3=[None, *range(38), None]).astype({"pixel3": "Int64"})
    missing.to_parquet(stream := io.BytesIO())
    assert "column 'pixel3' has 2 missing values" in error_of(put(tmp_path, stream.getvalue()))


@pytest.mark.parametrize("version", ["14.0.0", "13.0.1", "9.0", "14.0.0.dev12"])
def test_a_pyarrow_whose_files_can_run_code(
    tmp_path: Path, version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path, p=pa.array([1, 2]), label=pa.array([0, 1]))
    monkeypatch.setattr(pa, "__version__", version)
    said = error_of(path)
    assert f"such files can run code in pyarrow {version} (CVE-2023-47248): pip install" in said
    monkeypatch.setattr(pa, "__version__", "14.0.1")
    assert len(load(path).x) == 2
