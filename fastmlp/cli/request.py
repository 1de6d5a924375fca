"""What `fastmlp train` was asked, and on which rows, as it is noted in the folder of the run."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from numpy.typing import NDArray

from fastmlp.cli.run_files import UNFINISHED
from fastmlp.cli.split import Split
from fastmlp.cli.table_kind import BUILT_IN, OF_NETWORKS, Kind
from fastmlp.json_text import as_members, as_text, parse
from fastmlp.tensors import MALFORMED, reason
from fastmlp.version import __version__

if TYPE_CHECKING:
    import pandas as pd

LONGEST = 100_000  # bytes
NOT_OF_THE_RUN = ("resume", "out", "overwrite", "verbose")  # options of a command, not of its run


class Request(NamedTuple):
    """A run, as it can be asked for again.

    Attributes
    ----------
    options : mapping of str to str, int or float
        By their names, such as ``batch_size``; those that are left to fastmlp are left out.
    rows : str
        SHA-256 of the data.
    """

    options: Mapping[str, Any]
    rows: str

    @classmethod
    def of(cls, options: Mapping[str, Any], kind: Kind, rows: str) -> Request:
        """Return the request of a command line, whose data were found to be of a kind.

        Parameters
        ----------
        options : mapping
            What typer has read.
        kind : Kind
        rows : str
        """
        left_out = {*NOT_OF_THE_RUN, *(OF_NETWORKS if kind is Kind.table else ("task",))}
        kept = {
            name: value
            for name, value in options.items()
            if name not in left_out and value is not None
        }
        data = kept["data"]
        if data != "-" and data not in BUILT_IN:  # it is found from another folder, too
            kept["data"] = os.path.abspath(data)
        if data in BUILT_IN:
            kept.pop("kind", None)
        else:
            kept["kind"] = kind.value
        return cls(kept, rows)

    def text(self) -> bytes:
        """Return it as the text of a JSON file."""
        known = {"fastmlp_version": __version__, "options": self.options, "rows": self.rows}
        return json.dumps(known, indent=1).encode() + b"\n"

    def check_rows(self, former: Request | None, name: str) -> None:
        """Check that the run to go on with, if there is one, was begun with the same data.

        Raises
        ------
        ValueError
            If it was not; the message calls the data `name`.
        """
        if former is not None and former.rows != self.rows:
            raise ValueError(
                f"{name} is not what the run was begun with, rows or labels have changed: give the "
                "same data with --data, or begin anew with --overwrite and --out"
            )

    def context(self, command: Any, parent: Any, file: Path, more: Sequence[str] = ()) -> Any:
        """Return the context of its command line, as typer has checked it.

        Parameters
        ----------
        command : typer.core.TyperCommand
            `fastmlp train`.
        parent : typer.Context
        file : Path
            What the request was read from.
        more : sequence of str
            Arguments beside its own, or in their place.

        Raises
        ------
        ValueError
            If the file asks for what there is not.
        """
        own = [f"--{name.replace('_', '-')}={value}" for name, value in self.options.items()]
        try:
            return command.make_context("train", [*own, *more], parent=parent, obj=self)
        except Exception as error:
            if not hasattr(error, "format_message"):
                raise
            raise ValueError(
                f"{file} is damaged ({error.format_message()}): train anew with --overwrite and "
                "--out"
            ) from None


def request_in(folder: Path, name: str = UNFINISHED) -> Request:
    """Return the request of the run in a folder, by default of an unfinished one.

    Raises
    ------
    OSError
        If it can't be read.
    ValueError
        If the file is damaged.
    """
    file = folder / name
    try:
        if file.stat().st_size > LONGEST:
            raise ValueError("too long")
        known, _ = as_members(
            parse(file.read_text()), {"options": _as_options, "rows": as_text}, "it"
        )
        return Request(**known)
    except MALFORMED as error:
        raise ValueError(
            f"{file} is damaged ({reason(error)}): start the run anew, with --overwrite"
        ) from None


def digest_of_pixels(split: Split, y: NDArray[Any], names: Sequence[str] | None) -> str:
    """Return the SHA-256 of rows, labels and the names of classes."""
    text = repr((split.rows, None if names is None else list(names)))
    return hashlib.sha256(
        text.encode("utf-8", "surrogatepass") + y.astype("<i8").tobytes()
    ).hexdigest()


def digest_of_table(x: pd.DataFrame, y: NDArray[Any]) -> str:
    """Return the SHA-256 of a table and its labels."""
    import pandas as pd

    digest = hashlib.sha256(repr((*x.columns, *y.tolist())).encode("utf-8", "surrogatepass"))
    for i in range(x.shape[1]):
        digest.update(pd.util.hash_pandas_object(x.iloc[:, i], index=False).to_numpy().tobytes())
    return digest.hexdigest()


def _as_options(value: object) -> dict[str, Any]:
    if not isinstance(value, dict) or not all(
        isinstance(one, str | int | float) for one in value.values()
    ):
        raise TypeError("not options with their values")
    if others := sorted(value.keys() & {*NOT_OF_THE_RUN}):
        raise ValueError(f"with {others[0]}")
    return value
