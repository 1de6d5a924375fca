"""Warnings for the caller of this package, which name the caller's line."""

from __future__ import annotations

import contextlib
import os
import sys
import warnings
from collections.abc import Iterator
from contextvars import ContextVar
from pathlib import Path
from types import FrameType

PACKAGE = str(Path(__file__).parents[1]) + os.sep
Gathered = list[tuple[str, type[Warning]]]

_gathered: ContextVar[Gathered | None] = ContextVar("_gathered", default=None)


def warn_user(message: str, category: type[Warning] = UserWarning) -> None:
    """Issue a warning that names the line of the caller outside this package and scikit-learn."""
    gathered = _gathered.get()
    if gathered is not None:
        gathered.append((message, category))
        return
    level, frame = 1, sys._getframe()
    while frame.f_back is not None and _is_internal(frame):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level)


@contextlib.contextmanager
def gathered_warnings() -> Iterator[Gathered]:
    """Gather in a list what `warn_user` is given by this thread, which the caller did not start."""
    found: Gathered = []
    token = _gathered.set(found)
    try:
        yield found
    finally:
        _gathered.reset(token)


def _is_internal(frame: FrameType) -> bool:
    """Whether a frame is this package's, or scikit-learn's, which wraps `fit`."""
    module = str(frame.f_globals.get("__name__", ""))
    return frame.f_code.co_filename.startswith(PACKAGE) or module.startswith("sklearn.")
