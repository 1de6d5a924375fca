"""Read parquet tables, by pyarrow where it is installed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from fastmlp.data.columns import as_ids, choose, is_text, text_remedy
from fastmlp.data.indices import check_index
from fastmlp.data.pixels import as_pixels
from fastmlp.data.raw import Raw

ROWS_TO_JUDGE_BY = 100


def read_parquet(
    path: Path,
    *,
    label: str | None,
    prefer: Literal["train", "t10k"],
    feature_names: Sequence[str] | None = None,
    id_column: str | None = None,
) -> Raw:
    """Read a table with a column for each pixel, and at most one of labels and one of ids.

    Parameters
    ----------
    path : Path
    label : str, optional
        The column of the labels: its name, ``first``, ``last``, ``none``; None looks for it.
    prefer : str
        Ignored.
    feature_names : sequence of str, optional
        Columns that are known to be pixels, where the table has all of them.
    id_column : str, optional
        A column that names the rows, besides those that are known to.

    Raises
    ------
    ValueError
        If pyarrow is missing, the file is damaged, or a column holds what is no number.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise ValueError(
            f"{path} is a parquet file, which pyarrow reads: pip install pyarrow, or save it as CSV"
        ) from None
    try:
        with pq.ParquetFile(path) as file:  # read_table refuses columns of the same name
            table = file.read()
    except pa.ArrowException as error:
        reason = str(error).splitlines()[0]
        raise ValueError(f"{path} is damaged ({reason}): download or copy it again") from None
    names = table.column_names
    if table.num_rows == 0 or not names:
        raise ValueError(f"{path} has no rows: give a file with one row at least")
    head = [column.to_pylist() for column in table.slice(0, ROWS_TO_JUDGE_BY).columns]
    rows = [
        ["" if value is None else str(value) for value in row] for row in zip(*head, strict=True)
    ]
    columns = choose(names, rows, label, path, feature_names, id_column)

    def values_of(i: int) -> NDArray[Any]:
        column = table.column(i)
        if column.null_count:
            raise ValueError(
                f"{path}: column {names[i]!r} has {column.null_count} missing values: "
                "fill them, or remove these rows"
            )
        return column.to_numpy()

    for i in columns.pixels:
        field = table.schema.field(i)
        if "string" in str(field.type) and is_text(row[i] for row in rows):
            raise ValueError(
                f"{path}: column {field.name!r} holds words, it is a text column: "
                f"{text_remedy(columns.label is not None)}"
            )
    pixels = [values_of(i) for i in columns.pixels]
    for i, values in zip(columns.pixels, pixels, strict=True):
        if values.dtype.kind not in "iufb":
            kind = table.schema.field(i).type
            raise ValueError(
                f"{path}: column {names[i]!r} holds {kind} values, which are no numbers: "
                "remove it, or name it as the labels' column (--label on the command line)"
            )
    labels = None if columns.label is None else values_of(columns.label)
    ids = None if columns.ids is None else as_ids(values_of(columns.ids).astype(object))
    for i in columns.indices:
        check_index(values_of(i), f"column {names[i]!r}", path)
    x = as_pixels(np.column_stack([as_pixels(values) for values in pixels]))
    words = ("parquet", *columns.words)
    return Raw(x, labels, ids, words, unit=columns.unit, feature_names=columns.pixel_names)
