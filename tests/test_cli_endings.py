"""Runs that end early: by a signal, a closed or full output, a loss that diverges. What stays."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from cli_tools import easy_digits, one_line_error, run, start, write_csv

import fastmlp
from fastmlp.cli.signals import Stop, signals

SAVED = ["history.csv", "model.safetensors", "split.json"]
SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]
WORDS = {"SIGINT": "Interrupted", "SIGTERM": "Terminated", "SIGHUP": "Hung up"}
FOREVER = 100_000_000
posix = pytest.mark.skipif(os.name == "nt", reason="signals and pipes of POSIX")
pytestmark = posix


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    return write_csv(tmp_path / "train.csv", *easy_digits())


@pytest.fixture(autouse=True)
def in_tmp_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def names(folder: str | Path) -> list[str]:
    return sorted(path.name for path in Path(folder).iterdir())


def finish(process: Any) -> str:
    """Wait for a program that may not show a traceback; return its stderr."""
    stderr = process.communicate(timeout=120)[1].decode()
    for word in ("Traceback", "Exception ignored", "no table of numbers"):
        assert word not in stderr
    return stderr


def check_saved(folder: str) -> int:
    """Load the model; return the number of epochs in the history."""
    model, history = fastmlp.MLP.load(folder), pd.read_csv(f"{folder}/history.csv")
    assert np.any(model.b1 != 0)
    assert history.notna().all(axis=None)
    return len(history)


# -- signals -----------------------------------------------------------------------------------


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_saves_the_model_as_it_is(csv: Path, number: int) -> None:
    process = start("train", "--data", csv, "--epochs", FOREVER, "--out", "out")
    try:
        assert b" rows of 16 pixels" in process.stdout.readline()
        assert process.stdout.readline().startswith(b"Epoch")
        time.sleep(0.2)
    finally:
        process.send_signal(number)
    last = finish(process).splitlines()[-1]
    assert process.returncode == 128 + number
    assert names("out") == SAVED
    word = WORDS[signal.Signals(number).name]
    assert last.startswith(f"{word} after {check_saved('out')} whole epochs; saved as it is: out/")


@pytest.fixture(scope="module")
def run_time(tmp_path_factory: pytest.TempPathFactory) -> float:
    """Seconds of the run that the next test interrupts, with all its kernels compiled."""
    folder = tmp_path_factory.mktemp("timed")
    csv = write_csv(folder / "train.csv", *easy_digits())
    for out in ("cold", "warm"):
        before = time.perf_counter()
        finish(start("train", "--data", csv, "--epochs", 300, "--out", folder / out))
    return time.perf_counter() - before


@pytest.mark.parametrize("part", range(5))
@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_at_any_moment_leaves_a_model_or_nothing(
    csv: Path, run_time: float, number: int, part: int
) -> None:
    delay = random.Random(f"{number} {part}").uniform(part / 5, (part + 1) / 5) * run_time
    process = start("train", "--data", csv, "--epochs", 300, "--out", "deep/out")
    time.sleep(delay)
    process.send_signal(number)
    stderr = process.communicate(timeout=120)[1].decode()
    # Python itself has the signal before fastmlp does, and after it.
    if "fastmlp/__main__.py" in stderr or "runpy" not in stderr:
        assert "Traceback" not in stderr
    assert "Exception ignored" not in stderr
    assert process.returncode in (0, 128 + number, -number)
    if Path("deep").exists():
        assert set(SAVED) <= set(names("deep/out"))
        assert check_saved("deep/out") >= 1
        assert not any(name.startswith(".") for name in names("deep/out"))
    else:
        assert process.returncode != 0
    assert set(names(".")) <= {"train.csv", "deep"}


def interrupting(reader: Callable[..., Any], *numbers: int) -> Callable[..., Any]:
    """The reader, with signals to this process while it is at work."""

    def read(*args: Any) -> Any:
        for number in numbers:
            os.kill(os.getpid(), number)
        return reader(*args)

    return read


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_while_a_file_is_read_is_no_fault_of_the_file(
    csv: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def read(*_: object, **options: object) -> None:
        try:
            os.kill(os.getpid(), number)
            time.sleep(1)
        except KeyboardInterrupt:  # as pandas does
            raise ValueError("train.csv is no table of numbers") from None

    handlers = [signal.getsignal(number) for number in SIGNALS]
    monkeypatch.setattr(fastmlp.data, "load", read)
    result = run("train", "--data", csv)
    assert result.exit_code == 128 + number
    assert result.stderr == f"{WORDS[signal.Signals(number).name]}.\n"
    assert names(".") == ["train.csv"]
    assert [signal.getsignal(number) for number in SIGNALS] == handlers


def test_a_signal_that_a_library_swallows_ends_the_run_before_it_trains(
    csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    x, y = easy_digits()

    class Swallows:
        def __del__(self) -> None:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(1)

    def read(*_: object, **options: object) -> Any:
        Swallows()
        try:
            time.sleep(0)
            raise Stop
        except Stop:  # as compiled modules do that can't be loaded
            sys.excepthook(*sys.exc_info())
        return fastmlp.data.Dataset(x.astype(np.uint8), y)

    monkeypatch.setattr(fastmlp.data, "load", read)
    result = run("train", "--data", csv, "--epochs", 1)
    assert result.exit_code == 143
    assert result.stderr == "Terminated.\n"  # and no "Exception ignored in"
    assert names(".") == ["train.csv"]


def signalling(network_class: type, when: str, *numbers: int) -> type:
    """A network that gets signals before its first epoch, or after its third one."""

    class Network(network_class):
        def train(self, *args: Any, callbacks: Any, **options: Any) -> Any:
            def raise_signals(epoch: int, _: Mapping[str, float]) -> None:
                if epoch == 3:
                    for number in numbers:
                        os.kill(os.getpid(), number)

            if when == "before":
                for number in numbers:
                    os.kill(os.getpid(), number)
                    time.sleep(0.01)
                return super().train(*args, callbacks=callbacks, **options)
            return super().train(*args, callbacks=[raise_signals, *callbacks], **options)

    return Network


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize(
    ("when", "epochs"), [("before", "1 whole epoch"), ("in", "3 whole epochs")]
)
def test_a_first_signal_waits_for_the_end_of_an_epoch(
    csv: Path, monkeypatch: pytest.MonkeyPatch, number: int, when: str, epochs: str
) -> None:
    monkeypatch.setattr(fastmlp, "MLP", signalling(fastmlp.MLP, when, number))
    result = run("train", "--data", csv, "--out", "out")
    assert result.exit_code == 128 + number
    assert f" after {epochs}; saved as it is: out/model.safetensors\n" in result.stderr
    assert names("out") == SAVED
    assert check_saved("out") == int(epochs[0])


def test_a_second_signal_ends_at_once(csv: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    network = fastmlp.MLP
    monkeypatch.setattr(
        fastmlp, "MLP", signalling(network, "before", signal.SIGTERM, signal.SIGINT)
    )
    result = run("train", "--data", csv, "--epochs", FOREVER, "--out", "out")
    assert result.exit_code == 143
    assert result.stderr == "Terminated.\n"
    assert names(".") == ["train.csv"]
    # After an epoch, what there is is saved all the same.
    monkeypatch.setattr(fastmlp, "MLP", signalling(network, "in", signal.SIGTERM, signal.SIGINT))
    result = run("train", "--data", csv, "--epochs", FOREVER, "--out", "out")
    assert result.exit_code == 143
    assert check_saved("out") == 3


def test_a_signal_while_the_command_line_is_read(
    csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from typer.core import TyperGroup

    monkeypatch.setattr(
        TyperGroup, "parse_args", interrupting(TyperGroup.parse_args, signal.SIGTERM)
    )
    result = run("train", "--data", csv)
    assert result.exit_code == 143
    assert result.stderr == "Terminated.\n"


def test_a_signal_while_pictures_are_drawn_leaves_the_model(
    csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fastmlp import pictures

    drawn = interrupting(pictures.learning_curves, signal.SIGTERM)
    monkeypatch.setattr(pictures, "learning_curves", drawn)
    result = run("train", "--data", csv, "--epochs", 2, "--out", "out")
    assert result.exit_code == 143
    assert "Terminated after 2 whole epochs; saved as it is" in result.stderr
    assert names("out") == SAVED


def test_nohup_is_respected(csv: Path) -> None:
    process = start("train", "--data", csv, "--epochs", FOREVER, "--out", "out",
                    preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))  # fmt: skip
    assert b" rows of 16 pixels" in process.stdout.readline()
    assert process.stdout.readline().startswith(b"Epoch")
    process.send_signal(signal.SIGHUP)
    time.sleep(0.5)
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    finish(process)
    assert process.returncode == 143


def test_a_signal_is_explained_where_it_has_to_wait(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.modules["fastmlp.cli.signals"], "PATIENCE", 0.0)
    with signals.handled(), signals.patient():
        os.kill(os.getpid(), signal.SIGTERM)
        deadline = time.perf_counter() + 60
        stderr = ""
        while not stderr and time.perf_counter() < deadline:
            stderr = capsys.readouterr().err
        with pytest.raises(Stop):
            os.kill(os.getpid(), signal.SIGTERM)
    assert stderr == "Stopping after this epoch; one more signal stops at once.\n"


def test_held_signals_take_effect_at_the_end() -> None:
    reached = []
    with signals.handled():
        with pytest.raises(Stop), signals.held():  # noqa: PT012
            with signals.held():
                os.kill(os.getpid(), signal.SIGTERM)
                reached.append("inner")
            reached.append("outer")
        assert signals.caught == "SIGTERM"
    assert reached == ["inner", "outer"]


# -- outputs -----------------------------------------------------------------------------------


def shell(line: str, **env: str) -> subprocess.CompletedProcess[str]:
    line = line.replace("fastmlp", f"{sys.executable} -m fastmlp", 1)
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {line}"],
        capture_output=True, text=True, check=False, env=os.environ | env,
    )  # fmt: skip
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    return done


def test_a_reader_that_goes_away_stops_and_saves_the_run(csv: Path) -> None:
    done = shell(f"fastmlp train --data {csv} --epochs {FOREVER} --out out | head -1")
    assert done.returncode == 141
    assert done.stdout.startswith(f"{csv}: 60 rows of 16 pixels")
    assert done.stdout.count("\n") == 1
    assert names("out") == SAVED
    epochs = check_saved("out")
    assert f"Stopped after {epochs} whole epoch" in done.stderr
    assert "; saved as it is: out/" in done.stderr
    assert "Error" not in done.stderr


def test_a_reader_that_was_never_there_gets_one_epoch_saved(csv: Path) -> None:
    done = shell(f"fastmlp train --data {csv} --epochs {FOREVER} --out out | true")
    assert done.returncode == 141
    assert check_saved("out") >= 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_full_disk_behind_stdout_stops_and_saves_the_run(csv: Path) -> None:
    done = shell(f"fastmlp train --data {csv} --epochs {FOREVER} --out out > /dev/full")
    assert done.returncode == 1
    assert check_saved("out") == 1
    stopped, reason = done.stderr.splitlines()[-2:]
    assert stopped == "Stopped after 1 whole epoch; saved as it is: out/model.safetensors"
    assert reason.startswith("Error: can't write to standard output: No space left on device; ")
    assert shell("fastmlp --version > /dev/full").returncode == 1
    assert shell("fastmlp train --help | true").returncode in (0, 141)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
@pytest.mark.parametrize("ends", ["2> /dev/full", "2>&-", ">&-", ">&- 2>&-"])
def test_a_missing_stream_or_a_full_stderr_costs_nothing(csv: Path, ends: str) -> None:
    assert shell(f"fastmlp train --data {csv} --epochs 2 --out out {ends}").returncode == 0
    assert len(names("out")) == 6


def test_a_reader_of_other_commands_that_goes_away(csv: Path) -> None:
    assert run("train", "--data", csv, "--epochs", 1, "--out", "out").exit_code == 0
    for rest in ("evaluate out", "predict out", "predict out -o /dev/stdout"):
        done = shell(f"fastmlp {rest} --data {csv} | true")
        assert done.returncode in (0, 141)
        assert "Error" not in done.stderr


# -- losses that diverge -----------------------------------------------------------------------


def diverging(after: int) -> type:
    """A network as the real one is when the loss becomes infinite in the epoch after this one."""

    class DivergedError(ValueError, FloatingPointError):
        pass

    class Network(fastmlp.MLP):
        def train(self, x: Any, y: Any, epochs: int = 0, *args: Any, **options: Any) -> Any:
            if after:
                super().train(x, y, after, *args, **options)
            raise DivergedError("learning_rate")

    return Network


def test_a_diverging_run_keeps_the_last_good_epoch(
    csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fastmlp, "MLP", diverging(3))
    line = one_line_error("train", "--data", csv, "--lr", 0.5, "--out", "out")
    assert "diverged in epoch 4: give a smaller --lr than 0.5 (saved after 3 whole epochs" in line
    assert names("out") == SAVED
    assert check_saved("out") == 3


def test_a_run_that_diverges_in_its_first_epoch_leaves_nothing(
    csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fastmlp, "MLP", diverging(0))
    line = one_line_error("train", "--data", csv, "--lr", 0.5, "--out", "deep/out")
    assert "diverged in epoch 1: give a smaller --lr than 0.5 (nothing is saved)" in line
    assert names(".") == ["train.csv"]


def test_a_diverging_run_is_noticed(csv: Path) -> None:
    line = one_line_error("train", "--data", csv, "--lr", 1e30, "--l2", 0, "--out", "out")
    assert "smaller --lr than 1e+30" in line


def test_a_run_that_is_no_better_than_a_guess_says_so(tmp_path: Path) -> None:
    x, y = easy_digits()
    y[y == 2] = 1  # the larger one of two classes
    csv = write_csv(tmp_path / "two.csv", x, y)
    result = run("train", "--data", csv, "--epochs", 9, "--lr", 0.1, "--l2", 9.9, "--out", "bad")
    share = pd.read_csv("bad/history.csv")["val_accuracy"].iloc[-1]
    assert f"no better than guessing the largest class, 1, for every row ({100 * share:.2f} %" in (
        result.stdout
    )
    result = run("train", "--data", csv, "--epochs", 200, "--lr", 0.2, "--out", "good")
    assert "guessing" not in result.stdout
