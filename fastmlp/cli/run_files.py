"""The files of a run: put in the place of another run's as one, and marked as finished."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fastmlp.files import atomic_write, sync_folder
from fastmlp.network.model_file import MODEL_NAME

if TYPE_CHECKING:
    import pandas as pd

    from fastmlp import History
    from fastmlp.figure import Figure

HISTORY, CHECKPOINT = "history.csv", "checkpoint.safetensors"
# What was asked of the run: the one while it is under way, the other once it has finished.
UNFINISHED, FINISHED = "unfinished.json", "run.json"
CHECKPOINT_SECONDS = 60.0  # between two of them; a shorter run has none before its end
MEMORY = "/dev/shm"  # a folder in memory, for a run that no disk has space for
NEW = ".fastmlp-run.part"  # a folder of files that are to replace those of a run
# What runs of either kind leave beside their models, the mark first: a run that replaces another
# removes it.
BESIDE = (
    FINISHED, HISTORY, "split.json", "table.json", "out_of_fold.csv", "learning_curves.png",
    "sample.png", "mistakes.png", "confusion_matrix.png", "truth_and_prediction.png",
    "importances.png", "report.html",
)  # fmt: skip


@contextmanager
def new_files(folder: Path) -> Iterator[Path]:
    """Make a hidden folder within a folder whose lock is held; remove it afterwards."""
    new = folder / NEW
    remove_new(folder)
    try:
        new.mkdir()
        yield new
    finally:
        with suppress(OSError):
            remove_new(folder)


def remove_new(folder: Path) -> None:
    """Remove the hidden folder of a process that was killed; the caller holds the lock."""
    new = folder / NEW
    if new.is_dir() and not new.is_symlink():
        shutil.rmtree(new)
    else:
        new.unlink(missing_ok=True)


class RunFiles:
    """The files of a run in its folder, whose lock is held.

    A process can be killed at any moment. The folder then holds files of one run only, and its
    model, if there has been one. That a run has finished shows in FINISHED.

    Parameters
    ----------
    folder : Path
    resumes : bool
        Whether to go on with the run that was interrupted in it.
    """

    def __init__(self, folder: Path, *, resumes: bool = False) -> None:
        self.folder, self.resumes = folder, resumes
        self._status = folder.stat()
        self._is_saved = False

    @contextmanager
    def begun(self, request: bytes) -> Iterator[None]:
        """Note what is asked, if that is new; remove that again if nothing has been saved.

        Parameters
        ----------
        request : bytes
            What UNFINISHED is to hold.

        Raises
        ------
        OSError
            If it can't be written, or the checkpoint to go on from is a link, which would be
            followed.
        """
        checkpoint = self.folder / CHECKPOINT
        if self.resumes:
            if checkpoint.is_symlink():
                raise OSError(f"{checkpoint} is a link: put the file itself there")
            yield
            return
        self.give_up()  # another run, or links to elsewhere
        with atomic_write(self.folder / UNFINISHED) as stream:
            stream.write(request)
        try:
            yield
        finally:
            if not self._is_saved and not checkpoint.exists():
                self.give_up()

    @contextmanager
    def kept(self) -> Iterator[dict[str, Any]]:
        """Yield the arguments of a training that is kept in the folder; its errors name options."""
        try:
            yield {
                "checkpoint": self.folder / CHECKPOINT,
                "checkpoint_seconds": CHECKPOINT_SECONDS,
                "resume": self.resumes,
            }
        except ValueError as error:
            text = str(error)
            if "resume=False" not in text:
                raise
            raise ValueError(text.replace("resume=False", "--overwrite")) from error

    def save(self, write: Callable[[Path], None]) -> None:
        """Put files in the place of the former run's; if that fails, write them elsewhere.

        Parameters
        ----------
        write : callable
            Called as ``write(place)``, to write the files to a folder.

        Raises
        ------
        OSError
            If they can't be written. The former run is left as it was, and a note says where the
            files are instead.
        """
        try:
            self._replace(write)
            self._is_saved = True
        except Exception as error:  # such as a full disk, or a folder that is no longer there
            if (elsewhere := _save_elsewhere(write)) is not None:
                error.add_note(f"the run is saved in {elsewhere} instead")
            elif command := self.command_to_go_on:
                error.add_note(f"to go on: {command}")
            raise

    @property
    def command_to_go_on(self) -> str:
        """What goes on from what is kept of the run, if anything is."""
        if not (self.folder / CHECKPOINT).exists():
            return ""
        return f"fastmlp train --resume {self.folder}"

    def finish(self) -> None:
        """Mark the run as finished: all of its files are written."""
        os.replace(self.folder / UNFINISHED, self.folder / FINISHED)
        self._remove_checkpoint()
        sync_folder(self.folder)

    def give_up(self) -> None:
        """Remove what is there to go on with."""
        self._remove_checkpoint()
        with suppress(OSError):
            (self.folder / UNFINISHED).unlink()

    def _remove_checkpoint(self) -> None:
        # With the hidden files of one that was killed: nobody else has this folder's lock.
        for file in (self.folder / CHECKPOINT, *self.folder.glob(f".{CHECKPOINT}.*")):
            with suppress(OSError):
                file.unlink()

    def _replace(self, write: Callable[[Path], None]) -> None:
        if not os.path.samestat(self._status, self.folder.stat()):
            raise FileExistsError(f"{self.folder} was replaced by another folder meanwhile")
        with new_files(self.folder) as new:
            # All of them before the first of the former ones goes: a full disk changes nothing.
            write(new)
            names = sorted(os.listdir(new), key=lambda name: name != MODEL_NAME)
            for name in BESIDE:
                (self.folder / name).unlink(missing_ok=True)
            for name in names:  # links are replaced, and what they lead to is left alone
                os.replace(new / name, self.folder / name)
            sync_folder(self.folder)


def _save_elsewhere(write: Callable[[Path], None]) -> Path | None:
    """Write files to a new folder in the first place where that is possible, and return it."""
    for place in (tempfile.gettempdir(), os.path.expanduser("~"), MEMORY):
        with suppress(Exception):
            folder = Path(tempfile.mkdtemp(prefix="fastmlp-run-", dir=place))
            try:
                write(folder)
                return folder
            except Exception:
                shutil.rmtree(folder)
    return None


def write_history(history: History, path: Path) -> None:
    """Write one line per epoch, with every digit of its figures."""
    columns = history.columns()
    with atomic_write(path) as stream:
        stream.write(",".join(["epoch", *columns]).encode() + b"\n")
        # Not strict: after a second Ctrl-C, the last epoch may lack some of its figures.
        for epoch, row in enumerate(zip(*columns.values(), strict=False), start=1):
            stream.write(",".join([str(epoch), *map(repr, row)]).encode() + b"\n")


def read_history(path: Path) -> pd.DataFrame:
    """Return what `write_history` or `write_table` has written, to the last bit."""
    import pandas as pd

    # As text: not every version of pandas reads a number to its last bit.
    text = pd.read_csv(path, dtype=str, keep_default_na=False).replace("", "nan")
    return pd.DataFrame(text.to_numpy(object).astype(np.float64), columns=text.columns)


def write_table(frame: pd.DataFrame, path: Path) -> None:
    """Write a frame as CSV, without its index, with every digit."""
    with atomic_write(path) as stream:
        stream.write(frame.to_csv(index=False, lineterminator="\n").encode())


def write_figure(figure: Figure, path: Path) -> None:
    """Write a picture, whole or not at all."""
    with atomic_write(path) as stream:
        figure.savefig(stream, format="png")
