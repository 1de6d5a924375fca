"""The folders where compiled, downloaded and rendered files are cached."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

VARIABLE = "FASTMLP_CACHE_DIR"


def cache_folder(name: str, *, only_own: bool = False) -> Path:
    """Return the folder for one kind of cached files; it need not exist.

    It is in ``$FASTMLP_CACHE_DIR``, else in the user's cache folder, else, for a user without a
    home, in a temporary folder. If users share a cache and one of them can't use the folder that
    another has made, it gets one of its own, with its user id in the name.

    Parameters
    ----------
    name : str
        Such as ``kernels``.
    only_own : bool
        Whether to reject a folder of another user, even if it can be read, unless root owns it.
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
    """Return the root of the caches if it is temporary because the user has no home; else None."""
    if os.environ.get(VARIABLE) or os.name == "nt" or _is_usable(_user_cache()):
        return None
    return _temporary()


def advice() -> str:
    """Say what to do if nothing can be cached."""
    if os.environ.get(VARIABLE):
        return f"set {VARIABLE} to another folder, one that you can write to"
    return f"set {VARIABLE} to a folder that you can write to"


def _root() -> Path:
    if root := os.environ.get(VARIABLE):
        return Path(os.path.expanduser(root))
    # If there is no folder at all, a path where nothing can be stored.
    return temporary_root() or _user_cache() or Path(os.devnull)


def _user_cache() -> Path | None:
    """Return the system's cache folder for this user; None for a user without a home."""
    from platformdirs import user_cache_path

    try:
        folder = user_cache_path("fastmlp", appauthor=False)
    except RuntimeError:
        return None
    return folder if folder.is_absolute() else None  # "~/.cache" if the user id has no entry


def _is_usable(folder: Path | None) -> bool:
    """Whether the folder can be read or created."""
    if folder is None:
        return False
    if os.path.exists(folder):
        return os.access(folder, os.R_OK | os.X_OK)
    above = next(path for path in folder.parents if os.path.exists(path))
    return os.access(above, os.W_OK | os.X_OK)


def _temporary() -> Path | None:
    """Return this user's folder among the temporary files; None if there can be none."""
    user = os.geteuid()
    try:
        path = Path(tempfile.gettempdir()) / f"fastmlp-{user}"
        path.mkdir(mode=0o700, exist_ok=True)
        status = path.lstat()
    except OSError:
        return None
    # Another user may have created it first, to plant files there.
    is_own = stat.S_ISDIR(status.st_mode) and status.st_uid == user and not status.st_mode & 0o077
    return path if is_own else None
