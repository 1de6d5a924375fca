"""The folder of a run: it is made, locked, and looked at."""

from __future__ import annotations

import errno
import os
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager, suppress
from itertools import count
from pathlib import Path

from rich.table import Table

from fastmlp.cli.run_files import BESIDE, CHECKPOINT, UNFINISHED, new_files
from fastmlp.cli.signals import signals
from fastmlp.cli.terminal import Terminal
from fastmlp.files import remove_dead_parts
from fastmlp.locks import locked
from fastmlp.network.model_file import MODEL_NAME

DEFAULT_NAME = "fastmlp-run"


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
        If it can't be made or written to, is a link, is refused, or another process writes to it.
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
            if found := [file for file in kept if os.path.lexists(folder / file)]:
                go_on = f", go on with it by --resume {folder}" * (folder / UNFINISHED).exists()
                raise FileExistsError(
                    f"{folder} holds a run already ({', '.join(found)}): "
                    f"give another folder with --out{go_on}, or replace that run with --overwrite"
                )
            _check(folder)
        yield folder


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
    if out.is_symlink():  # it may lead elsewhere before the run ends
        raise OSError(errno.ELOOP, f"it is a link to {os.readlink(out)}")
    made = [path for path in (out, *out.parents) if not path.exists()]
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError:
        _remove_empty(made)
        raise
    return out, made


def _check(folder: Path) -> None:
    """Raise OSError if the files of a run can't be written to a folder; its lock is held."""
    for name in (MODEL_NAME, CHECKPOINT, UNFINISHED, *BESIDE):
        if (folder / name).is_dir() and not (folder / name).is_symlink():
            raise IsADirectoryError(
                f"{folder / name} is a folder, where a run writes a file: "
                "rename it, or give another folder with --out"
            )
    try:
        with new_files(folder):
            remove_dead_parts(folder)
    except OSError as error:
        raise type(error)(
            f"can't write to {folder}: {error.strerror}; "
            "give a folder that is writable, and has space, with --out"
        ) from error


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
