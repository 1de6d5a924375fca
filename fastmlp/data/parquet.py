"""Read parquet tables of numbers or of image files, with pyarrow."""

from __future__ import annotations

import functools
import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmlp.data import grey
from fastmlp.data.archives import open_unpacked, size_of
from fastmlp.data.cache import Progress
from fastmlp.data.cells import is_text, text_remedy
from fastmlp.data.columns import Columns, choose
from fastmlp.data.limits import check_room
from fastmlp.data.parquet_footer import check_claims, damaged
from fastmlp.data.pixels import PixelError, as_pixels
from fastmlp.data.raw import Raw
from fastmlp.data.sniff import is_image
from fastmlp.words import counted, listed, shortened, shown

ROWS_TO_JUDGE_BY = 100
CELLS_AT_A_TIME = 2**22
ROWS_AT_A_TIME = 2**16  # of cells of any kind
IMAGES_AT_A_TIME = 100
LONGEST = 100  # characters of a text that are looked at
TEXT = 64  # bytes that a cell of text takes at least, in Python
SAFE = (14, 0, 1)  # the first pyarrow whose files can't run code

Parts = dict[int, list[NDArray[Any]]]


def read_parquet(
    path: Path,
    *,
    label: str | None,
    feature_names: Sequence[str] | None = None,
    id_column: str | None = None,
    side: int = 28,
    progress: Progress | None = None,
) -> Raw:
    """Read a table with a column for each pixel or one of images, and at most one of labels.

    Parameters
    ----------
    path : Path
    label : str, optional
        The column of the labels: its name, ``first``, ``last``, ``none``; None looks for it.
    feature_names : sequence of str, optional
        Columns that are known to be pixels, if the table has all of them.
    id_column : str, optional
        A column that names the rows, in addition to those known as ids.
    side : int
        The width and height to which images are resized, if a column holds image files.
    progress : callable, optional
        Called as ``progress(done, total)``, in images.

    Raises
    ------
    ValueError
        If pyarrow is missing or unsafe, the file is damaged, or pixels are not numbers.
    """
    check_pyarrow(path)
    with opened(path) as file:
        metadata, schema = file.metadata, file.schema_arrow
        if metadata.num_rows == 0 or not schema.names:
            raise ValueError(f"{path} has no rows: give a file with one row at least")
        head = first_batch(file, path)
        image = next((i for i in range(len(schema.names)) if holds_images(head.column(i))), None)
        for field in schema:
            if field.type.num_fields and (image is None or field.name != schema.names[image]):
                raise _no_pixels(field, path)
        rows = first_rows(head, image)
        columns = choose(schema.names, rows, label, path, feature_names, id_column)
        if image is not None and image in columns.pixels:
            return _read_images(file, columns, image, path, side, progress)
        for i in columns.pixels:
            if "string" in str(schema.field(i).type) and is_text(row[i] for row in rows):
                raise ValueError(
                    f"{path}: column {shown(schema.names[i])} holds words, it is a text column: "
                    f"{text_remedy(columns.label is not None)}"
                )
        return _read_numbers(file, columns, path)


def check_pyarrow(path: Path) -> None:
    try:
        import pyarrow as pa
    except ImportError:
        raise ValueError(
            f"{path} is a parquet file, which pyarrow reads: pip install pyarrow, or save it as CSV"
        ) from None
    if tuple(map(int, re.findall(r"\d+", pa.__version__)[:3])) < SAFE:
        raise ValueError(
            f"{path} is a parquet file, and such files can run code in pyarrow {pa.__version__} "
            f"(CVE-2023-47248): pip install 'pyarrow>={'.'.join(map(str, SAFE))}'"
        )


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """Open a file, packed or not; text comes as dictionaries, which keep equal texts only once."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with open_unpacked(path) as stream:
            source = stream if size_of(stream) is not None else io.BytesIO(stream.read())
            lengths_first = check_claims(source, path)
            source.seek(0)
            schema = pq.ParquetFile(source).schema
            leaves = [schema.column(i) for i in range(len(schema)) if i not in lengths_first]
            texts = [leaf.path for leaf in leaves if _is_text(leaf)]
            source.seek(0)
            yield pq.ParquetFile(source, read_dictionary=texts)
    except (pa.ArrowException, UnicodeDecodeError) as error:
        raise _damaged(path, error) from None
    except OSError as error:
        if error.errno is None:  # pyarrow's
            raise _damaged(path, error) from None
        raise


def _is_text(leaf: Any) -> bool:
    """Say whether a column, or a field of one, holds text or bytes of any length."""
    is_plain = leaf.max_repetition_level == 0 and leaf.logical_type.type in ("STRING", "NONE")
    return is_plain and leaf.physical_type == "BYTE_ARRAY"


def first_batch(file: Any, path: Path) -> Any:
    """Return the rows to judge a table by; raise if it has none, or columns of lists."""
    for field in file.schema_arrow:
        if _repeats(field.type):
            raise ValueError(
                f"{path}: column {shown(field.name)} holds {shortened(str(field.type))} values: "
                "remove it, or make a column of each of them"
            )
    if (batch := next(batches(file, ROWS_TO_JUDGE_BY), None)) is None:
        raise ValueError(f"{path} is damaged: it counts rows, but has none")
    return batch


def batches(file: Any, rows_at_a_time: int = ROWS_AT_A_TIME) -> Iterator[Any]:
    """Go through a table. pyarrow may take indices beyond a dictionary from a damaged file."""
    for batch in file.iter_batches(rows_at_a_time):
        batch.validate(full=True)
        yield batch


def _repeats(kind: Any) -> bool:
    """Say whether a value of a type may hold any number of others."""
    import pyarrow as pa

    if pa.types.is_struct(kind):
        return any(_repeats(field.type) for field in kind)
    return bool(kind.num_fields)


def _damaged(path: Path, error: Exception) -> ValueError:
    return damaged(path, (str(error).splitlines() or [type(error).__name__])[0][:200])


def _no_pixels(field: Any, path: Path) -> ValueError:
    return ValueError(
        f"{path}: column {shown(field.name)} holds {shortened(str(_type(field)))} values, which "
        "are no pixels: remove it, or name it as the labels' column (--label on the command line)"
    )


def _type(column: Any) -> Any:
    """Return the type of a column's values, also if it is a dictionary."""
    import pyarrow as pa

    return column.type.value_type if pa.types.is_dictionary(column.type) else column.type


def first_rows(head: Any, image: int | None) -> list[list[str]]:
    """Return the first rows as text, as a CSV file would have them."""

    def text(value: Any) -> str:
        if isinstance(value, str | bytes):
            value = value[:LONGEST]
        return "" if value is None else str(value)

    columns = [
        [""] * len(head) if i == image else list(map(text, _listed(column)))
        for i, column in enumerate(head.columns)
    ]
    return [list(row) for row in zip(*columns, strict=True)]


def _listed(column: Any) -> list[Any]:
    """Return a column's values as Python objects, equal texts as one object."""
    import pyarrow as pa

    if not pa.types.is_dictionary(column.type):
        return column.to_pylist()
    values = column.dictionary.to_pylist()
    return [None if i is None else values[i] for i in column.indices.to_pylist()]


def _values(column: Any) -> NDArray[Any]:
    import pyarrow as pa

    if not pa.types.is_dictionary(column.type):
        return column.to_numpy(zero_copy_only=False)
    values = column.dictionary.to_numpy(zero_copy_only=False)
    return values[column.indices.to_numpy(zero_copy_only=False)]


def _batches(file: Any, path: Path, rows_at_a_time: int, others: Parts) -> Iterator[Any]:
    """Go through a table, collect its `others`, and in the end raise if values are missing."""
    n_missing: NDArray[np.int64] | int = 0
    for batch in batches(file, max(1, rows_at_a_time)):
        n_missing = n_missing + np.array([column.null_count for column in batch.columns])
        if not np.any(n_missing):
            for i, parts in others.items():
                parts.append(_values(batch.column(i)))
            yield batch
    for name, n in zip(file.schema_arrow.names, np.atleast_1d(n_missing).tolist(), strict=False):
        if n == file.metadata.num_rows:
            raise ValueError(f"{path}: column {shown(name)} is empty: remove it")
        if n:
            raise ValueError(
                f"{path}: column {shown(name)} has {counted(n, 'missing value')}: "
                "fill them, or remove these rows"
            )


def _read_numbers(file: Any, columns: Columns, path: Path) -> Raw:
    schema = file.schema_arrow
    others: Parts = {i: [] for i in columns.others}
    parts: list[NDArray[Any]] = []
    n_bytes = 0
    for batch in _batches(file, path, CELLS_AT_A_TIME // len(schema.names), others):
        pixels = [_values(batch.column(i)) for i in columns.pixels]
        for i, values in zip(columns.pixels, pixels, strict=True):
            if values.dtype.kind not in "iufb":
                raise _no_pixels(schema.field(i), path)
        try:
            parts.append(as_pixels(np.column_stack([as_pixels(values) for values in pixels])))
        except PixelError as error:
            raise ValueError(f"{path}: {error}") from None
        n_bytes += parts[-1].nbytes + TEXT * len(batch) * len(others)
        check_room(n_bytes, path)
    return columns.raw(np.concatenate(parts), others, schema.names, path, ["parquet"])


def holds_images(column: Any) -> bool:
    """Say whether a column's values are image files, alone or, as from Hugging Face, with paths."""
    values = [value for value in _image_files(column) if value is not None]
    return bool(values) and all(isinstance(v, bytes) and is_image(v) for v in values)


def _image_files(column: Any) -> list[Any]:
    import pyarrow as pa

    if pa.types.is_struct(column.type):
        i = column.type.get_field_index("bytes")
        return [] if i < 0 else _listed(column.flatten()[i])
    kind = _type(column)
    is_binary = pa.types.is_binary(kind) or pa.types.is_large_binary(kind)
    return _listed(column) if is_binary else []


def _read_images(
    file: Any, columns: Columns, image: int, path: Path, side: int, progress: Progress | None
) -> Raw:
    names, n_images = file.schema_arrow.names, file.metadata.num_rows
    check_room(n_images * side**2, path)
    others: Parts = {i: [] for i in columns.others}
    done = 0

    def images() -> Iterator[tuple[str, grey.Opener]]:
        nonlocal done
        for batch in _batches(file, path, IMAGES_AT_A_TIME, others):
            for content in _image_files(batch.column(image)):
                done += 1
                if content is None or done > n_images:
                    raise ValueError(
                        f"{path}, row {done}: no image in column {shown(names[image])}"
                    )
                yield f"{path}, row {done}", functools.partial(io.BytesIO, content)

    found = grey.rows(images(), n_images, side, progress)
    if done < n_images:
        raise ValueError(f"{path} has fewer rows than it says: download or copy it again")
    passed_over = [names[i] for i in columns.pixels if i != image]
    words = ["parquet", f"images in column {shown(names[image])}", *found.words[1:]]
    if passed_over:
        words.append(f"passed over: {listed(map(repr, passed_over))}")
    raw = columns.raw(found.x, others, names, path, words)
    return replace(raw, unit="pixels", feature_names=None, is_image=True)
