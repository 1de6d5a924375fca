"""Where lies what is compiled, downloaded or rendered once and then kept."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

VARIABLE = "FASTMLP_CACHE_DIR"


def cache_folder(name: str, *, only_own: bool = False) -> Path:
    """Return a folder for one kind of things kept; it need not exist.

    It lies in ``$FASTMLP_CACHE_DIR``, else in the user's cache, else, where there is no home for
    one, in a temporary folder. Where users share a cache, those who can't use the first one's
    folder get one each, with their number in its name.

    Parameters
    ----------
    name : str
        Such as ``kernels``.
    only_own : bool
        Whether another user's folder is no good, even if it can be read; the superuser's is.
    """
    root = _root()
    folder = root / name
    if os.name == "nt" or not os.path.lexists(folder):
        return folder
    is_good = os.access(folder, os.R_OK | os.X_OK)
    if is_good and only_own:
        is_good = folder.stat().st_uid in (0, os.geteuid())
    return folder if is_good else root / f"{name}-{os.geteuid()}"


def temporary_root() -> Path | None:
    """Return the folder of the caches if that is a temporary one, for want of a home."""
    if os.environ.get(VARIABLE) or os.name == "nt" or _is_usable(_user_cache()):
        return None
    return _temporary()


def advice() -> str:
    """Say what to do where nothing can be kept."""
    if os.environ.get(VARIABLE):
        return f"set {VARIABLE} to another folder, one that you can write to"
    return f"set {VARIABLE} to a folder that you can write to"


def _root() -> Path:
    if root := os.environ.get(VARIABLE):
        return Path(os.path.expanduser(root))
    # Without any of them, a place where nothing can be kept.
    return temporary_root() or _user_cache() or Path(os.devnull)


def _user_cache() -> Path | None:
    """Return the folder that the user's system names; None for a user without a home."""
    from platformdirs import user_cache_path

    try:
        folder = user_cache_path("fastmlp", appauthor=False)
    except RuntimeError:
        return None
    return folder if folder.is_absolute() else None  # "~/.cache", where there is no name either


def _is_usable(folder: Path | None) -> bool:
    """Whether the folder can be read, or can be made."""
    if folder is None:
        return False
    if os.path.exists(folder):
        return os.access(folder, os.R_OK | os.X_OK)
    above = next(path for path in folder.parents if os.path.exists(path))
    return os.access(above, os.W_OK | os.X_OK)


def _temporary() -> Path | None:
    """Return this user's folder beside others' temporary files, or None where that can't be."""
    user = os.geteuid()
    try:
        path = Path(tempfile.gettempdir()) / f"fastmlp-{user}"
        path.mkdir(mode=0o700, exist_ok=True)
        status = path.lstat()
    except OSError:
        return None
    # Someone else may have made it first, to put things of their own there.
    is_own = stat.S_ISDIR(status.st_mode) and status.st_uid == user and not status.st_mode & 0o077
    return path if is_own else None
