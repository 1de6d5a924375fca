"""The source of what is compiled, as a hash, wherever Python has imported it from.

Mostly that is a folder, but it may be an archive too: a zipapp, or what a cluster sends around.
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
    """Return the joint SHA-256 of all the source that a function's code may come from.

    That is the whole tree of `fastmlp.kernels`. A function from elsewhere adds the whole tree of
    its package, or, if its module is in no package, the files beside it.

    They are read when they are first asked for, so ask while they are still those that were
    imported. Empty where there is no source: of what was typed in, or came without it.
    """
    # A .pyc knows only where it was once compiled, so that the module's word comes first.
    spec = function.__globals__.get("__spec__")
    origin = function.__code__.co_filename if spec is None else spec.origin
    return _with_kernels(_hash_around(spec, origin))


@functools.cache
def identify(kind: type) -> str:
    """Return `hash_of` for a class; its address where there is no source."""
    module = sys.modules.get(kind.__module__)
    spec, file = getattr(module, "__spec__", None), getattr(module, "__file__", None)
    # Without a source it is compiled anew by each process, as all that is named so. The cache above
    # keeps the class, so that no other one gets its address.
    found = _hash_around(spec, file)
    return _with_kernels(found) or f"{kind.__qualname__} at 0x{id(kind):x}"


def _hash_around(spec: Any, origin: str | None) -> str:
    """Return the hash of a module's tree, from its spec, or without one from its file."""
    if spec is not None and spec.parent:
        return _hash_package(_root(spec.parent))
    file = Path(origin or "").resolve()
    return _hash_folder(file.parent) if file.is_file() else ""


def _root(package: str) -> str:
    """Return the package whose tree a package belongs to."""
    first, *rest = package.split(".")
    # Of fastmlp itself the part: an edit of its command line changes no kernel.
    return f"{first}.{rest[0]}" if first == FASTMLP and rest else first


def _with_kernels(own: str) -> str:
    """Return a hash joined with that of the kernels, on which all compiled code is built."""
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
    except (OSError, ImportError, TypeError):  # a loader that gives nothing away
        return ""


def _files(folder: Any, place: str) -> Iterator[tuple[str, bytes]]:
    """Go through the Python files of a tree, by their paths within it."""
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
