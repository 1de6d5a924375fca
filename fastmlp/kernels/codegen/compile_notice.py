"""Tells the user when compiling kernels takes long."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections.abc import Iterator
from types import FunctionType

from numba.core import event

ANNOUNCE_AFTER = 1.0  # seconds of compiling


class Watch(event.Listener):
    """Tells the user on stderr when compiling adds up to more than ANNOUNCE_AFTER seconds.

    Numba calls it at the start and the end of every compilation, under its compiler lock.

    Attributes
    ----------
    functions : set of function
        The kernels to watch: Numba also reports the user's own jitted functions.
    depth : int
        How many of them are being compiled now: one, and those that it calls.
    unkept : str
        Why the first result that could not be cached could not be; "" while there is none.
    """

    def __init__(self) -> None:
        self.functions: set[FunctionType] = set()
        self.depth = 0
        self.unkept = ""
        self._spent = 0.0  # seconds of compiling not yet reported
        self._held: list[int] = []  # the thread of each open `as_one` block
        self._is_slow = False
        self._announced = False
        self._explained = False

    def on_start(self, event: event.Event) -> None:
        if not self._is_kernel(event):
            return
        self.depth += 1
        if self.depth == 1:
            self._started = time.perf_counter()
            self._timer = threading.Timer(max(0.0, ANNOUNCE_AFTER - self._spent), self._announce)
            self._timer.daemon = True
            self._timer.start()

    def on_end(self, event: event.Event) -> None:
        if not self._is_kernel(event):
            return
        self.depth -= 1
        if self.depth == 0:
            self._timer.cancel()
            self._timer.join()
            self._spent += time.perf_counter() - self._started
            self._conclude()

    @contextlib.contextmanager
    def as_one(self) -> Iterator[None]:
        """Report everything that is compiled within the block in one message."""
        thread = threading.get_ident()
        self._held.append(thread)
        try:
            yield
        finally:
            self._held.remove(thread)
            self._conclude()

    def _conclude(self) -> None:
        """Report the time, if compiling was announced and no `as_one` block is open."""
        if self._is_slow and not self._held:
            _say(f"compiled in {self._spent:.1f} s")
            self._spent, self._is_slow = 0.0, False

    def forget_others(self) -> None:
        """Drop the parent's other threads, which don't exist in a forked child."""
        self._held = [thread for thread in self._held if thread == threading.get_ident()]

    def explain(self, reason: str) -> None:
        """If compiling was announced, say, once, why the result could not be cached."""
        self.unkept = self.unkept or reason
        if self._announced and not self._explained:
            self._explained = True
            _say(reason)

    def _is_kernel(self, event: event.Event) -> bool:
        return getattr(event.data["dispatcher"], "py_func", None) in self.functions

    def _announce(self) -> None:
        self._is_slow = True
        if not self._announced:
            self._announced = True
            _say("compiling kernels for this machine, once ...")


def _say(text: str) -> None:
    with contextlib.suppress(OSError, ValueError):  # a closed stderr
        print(f"fastmlp: {text}", file=sys.stderr, flush=True)


watch = Watch()
event.register("numba:compile", watch)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=watch.forget_others)
