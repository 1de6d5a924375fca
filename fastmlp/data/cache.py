"""Where downloaded and rendered data are kept, and how progress is reported."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from fastmlp import caches

Progress = Callable[[int, int], None]
"""Called as ``progress(done, total)``, in bytes or images, while there is something to wait for."""


def cache_folder() -> Path:
    """Return ``$FASTMLP_CACHE_DIR/data``, or the same in the user's cache; it need not exist."""
    return caches.cache_folder("data")
