"""What the readers of files share: is it a file, and is the archive whole?"""

from __future__ import annotations

import gzip
import zipfile
import zlib
from pathlib import Path

UNPACKING_ERRORS = (EOFError, gzip.BadGzipFile, zlib.error, zipfile.BadZipFile)
"""What gzip and zipfile raise on archives that are cut short or damaged."""


def damaged(path: Path) -> ValueError:
    """Return the error for an archive that raised one of `UNPACKING_ERRORS`."""
    return ValueError(f"{path} is damaged or cut short: download or copy it again")


def check_is_file(path: Path) -> None:
    """Raise FileNotFoundError or IsADirectoryError unless `path` is a file."""
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder: give the path of a file")
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist: check the path for typing errors")
