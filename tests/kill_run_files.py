"""A program: it replaces a run by another one, killed at every moment, in the current folder."""

from __future__ import annotations

import shutil
from pathlib import Path

from kill_tools import kill_everywhere

from fastmlp.cli.run_files import BESIDE, FINISHED, HISTORY, UNFINISHED, RunFiles
from fastmlp.cli.run_folder import run_folder
from fastmlp.files import atomic_write
from fastmlp.network.model_file import MODEL_NAME

OUT, ELSEWHERE = Path("out"), Path("precious")
SAVED = (MODEL_NAME, HISTORY, "split.json")
DRAWN = "sample.png"


def prepare() -> None:
    """A finished run, one of whose files is a link."""
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir()
    for name in (MODEL_NAME, *BESIDE):
        (OUT / name).write_text("old")
    ELSEWHERE.write_text("old")
    (OUT / DRAWN).unlink()
    (OUT / DRAWN).symlink_to(ELSEWHERE.absolute())


def write(place: Path) -> None:
    for name in SAVED:
        with atomic_write(place / name) as stream:
            stream.write(b"new")


def replace() -> None:
    with run_folder(OUT) as folder:
        files = RunFiles(folder)
        with files.begun(b"new"):
            files.save(write)
            with atomic_write(folder / DRAWN) as stream:
                stream.write(b"new")
            files.finish()


def check(is_whole: bool) -> None:
    found = {path.name: path.read_text() for path in OUT.iterdir() if path.is_file()}
    request = found.pop(UNFINISHED, None)
    run = {name: text for name, text in found.items() if name in (MODEL_NAME, *BESIDE)}
    assert len(set(run.values())) == 1, f"of two runs: {run}"
    assert MODEL_NAME in run
    assert request in (None, "new")
    if FINISHED in run:
        new = {*SAVED, DRAWN, FINISHED}
        assert {*run} == (new if run[FINISHED] == "new" else {MODEL_NAME, *BESIDE})
    else:
        assert request == "new"
    assert ELSEWHERE.read_text() == "old"
    if is_whole:
        assert run[FINISHED] == "new"
        assert request is None
    with run_folder(OUT):  # as the next run does
        pass
    assert not [path for path in OUT.iterdir() if path.name.startswith(".")]


if __name__ == "__main__":
    print(kill_everywhere(prepare, replace, check))
