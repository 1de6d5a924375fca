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
PATIENCE = 1.0  # seconds after a signal until the user is told that the epoch has to end first


class Stop(KeyboardInterrupt):
    """Raised by all three signals; a KeyboardInterrupt, so that code made for Ctrl-C handles it."""


class Signals:
    """How the command line reacts to a signal.

    Usually `Stop` is raised at once. In code that must run as a whole, `held`, it is raised at the
    end. During a training, `patient`, a first signal is only noted in `caught`, which a callback
    reads between two epochs; a second one raises.

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
        """A word for what has happened."""
        return WORDS[self.caught or "SIGINT"]

    @property
    def status(self) -> int:
        """The exit status that shells expect after this signal."""
        return 128 + getattr(signal, self.caught or "SIGINT")

    @contextmanager
    def handled(self) -> Iterator[None]:
        """Handle the signals in here, and restore the former handlers afterwards."""
        self._reset()
        before: dict[int, Any] = {}
        hooks = sys.unraisablehook, sys.excepthook

        # A callback from C can't raise an error, and an extension module being loaded prints it and
        # raises another one. Python would print a traceback of `Stop`; `caught` has the signal.
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
                    number = getattr(signal, name, None)  # Windows has no SIGHUP
                    # Signals ignored by nohup, or for a background job, stay ignored.
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
        """Defer signals to the end of what is done in here."""
        self._n_holds += 1
        try:
            yield
        finally:
            self._n_holds -= 1
        self._raise_pending()

    @contextmanager
    def patient(self) -> Iterator[None]:
        """Only note the first signal, in `caught`; raise on the second one."""
        self._is_patient = True
        try:
            if self.caught:  # before, and a library has swallowed the exception
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
            # Not a threading.Thread: it takes locks that the interrupted code may hold.
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
        if self._is_patient and self.caught:  # not a later run in this process
            typer.echo("Stopping after this epoch; one more signal stops at once.", err=True)


signals = Signals()
