"""The files of a run are replaced as one, whatever ends the process or stands in their way."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli_tools import ALWAYS, FILES, names, one_line_error, run, start, succeed

import fastmlp
from fastmlp import MLP, files
from fastmlp.cli import run_files
from fastmlp.cli.run_files import BESIDE
from fastmlp.network.model_file import MODEL_NAME

pytestmark = pytest.mark.usefixtures("in_tmp_path")
POSIX = pytest.mark.skipif(os.name == "nt", reason="POSIX: os.fork, SIGKILL, limits")


ENDINGS = ("part", "lock")  # of a checkpoint's hidden files


def files_in(folder: str) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in Path(folder).iterdir() if path.is_file()}


def of_a_run(found: dict[str, bytes]) -> dict[str, bytes]:
    return {name: data for name, data in found.items() if name in (MODEL_NAME, *BESIDE)}


@POSIX
def test_a_kill_at_any_call_leaves_the_files_of_one_run() -> None:
    program = Path(__file__).with_name("kill_run_files.py")
    done = subprocess.run(
        [sys.executable, program], capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 100


def check_killed(before: dict[str, bytes]) -> str:
    """Check what a killed run has left of one that it was to replace; say which one is there."""
    found = of_a_run(files_in("out"))
    assert MODEL_NAME in found
    old = {name for name, data in found.items() if before.get(name) == data}
    assert old in (set(), {*found}), f"of two runs: {old} of {sorted(found)}"
    if old and "run.json" in found:
        assert found == before
    if not old and "run.json" in found:
        assert sorted(found) == FILES
    return "old" if old else "new"


def kills(csv: Path, n: int, seed: int) -> set[str]:
    """Kill runs that are to replace another one at random moments, each of another seed."""
    began = time.perf_counter()
    arguments = ["train", "--data", csv, "--epochs", 60, "--out", "out"]
    succeed(*arguments)
    left, seconds = set(), 0.0
    draw = random.Random(seed)
    for i in range(n):
        before = of_a_run(files_in("out"))
        process = start(*arguments, "--overwrite", "--seed", 1000 * seed + i)
        if i == 0:  # the first one is timed
            began = time.perf_counter()
            process.communicate(timeout=120)
            seconds = time.perf_counter() - began
            continue
        time.sleep(draw.uniform(0.3, 1.05) * seconds)
        process.kill()
        process.communicate()
        left.add(check_killed(before))
        if names("out") != FILES:
            succeed(*arguments, "--overwrite", "--seed", 5)
            assert names("out") == FILES
    return left


@POSIX
def test_a_kill_at_a_random_moment(csv: Path) -> None:
    kills(csv, 5, seed=1)


@POSIX
@pytest.mark.long
def test_a_hundred_kills_at_random_moments(csv: Path) -> None:
    assert kills(csv, 101, seed=2) == {"old", "new"}


def test_a_kill_while_pictures_are_drawn_leaves_the_new_model_without_old_pictures(
    csv: Path,
) -> None:
    arguments = ["train", "--data", str(csv), "--epochs", "2", "--out", "out"]
    succeed(*arguments)
    program = (
        "import os, sys; from fastmlp import pictures; from fastmlp.cli import app\n"
        "pictures.labelled_sample = lambda *args: os._exit(9)\n"
        "app(sys.argv[1:])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments, "--overwrite", "--seed", "7"],
        capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 9
    left = ["checkpoint.safetensors", "learning_curves.png", "unfinished.json"]
    assert names("out") == sorted([*ALWAYS, *left])


def test_the_mark_says_what_was_asked(csv: Path) -> None:
    succeed("train", "--data", csv.name, "--epochs", 2, "--hidden", "8,4", "--out", "out")
    asked = json.loads(Path("out/run.json").read_text())
    assert asked["options"]["data"] == str(csv)
    assert asked["options"]["epochs"] == 2
    assert asked["options"]["hidden"] == "8,4"
    assert asked["options"]["seed"] == 42
    assert asked["options"]["kind"] == "pixels"
    assert not {"out", "overwrite", "verbose"} & asked["options"].keys()


def test_every_file_of_a_run_is_one_that_a_next_run_removes(csv: Path) -> None:
    succeed("train", "--data", csv, "--epochs", 1, "--out", "out")
    assert {*names("out")} <= {MODEL_NAME, *BESIDE}


# -- links, folders, and what others have left -----------------------------------------------------
def test_links_in_the_folder_are_not_followed(csv: Path) -> None:
    succeed("train", "--data", csv, "--epochs", 1, "--out", "out")
    hidden = [".fastmlp-run.part", *(f".checkpoint.safetensors.{ending}" for ending in ENDINGS)]
    for name in [*FILES, "unfinished.json", "checkpoint.safetensors", *hidden]:
        target = Path(f"precious-{name}")
        target.write_text("precious")
        (Path("out") / name).unlink(missing_ok=True)
        (Path("out") / name).symlink_to(target.absolute())
    succeed("train", "--data", csv, "--epochs", 1, "--out", "out", "--overwrite")
    assert names("out") == FILES
    assert not any(path.is_symlink() for path in Path("out").iterdir())
    assert {path.read_text() for path in Path().glob("precious-*")} == {"precious"}


def test_a_link_that_leads_nowhere_is_a_run_s_file_too(csv: Path) -> None:
    Path("out").mkdir()
    Path("out/model.safetensors").symlink_to("missing")
    assert "holds a run already" in one_line_error("train", "--data", csv, "--out", "out")
    succeed("train", "--data", csv, "--epochs", 1, "--out", "out", "--overwrite")
    assert names("out") == FILES
    assert not Path("out/missing").exists()


@pytest.mark.parametrize("is_there", [True, False])
def test_a_folder_that_is_a_link_is_refused(csv: Path, is_there: bool) -> None:
    if is_there:
        Path("real").mkdir()
    Path("out").symlink_to("real")
    line = one_line_error("train", "--data", csv, "--out", "out")
    assert "can't make the folder out: it is a link to real; give" in line
    if is_there:
        assert names("real") == []
        succeed("train", "--data", csv, "--epochs", 1, "--out", "real")


def test_a_folder_in_the_place_of_a_file_is_named_before_the_data_is_read() -> None:
    Path("out/sample.png").mkdir(parents=True)
    line = one_line_error("train", "--data", "missing.csv", "--out", "out")
    assert f"{Path('out/sample.png')} is a folder" in line
    assert names("out") == ["sample.png"]


def test_what_a_killed_run_has_left_goes(csv: Path) -> None:
    (Path("out") / ".fastmlp-run.part").mkdir(parents=True)
    (Path("out") / ".fastmlp-run.part" / "model.safetensors").touch()
    for name in (
        "fastmlp-0123456789abcdef.part",
        *map("checkpoint.safetensors.{}".format, ENDINGS),
    ):
        (Path("out") / f".{name}").touch()
    (Path("out") / "unfinished.json").write_text("{}")
    succeed("train", "--data", csv, "--epochs", 1, "--out", "out")
    assert names("out") == FILES


# -- folders that can't be written to any more -----------------------------------------------------
@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Where a run may go whose folder can't be written to, in their order."""
    found = [tmp_path / name for name in ("temporary", "home", "memory")]
    for path in found:
        path.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(found[0]))
    monkeypatch.setenv("HOME", str(found[1]))
    monkeypatch.setenv("USERPROFILE", str(found[1]))
    monkeypatch.setattr(run_files, "MEMORY", str(found[2]))
    return found


class Once:
    """A callback that acts after the first epoch, and has nothing to keep."""

    def __init__(self, act: Callable[[], object]) -> None:
        self._act = act

    def __call__(self, epoch: int, logs: Any) -> None:
        if epoch == 1:
            self._act()

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, kept: Any) -> None:
        pass


def during_the_training(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    class Network(MLP):
        def train(self, *args: Any, callbacks: Any, **options: Any) -> Any:
            return super().train(*args, callbacks=[*callbacks, Once(act)], **options)

    monkeypatch.setattr(fastmlp, "MLP", Network)


def error_after_a_word(*arguments: object) -> str:
    """Run what can keep neither its checkpoint, for which a word has to do, nor the run."""
    result = run(*arguments)
    assert result.exit_code == 2, result.output
    word, error = result.stderr.splitlines()
    assert word.startswith("Warning: the training goes on, but not its checkpoint out/")
    assert error.startswith("Error: ")
    return error


def fill(monkeypatch: pytest.MonkeyPatch, folders: list[Path]) -> None:
    """Let no file be made in these folders any more."""
    make = files._open

    def full(part: Path) -> Any:
        if any(folder.absolute() in part.absolute().parents for folder in folders):
            raise OSError(28, "No space left on device")
        return make(part)

    monkeypatch.setattr(files, "_open", full)


@pytest.mark.parametrize("n_full", [0, 1, 2, 3])
def test_on_full_disks_the_run_is_kept_and_the_former_one_too(
    csv: Path, places: list[Path], monkeypatch: pytest.MonkeyPatch, n_full: int
) -> None:
    arguments = ["train", "--data", csv, "--epochs", 2, "--out", "out", "--overwrite"]
    succeed(*arguments)
    before = files_in("out")
    during_the_training(monkeypatch, lambda: fill(monkeypatch, [Path("out"), *places[:n_full]]))
    line = error_after_a_word(*arguments, "--seed", 7)
    assert "No space left" in line
    assert files_in("out") == before
    kept = [folder for place in places for folder in place.iterdir()]
    if n_full == 3:
        assert kept == []
        assert "instead" not in line
        return
    (folder,) = kept
    assert folder.parent == places[n_full]
    assert f"(the run is saved in {folder} instead)" in line
    assert names(folder) == ALWAYS
    monkeypatch.undo()
    succeed("train", "--data", csv, "--epochs", 2, "--out", csv.parent / "whole", "--seed", 7)
    assert (folder / MODEL_NAME).read_bytes() == (csv.parent / "whole" / MODEL_NAME).read_bytes()


def test_a_folder_that_is_removed_costs_no_run(
    csv: Path, places: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    during_the_training(monkeypatch, lambda: shutil.rmtree("out"))
    line = error_after_a_word("train", "--data", csv, "--epochs", 2, "--out", "out")
    (folder,) = places[0].iterdir()
    assert "instead)" in line
    assert names(folder) == ALWAYS
    assert not Path("out").exists()


@POSIX
def test_another_run_in_the_place_of_a_removed_folder_is_left_alone(
    csv: Path, places: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def replace() -> None:
        shutil.rmtree("out")
        done = start("train", "--data", csv, "--epochs", 1, "--out", "out")
        done.communicate(timeout=120)
        before.update(files_in("out"))

    before: dict[str, bytes] = {}
    during_the_training(monkeypatch, replace)
    line = error_after_a_word("train", "--data", csv, "--epochs", 2, "--out", "out", "--seed", 7)
    (folder,) = places[0].iterdir()
    assert "out was replaced by another folder meanwhile" in line
    assert names(folder) == ALWAYS
    assert files_in("out") == before
    assert names("out") == FILES
