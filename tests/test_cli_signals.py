"""Runs that are ended by a signal: what stays."""

from __future__ import annotations

import io
import os
import random
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from cli_tools import (
    ALWAYS,
    SAVED,
    check_saved,
    easy_digits,
    finish,
    names,
    run,
    start,
    write_csv,
)

import fastmlp
from fastmlp.cli.signals import Signals, Stop, signals

SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]
WORDS = {"SIGINT": "Interrupted", "SIGTERM": "Terminated", "SIGHUP": "Hung up"}
FOREVER = 100_000_000
pytestmark = [
    pytest.mark.skipif(os.name == "nt", reason="signals and pipes of POSIX"),
    pytest.mark.usefixtures("in_tmp_path"),
]


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_saves_the_model_as_it_is(csv: Path, number: int) -> None:
    process = start("train", "--data", csv, "--epochs", FOREVER, "--out", "out")
    try:
        assert b" rows of 16 pixels" in process.stdout.readline()
        assert process.stdout.readline().startswith(b"Epoch")
        time.sleep(0.2)
    finally:
        process.send_signal(number)
    *_, last, go_on = finish(process).splitlines()
    assert process.returncode == 128 + number
    assert names("out") == SAVED
    word = WORDS[signal.Signals(number).name]
    assert last.startswith(f"{word} after {check_saved('out')} whole epochs; saved as it is: out/")
    assert go_on == "To go on: fastmlp train --resume out"


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
    assert process.returncode in (0, 128 + number, -number), stderr
    if Path("deep").exists():
        assert set(ALWAYS) < set(names("deep/out"))
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


def test_a_signal_is_explained_where_it_has_to_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    # Not capsys: what another thread writes while it is being read can be lost.
    stderr = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stderr)
    monkeypatch.setattr(sys.modules["fastmlp.cli.signals"], "PATIENCE", 0.0)
    with signals.handled(), signals.patient():
        os.kill(os.getpid(), signal.SIGTERM)
        deadline = time.perf_counter() + 60
        while not stderr.getvalue().endswith("\n") and time.perf_counter() < deadline:
            time.sleep(0.01)
        with pytest.raises(Stop):
            os.kill(os.getpid(), signal.SIGTERM)
    assert stderr.getvalue() == "Stopping after this epoch; one more signal stops at once.\n"


def test_a_later_run_is_not_told_of_an_earlier_one_s_signal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stderr = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stderr)
    pause, woken = threading.Event(), threading.Event()
    module = sys.modules["fastmlp.cli.signals"]
    monkeypatch.setattr(module, "time", SimpleNamespace(sleep=lambda _: pause.wait(60)))
    explain = Signals._explain
    monkeypatch.setattr(Signals, "_explain", lambda self: (explain(self), woken.set()))
    with signals.handled(), signals.patient():
        os.kill(os.getpid(), signal.SIGTERM)
    with signals.handled(), signals.patient():
        pause.set()
        assert woken.wait(60)
    assert stderr.getvalue() == ""


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
