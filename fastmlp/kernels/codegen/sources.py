"""Hashes the source code that machine code is compiled from, wherever Python imported it from.

Usually that is a folder, but it may be an archive: a zipapp, or what a cluster distributes.
"""

from __future__ import annotations

import functools
import hashlib
import sys
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from types import FunctionType
from typing import Any

FASTMLP = __name__.partition(".")[0]
KERNELS = f"{FASTMLP}.kernels"


def hash_of(function: FunctionType) -> str:
    """Return the joint SHA-256 of all source files that a function's code may depend on.

    That is the whole tree of `fastmlp.kernels`. A function from elsewhere adds the whole tree of
    its package, or, if its module is in no package, the files in the same folder.

    Files are read on the first call, which should come while they are still what was imported.
    Returns "" if there is no source, as for code typed into an interpreter.
    """
    # A .pyc knows only where it was once compiled, so the module's spec is asked first.
    spec = function.__globals__.get("__spec__")
    origin = function.__code__.co_filename if spec is None else spec.origin
    return _with_kernels(_hash_around(spec, origin))


@functools.cache
def identify(kind: type) -> str:
    """Return `hash_of` for a class; its name and address if there is no source."""
    module = sys.modules.get(kind.__module__)
    spec, file = getattr(module, "__spec__", None), getattr(module, "__file__", None)
    # Names with an address are never cached on disk: without a source, each process compiles anew.
    # functools.cache keeps the class alive, so that no other one can get its address.
    found = _hash_around(spec, file)
    return _with_kernels(found) or f"{kind.__qualname__} at 0x{id(kind):x}"


def _hash_around(spec: Any, origin: str | None) -> str:
    """Return the hash of a module's tree, found by its spec, or else by its file."""
    if spec is not None and spec.parent:
        return _hash_package(_root(spec.parent))
    file = Path(origin or "").resolve()
    return _hash_folder(file.parent) if file.is_file() else ""


def _root(package: str) -> str:
    """Return the package whose tree a package belongs to."""
    first, *rest = package.split(".")
    # For fastmlp itself only the subpackage: an edit of its command line changes no kernel.
    return f"{first}.{rest[0]}" if first == FASTMLP and rest else first


def _with_kernels(own: str) -> str:
    """Return a hash combined with that of the kernels, which all compiled code builds on."""
    kernels = _hash_package(KERNELS)
    if own in ("", kernels):
        return own
    return hashlib.sha256(f"{own} {kernels}".encode()).hexdigest()


@functools.cache
def _hash_folder(folder: Path) -> str:
    try:
        return _hash([(path.name, path.read_bytes()) for path in folder.glob("*.py")])
    except OSError:
        return ""


@functools.cache
def _hash_package(name: str) -> str:
    try:
        return _hash(list(_files(resources.files(name), "")))
    except (OSError, ImportError, TypeError):  # a loader that can't list files
        return ""


def _files(folder: Any, place: str) -> Iterator[tuple[str, bytes]]:
    """Yield the Python files of a tree: their paths within it and their contents."""
    for item in folder.iterdir():
        path = f"{place}/{item.name}"
        if item.name.endswith(".py"):
            yield path, item.read_bytes()
        elif item.name != "__pycache__" and item.is_dir():
            yield from _files(item, path)


def _hash(files: list[tuple[str, bytes]]) -> str:
    digest = hashlib.sha256()
    for name, text in sorted(files):
        digest.update(b"%s %d\n" % (name.encode(), len(text)))
        digest.update(text)
    return digest.hexdigest() if files else ""
