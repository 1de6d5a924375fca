"""Ctrl-C, SIGTERM and SIGHUP: when they take effect, and the exit status they end in."""

from __future__ import annotations

import _thread
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import typer

WORDS = {"SIGINT": "Interrupted", "SIGTERM": "Terminated", "SIGHUP": "Hung up"}
PATIENCE = 1.0  # seconds until the user is told what is being waited for


class Stop(KeyboardInterrupt):
    """Raised by each of the three signals: what waits for threads on a Ctrl-C does so on all."""


class Signals:
    """What the command line does on a signal.

    At most times it ends what goes on: `Stop` is raised. What must not be torn is `held`: the
    signal takes effect at its end. A training is `patient`: whoever reads `caught` stops between
    two epochs, and only a second signal raises.

    Attributes
    ----------
    caught : str or None
        The name of the first signal of this run.
    """

    def __init__(self) -> None:
        self._reset()

    def _reset(self) -> None:
        self.caught: str | None = None
        self._is_pending = False
        self._is_patient = False
        self._n_holds = 0

    @property
    def word(self) -> str:
        """What has happened, in a word."""
        return WORDS[self.caught or "SIGINT"]

    @property
    def status(self) -> int:
        """The exit status that shells expect."""
        return 128 + getattr(signal, self.caught or "SIGINT")

    @contextmanager
    def handled(self) -> Iterator[None]:
        """Handle the signals in here, and leave them to the former handlers afterwards."""
        self._reset()
        before: dict[int, Any] = {}
        hooks = sys.unraisablehook, sys.excepthook

        # A callback can't raise, and a module in C that is being loaded prints and then raises
        # something else; the signal takes effect at the next occasion.
        def report_unraisable(unraisable: Any) -> None:
            if not issubclass(unraisable.exc_type, Stop):
                hooks[0](unraisable)

        def report(kind: type[BaseException], *rest: Any) -> None:
            if not issubclass(kind, Stop):
                hooks[1](kind, *rest)

        try:
            sys.unraisablehook, sys.excepthook = report_unraisable, report
            if threading.current_thread() is threading.main_thread():
                for name in WORDS:
                    number = getattr(signal, name, None)  # Windows knows no SIGHUP
                    # What a nohup, or a shell's background, has ignored remains ignored.
                    if number and signal.getsignal(number) is not signal.SIG_IGN:
                        before[number] = signal.signal(number, self._handle)
            yield
        finally:
            self._n_holds += 1
            for number, handler in before.items():
                signal.signal(number, handler)
            sys.unraisablehook, sys.excepthook = hooks

    @contextmanager
    def held(self) -> Iterator[None]:
        """Let signals wait until the end of what is done in here."""
        self._n_holds += 1
        try:
            yield
        finally:
            self._n_holds -= 1
        self._raise_pending()

    @contextmanager
    def patient(self) -> Iterator[None]:
        """Let the first signal be only noted in `caught`; the second one raises."""
        self._is_patient = True
        try:
            if self.caught:  # by a library that has swallowed it
                raise Stop
            yield
        finally:
            self._is_patient = False

    def _handle(self, number: int, frame: FrameType | None) -> None:
        is_first, self.caught = not self.caught, self.caught or signal.Signals(number).name
        if self._is_patient:
            if not is_first:
                raise Stop
            self._is_pending = True
            # No threading.Thread: it takes locks, which this thread may hold at the moment.
            _thread.start_new_thread(self._explain, ())
        elif self._n_holds:
            self._is_pending = True
        else:
            raise Stop

    def _raise_pending(self) -> None:
        if self._is_pending and not self._n_holds:
            self._is_pending = False
            raise Stop

    def _explain(self) -> None:
        time.sleep(PATIENCE)
        if self._is_patient:
            typer.echo("Stopping after this epoch; one more signal stops at once.", err=True)


signals = Signals()
