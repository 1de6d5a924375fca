"""Read parquet tables with cells of any kind, by pyarrow where it is installed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastmlp.data.columns import Columns
from fastmlp.data.parquet import (
    batches,
    check_pyarrow,
    first_batch,
    first_rows,
    holds_images,
    opened,
)
from fastmlp.words import shortened, shown

if TYPE_CHECKING:
    import pandas as pd

Choose = Callable[[Sequence[str] | None, Sequence[Sequence[str]]], Columns]


def read_parquet_frame(
    path: Path, choose: Choose, is_wanted: Callable[[Columns], bool] = lambda columns: True
) -> tuple[pd.DataFrame, Columns, list[str]] | None:
    """Read a whole table; None for one that holds images, or is not wanted.

    Parameters
    ----------
    path : Path
    choose : callable
        Called as ``choose(names, rows)``, see `fastmlp.data.columns.choose`.
    is_wanted : callable
        Called as ``is_wanted(columns)``, before the rows are read.

    Returns
    -------
    frame : DataFrame
        All columns of the file, numbered from 0.
    columns : Columns
    names : list of str
        What they are called.

    Raises
    ------
    ValueError
        If pyarrow is missing or unsafe, the file is damaged, or a column holds lists or the like.
    """
    check_pyarrow(path)
    with opened(path) as file:
        names, schema = list(file.schema_arrow.names), file.schema_arrow
        if file.metadata.num_rows == 0 or not names:
            raise ValueError(f"{path} has no rows: give a file with one row at least")
        head = first_batch(file, path)
        if any(holds_images(column) for column in head.columns):
            return None
        for field in schema:
            if field.type.num_fields and "dictionary" not in str(field.type):
                raise ValueError(
                    f"{path}: column {shown(field.name)} holds {shortened(str(field.type))} "
                    "values: remove it, or make a column of each of them"
                )
        columns = choose(names, first_rows(head, None))
        if not is_wanted(columns):
            return None
        frames = [_frame(batch) for batch in batches(file)]
    import pandas as pd

    return pd.concat(frames, ignore_index=True), columns, names


def _frame(batch: Any) -> pd.DataFrame:
    import pyarrow as pa

    names = list(map(str, range(batch.num_columns)))  # several may have one name
    frame: pd.DataFrame = pa.RecordBatch.from_arrays(batch.columns, names).to_pandas()
    frame = frame.set_axis(range(frame.shape[1]), axis=1)
    for i, kind in enumerate(frame.dtypes):  # texts are dictionaries, to be stored once each
        if str(kind) == "category":
            frame[i] = frame[i].astype(object)
    return frame
