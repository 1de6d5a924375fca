"""The folder of a run: it is made, locked, and filled with files."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from rich.table import Table

from fastmlp.cli.signals import signals
from fastmlp.cli.terminal import Terminal
from fastmlp.files import atomic_write, check_writable
from fastmlp.locks import locked
from fastmlp.network.model_file import MODEL_NAME

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from fastmlp import History

DEFAULT_NAME = "fastmlp-run"
# What a run leaves beside its model, of either kind: a run that replaces another removes it.
LEFT = (
    "split.json", "table.json", "out_of_fold.csv", "learning_curves.png", "sample.png",
    "mistakes.png", "confusion_matrix.png", "truth_and_prediction.png", "importances.png",
)  # fmt: skip


@contextmanager
def run_folder(
    out: Path | None, name: str = DEFAULT_NAME, *, kept: Collection[str] = ()
) -> Iterator[Path]:
    """Make the folder and check that it is writable; remove it again if it stays empty.

    Parameters
    ----------
    out : Path or None
        A folder, used as it is if it exists; None makes one in the current folder.
    name : str
        Name of that folder; ``fastmlp-run-2`` and so on if it exists, so that no other run is
        overwritten.
    kept : collection of str
        Files of another run that must not be replaced: a folder with one of them is refused.

    Raises
    ------
    OSError
        If it can't be made or written to, is refused, or another process writes to it.
    """
    with ExitStack() as after_lock, ExitStack() as stack:
        with signals.held():
            try:
                folder, made = _make(out, name)
            except OSError as error:
                raise type(error)(
                    f"can't make the folder {out or name}: {error.strerror}; "
                    "give a folder that can be made, or is writable, with --out"
                ) from error
            try:
                stack.enter_context(locked(folder))
            except BlockingIOError:
                raise BlockingIOError(
                    f"another run is writing to {folder}: "
                    "wait until it has ended, or give another folder with --out"
                ) from None
            after_lock.callback(_remove_empty, made)  # on Windows the lock is a file in the folder
            if found := [file for file in kept if (folder / file).exists()]:
                raise FileExistsError(
                    f"{folder} holds a run already ({', '.join(found)}): "
                    "give another folder with --out, or replace that run with --overwrite"
                )
            check_writable(folder / MODEL_NAME)
        yield folder


def remove_left(folder: Path) -> None:
    """Remove what a former run has left in a folder, but for the files that every run replaces."""
    for name in LEFT:
        (folder / name).unlink(missing_ok=True)


def write_history(history: History, path: Path) -> None:
    """Write one line per epoch, with every digit of its figures."""
    columns = history.columns()
    with atomic_write(path) as stream:
        stream.write(",".join(["epoch", *columns]).encode() + b"\n")
        # Not strict: after a second Ctrl-C, the last epoch may lack some of its figures.
        for epoch, row in enumerate(zip(*columns.values(), strict=False), start=1):
            stream.write(",".join([str(epoch), *map(repr, row)]).encode() + b"\n")


def write_table(frame: pd.DataFrame, path: Path) -> None:
    """Write a frame as CSV, without its index, with every digit."""
    with atomic_write(path) as stream:
        stream.write(frame.to_csv(index=False, lineterminator="\n").encode())


def saved(folder: Path, write: Callable[[Path], None]) -> None:
    """Write the files of a run; if that fails, write them to a temporary folder, and raise.

    Parameters
    ----------
    folder : Path
    write : callable
        Called as ``write(folder)``.
    """
    try:
        write(folder)
    except Exception as error:  # such as a full disk, or a folder that is no longer there
        with suppress(Exception):
            elsewhere = Path(tempfile.mkdtemp(prefix="fastmlp-run-"))
            try:
                write(elsewhere)
            except Exception:
                shutil.rmtree(elsewhere)
                raise
            error.add_note(f"the run is saved in {elsewhere} instead")
        raise


def write_figure(figure: Figure, path: Path) -> None:
    """Write a picture, whole or not at all."""
    with atomic_write(path) as stream:
        figure.savefig(stream, format="png")


def print_files(folder: Path, files: dict[str, str], console: Terminal) -> None:
    """List a folder's new files, each with a description."""
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2))
    table.add_column(no_wrap=True)  # a shortened name could not be opened
    table.add_column()
    for file, what in files.items():
        table.add_row(f"  {file}", what)
    console.print()
    console.print_line(f"In {folder}:")
    console.print(table)


def _make(out: Path | None, name: str) -> tuple[Path, list[Path]]:
    """Return the folder, and all folders that had to be made for it, the innermost first."""
    if out is None:
        folder = _make_next(name)
        return folder, [folder]
    made = [path for path in (out, *out.parents) if not path.exists()]
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError:
        _remove_empty(made)
        raise
    return out, made


def _make_next(name: str) -> Path:
    for number in count(1):
        folder = Path(name if number == 1 else f"{name}-{number}")
        with suppress(FileExistsError):
            folder.mkdir()
            break
    return folder


def _remove_empty(folders: list[Path]) -> None:
    with signals.held(), suppress(OSError):  # raised if a folder is not empty
        for folder in folders:
            folder.rmdir()
