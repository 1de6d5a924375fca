"""Read parquet tables, by pyarrow where it is installed."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from fastmlp.data.columns import as_ids, check_index, choose
from fastmlp.data.pixels import as_pixels
from fastmlp.data.raw import Raw

ROWS_TO_JUDGE_BY = 100


def read_parquet(
    path: Path,
    *,
    label: str | None,
    prefer: Literal["train", "t10k"],
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
        table = pq.read_table(path)
    except pa.ArrowException as error:
        reason = str(error).splitlines()[0]
        raise ValueError(f"{path} is damaged ({reason}): download or copy it again") from None
    names = table.column_names
    if table.num_rows == 0 or not names:
        raise ValueError(f"{path} has no rows: give a file with one row at least")
    head = table.slice(0, ROWS_TO_JUDGE_BY).to_pylist()
    rows = [["" if row[name] is None else str(row[name]) for name in names] for row in head]
    columns = choose(names, rows, label, path, id_column)

    def values_of(i: int) -> NDArray[Any]:
        column = table.column(i)
        if column.null_count:
            raise ValueError(
                f"{path}: column {names[i]!r} has {column.null_count} missing values: "
                "fill them, or remove these rows"
            )
        return column.to_numpy()

    pixels = [values_of(i) for i in columns.pixels]
    for i, values in zip(columns.pixels, pixels, strict=True):
        if values.dtype.kind not in "iufb":
            kind = table.schema.field(i).type
            raise ValueError(
                f"{path}: column {names[i]!r} holds {kind} values, which are no pixels: "
                "remove it, or name it as the labels' column (--label on the command line)"
            )
    labels = None if columns.label is None else values_of(columns.label)
    ids = None if columns.ids is None else as_ids(values_of(columns.ids).astype(object))
    if columns.index is not None:
        check_index(values_of(columns.index), f"column {names[columns.index]!r}", path)
    x = as_pixels(np.column_stack([as_pixels(values) for values in pixels]))
    return Raw(x, labels, ids, ("parquet", *columns.words))
