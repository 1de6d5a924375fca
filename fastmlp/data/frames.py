"""Tables with columns of any kind, from the files that hold such: text and parquet."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from fastmlp.data.columns import Columns, as_ids, choose
from fastmlp.data.csv_frame import read_csv_frame
from fastmlp.data.formats import named_file
from fastmlp.data.indices import check_index
from fastmlp.data.limits import at_most
from fastmlp.data.parquet_frame import read_parquet_frame
from fastmlp.data.pipes import name_of
from fastmlp.data.sniff import kind_of
from fastmlp.words import counted, printable, shown

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Table:
    """A table as it comes: numbers, words, dates, with gaps.

    Attributes
    ----------
    x : DataFrame of shape (n_rows, n_features)
        Named as in the file; by "1", "2", ... where it has no header.
    y : Series of shape (n_rows,), or None
        The column of the labels, if there is one.
    ids : ndarray of shape (n_rows,), or None
        What numbers or names the rows, whole numbers or texts, if anything does.
    name : str
        What to call the whole in a message: the path.
    found : str
        One line that says what was found.
    label_name, id_name : str or None
        What these columns are called; None where there is no such column, or no header.
    """

    x: pd.DataFrame
    y: pd.Series[Any] | None
    ids: NDArray[Any] | None
    name: str
    found: str
    label_name: str | None
    id_name: str | None


def load_table(
    path: str | Path,
    *,
    label: str | None = None,
    id_column: str | None = None,
    max_bytes: int | None = None,
    feature_names: Sequence[str] | None = None,
    usual_label: str | None = None,
    text_columns: Collection[str] = (),
) -> Table:
    """Read a table, in text or parquet, whatever its cells hold.

    Parameters
    ----------
    path, label, id_column, max_bytes, feature_names
        As for `fastmlp.data.load`.
    usual_label : str, optional
        Without `label`: the labels' column, if there is one of this name. If there is none, the
        table has no labels.
    text_columns : collection of str
        Columns that are text also where all of their cells are numbers.

    Raises
    ------
    FileNotFoundError, OSError
        If there is no such file, or it can't be read.
    ValueError
        If the file is no table, or is damaged, ragged, or has two columns of one name.
    """
    name = name_of(path)
    with at_most(max_bytes), named_file(path, name) as file:

        def chosen(names: Sequence[str] | None, rows: Sequence[Sequence[str]]) -> Columns:
            asked = label
            if label is None and feature_names is not None:
                asked = _usual(names, len(rows[0]), feature_names, usual_label)
            return choose(names, rows, asked, file, feature_names, id_column)

        def are_text(names: Sequence[str] | None, columns: Columns) -> list[int]:
            titles = feature_names if names is None else [names[i].strip() for i in columns.pixels]
            pairs = zip(columns.pixels, titles or (), strict=False)
            return [i for i, title in pairs if title in text_columns]

        kind, names = kind_of(file), None
        if kind == "csv":
            frame, columns, layout = read_csv_frame(file, label or usual_label, chosen, are_text)
            names, words = layout.names, layout.words
        elif kind == "parquet" and (read := read_parquet_frame(file, chosen)) is not None:
            frame, columns, names = read
            words = "parquet"
        else:
            raise ValueError(
                f"{file} holds images or arrays, no table with columns of any kind: give a CSV or "
                "parquet file"
            )
        for i in columns.indices:
            own = "" if names is None else names[i]
            check_index(frame[i], i, own, f"{file}: column {shown(own)}")
        return _table(frame, columns, names, words, name)


def _usual(
    names: Sequence[str] | None, n_columns: int, features: Sequence[str], label: str | None
) -> str | None:
    """Return what to call the label's column of a table that a model is used on."""
    if names is None:
        return "none" if n_columns == len(features) else None
    if label is None:
        return None
    return label if label.strip() in [name.strip() for name in names] else "none"


def _table(
    frame: pd.DataFrame, columns: Columns, names: list[str] | None, words: str, name: str
) -> Table:
    x = frame[list(columns.pixels)]
    if names is None:
        x.columns = [str(i + 1) for i in range(x.shape[1])]
    else:
        x.columns = [names[i].strip() for i in columns.pixels]
        if not x.columns.is_unique:
            twice = x.columns[x.columns.duplicated()][0]
            raise ValueError(
                f"{name} has several columns named {shown(twice)}: give each a name of its own"
            )
    ids = None
    if columns.ids is not None:
        ids = as_ids(frame[columns.ids].fillna("").to_numpy(object))
    size = f"{counted(len(x), 'row')} of {counted(x.shape[1], 'column')}"
    found = ", ".join((size, words, *columns.words)).replace("is no pixel", "is no feature")
    return Table(
        x,
        None if columns.label is None else frame[columns.label],
        ids,
        name,
        printable(" ".join(f"{name}: {found}".split())),
        _name(names, columns.label),
        _name(names, columns.ids),
    )


def _name(names: list[str] | None, i: int | None) -> str | None:
    return None if names is None or i is None else names[i].strip()
