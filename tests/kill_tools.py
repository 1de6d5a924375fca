"""Kills a process before and after each call that it makes to the system for files."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from types import BuiltinFunctionType, FrameType
from typing import Any

# Nothing has changed after these that had not before.
LOOKS = {
    "_path_normpath", "fileno", "fspath", "fstat", "getcwd", "listdir", "lstat", "readlink",
    "scandir", "stat", "urandom",
}  # fmt: skip


def changes_files(function: Any) -> bool:
    """Whether a function of C may change files, such as os.replace, or a stream's write."""
    if getattr(function, "__name__", "") in LOOKS:
        return False
    owner = getattr(function, "__self__", None)
    modules = {getattr(function, "__module__", None), type(owner).__module__}
    return bool(modules & {"posix", "_io", "io"})


class Countdown:
    """What Python calls before and after each call: it kills the process at one of these."""

    def __init__(self, n: int) -> None:
        self.left = n

    def __call__(self, frame: FrameType, event: str, function: Any) -> None:
        if event in ("c_call", "c_return", "c_exception") and changes_files(function):
            if self.left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            self.left -= 1


def kill_everywhere(
    prepare: Callable[[], None], act: Callable[[], None], check: Callable[[bool], None]
) -> int:
    """Run `act` again and again in a child, which is killed one moment later each time.

    Parameters
    ----------
    prepare : callable
        Makes the state before each.
    act : callable
    check : callable
        Called as ``check(is_whole)`` after each, which says whether the child came to its end.

    Returns
    -------
    int
        How many children were killed.
    """
    assert isinstance(os.replace, BuiltinFunctionType)
    n = 0
    while True:
        prepare()
        child = os.fork()
        if child == 0:
            sys.setprofile(Countdown(n))
            act()
            sys.setprofile(None)
            os._exit(0)
        status = os.waitpid(child, 0)[1]
        assert status in (0, signal.SIGKILL), status
        check(status == 0)
        if status == 0:
            return n
        n += 1
