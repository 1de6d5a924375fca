"""The source of what is compiled, as a hash, wherever Python has imported it from.

Mostly that is a folder, but it may be an archive too: a zipapp, or what a cluster sends around.
"""

from __future__ import annotations

import functools
import hashlib
import sys
from importlib import resources
from pathlib import Path
from types import FunctionType


def hash_beside(function: FunctionType) -> str:
    """Return the joint SHA-256 of all Python files beside the one that defines a function.

    They are read when they are first asked for, so ask while they are still those that were
    imported. Empty where there is no source: of what was typed in, or came without it.
    """
    spec = function.__globals__.get("__spec__")
    # A .pyc knows only where it was once compiled, so that the module's word comes first.
    origin = function.__code__.co_filename if spec is None else spec.origin or ""
    file = Path(origin).resolve()
    if file.is_file():
        return _hash_folder(file.parent)
    return _hash_package(spec.parent) if spec is not None and spec.parent else ""


@functools.cache
def _hash_folder(folder: Path) -> str:
    try:
        return _hash([(path.name, path.read_bytes()) for path in folder.glob("*.py")])
    except OSError:
        return ""


@functools.cache
def _hash_package(name: str) -> str:
    try:
        files = [file for file in resources.files(name).iterdir() if file.name.endswith(".py")]
        return _hash([(file.name, file.read_bytes()) for file in files])
    except (OSError, ImportError, TypeError):  # a loader that gives nothing away
        return ""


def _hash(files: list[tuple[str, bytes]]) -> str:
    digest = hashlib.sha256()
    for name, text in sorted(files):
        digest.update(b"%s %d\n" % (name.encode(), len(text)))
        digest.update(text)
    return digest.hexdigest() if files else ""


@functools.cache
def identify(kind: type) -> str:
    """Return the SHA-256 of the file that defines a class; its address where there is no file."""
    module = sys.modules.get(kind.__module__)
    file, spec = getattr(module, "__file__", None), getattr(module, "__spec__", None)
    try:
        if file is None:
            raise FileNotFoundError(kind.__module__)
        source = Path(file).read_bytes() if spec is None else spec.loader.get_data(file)
    except (OSError, AttributeError):
        # As all that is named so, it is compiled anew by each process. The cache above keeps the
        # class, so that no other one gets its address.
        return f"{kind.__qualname__} at 0x{id(kind):x}"
    return hashlib.sha256(source).hexdigest()
