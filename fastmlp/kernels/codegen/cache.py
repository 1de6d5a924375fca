"""Kernels compiled once a machine: ``compiled``, which is ``numba.njit`` with a safe disk cache.

Numba's own ``cache=True`` misses edits in other files, mixes up variants of one function, and two
processes that fill one cold cache can leave wrong code under a key. Here the key has all that the
code depends on, and an entry of the cache is one file (`cache_file`). On any
doubt (another key, a wrong checksum, a folder that others can write to, a full disk) the kernel is
compiled again in memory. No trouble with the cache ever reaches the caller.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import pickle
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from types import FunctionType
from typing import Any, overload

import llvmlite
import llvmlite.binding as llvm
import numba
import numpy as np
from numba.core import config, sigutils
from numba.core.caching import _Cache
from numba.core.compiler import CompileResult
from numba.core.errors import NumbaWarning
from numba.core.runtime import rtsys
from numba.core.serialize import dumps

from fastmlp import caches
from fastmlp.engine import CompilerOffError
from fastmlp.kernels.codegen import cache_file, sources
from fastmlp.kernels.codegen.compile_notice import watch

_constants: dict[str, object] = {}


@overload
def compiled(function: Callable[..., Any], /) -> Any: ...
@overload
def compiled(**options: Any) -> Callable[[Callable[..., Any]], Any]: ...
def compiled(function: Any = None, /, **options: Any) -> Any:
    """Compile a kernel with Numba, or load it from the user's cache folder.

    Used as ``@compiled`` or ``@compiled(fastmath={"contract"})``. The kernel releases the GIL and
    divides as NumPy does (no ZeroDivisionError). Everything its code depends on has to be in the
    trees of source that `sources.hash_of` reads, or be named to `key_on`. Only kernels called from
    Python are stored; those called by other kernels are part of their callers' code. One name, one
    function: Numba's linker takes functions of one name for one and the same.

    Parameters
    ----------
    function : function
        Defined by ``def`` at the top of a module.
    **options
        Passed on to ``numba.njit``.

    Returns
    -------
    numba.core.dispatcher.Dispatcher

    Raises
    ------
    CompilerOffError
        With ``NUMBA_DISABLE_JIT=1``: vector instructions can't be run as Python.
    TypeError
        If the function is defined elsewhere: it may close over variables, which no key sees.
    """
    if function is None:
        return functools.partial(compiled, **options)
    if not function.__qualname__.isidentifier():
        raise TypeError(
            f"{function.__qualname__} has no name of its own: define it at the top of a module"
        )
    check_compiler()
    options = {"nogil": True, "error_model": "numpy"} | options
    kernel: Any = numba.njit(**options)(function)
    kernel._cache = KernelCache(function, options)
    watch.functions.add(function)
    return kernel


def check_compiler() -> None:
    """Raise CompilerOffError where Numba would stumble over its own uncompiled functions."""
    config.reload_config()  # as Numba does before it compiles: the environment may have changed
    if config.DISABLE_JIT:
        raise CompilerOffError(
            "fastmlp has to compile, which NUMBA_DISABLE_JIT=1 (or numba.config.DISABLE_JIT) "
            "forbids: unset it before numba is imported, or use fastmlp.reference.MLP, plain NumPy"
        )


def key_on(**constants: object) -> None:
    """Name constants of this process that become part of the code, as ``key_on(lanes=LANES)``.

    They become part of every key. Call it where the constant is set, at import.
    """
    _constants.update(constants)


def cache_folder() -> Path:
    """Return the folder of the entries: ``$FASTMLP_CACHE_DIR/kernels``, or the user's cache."""
    return caches.cache_folder("kernels", only_own=True)


class KernelCache(_Cache):
    """What Numba asks for a kernel's code before it compiles, and hands the code to afterwards."""

    def __init__(self, function: FunctionType, options: dict[str, Any]) -> None:
        # Not the file's name, which may be the same in two folders; nor its path, since a copy may
        # use the code of another one.
        line = function.__code__.co_firstlineno
        self._kernel = (function.__module__, line, function.__qualname__)
        self._options = {
            name: sorted(value) if isinstance(value, set | frozenset) else value
            for name, value in sorted(options.items())
        }
        self._sources = sources.hash_of(function)
        self._enabled = True

    @property
    def cache_path(self) -> str:
        return str(cache_folder())

    def enable(self) -> None:
        self._enabled = True

    def disable(self) -> None:
        self._enabled = False

    def flush(self) -> None:
        """Keep the entries: their keys hold all that could make them stale."""

    def load_overload(self, signature: Any, target_context: Any) -> CompileResult | None:
        with contextlib.suppress(Exception):  # whatever is wrong with the file: compile
            if payload := self.load(signature, target_context.codegen()):
                externals, reduced = pickle.loads(payload)
                provide(externals, target_context)
                return CompileResult._rebuild(target_context, *reduced)
        check_compiler()  # Numba compiles next
        return None

    def save_overload(self, signature: Any, result: CompileResult) -> None:
        if self.is_asleep or result.library.has_dynamic_globals:
            return
        if strangers := _factory_made(result):
            warnings.warn(
                f"{self._kernel[-1]} is not cached: give the functions that it calls a "
                f"__qualname__ of their own, without <locals>: {', '.join(strangers)}",
                NumbaWarning,
                stacklevel=2,
            )
            return
        self.save(signature, result.codegen, lambda: _reduce(result))

    @property
    def is_asleep(self) -> bool:
        """A kernel compiled as part of another one is inlined from its own source."""
        return not self._enabled or watch.depth > 0

    def load(self, signature: Any, codegen: Any) -> bytes | None:
        """Return what `save` has stored; None, or an OSError or ValueError, if it is not there."""
        key = "" if self.is_asleep else self._key(signature, codegen)
        return cache_file.read(self._path(key), key) if key else None

    def save(self, signature: Any, codegen: Any, payload: Callable[[], bytes]) -> None:
        """Store what `payload` returns; a kernel that can't be stored works all the same."""
        try:
            if not self.is_asleep and (key := self._key(signature, codegen)):
                cache_file.write(self._path(key), key, payload())
                cache_file.prune(cache_folder(), self._sources[:16])
        except Exception as error:
            watch.explain(f"the next process compiles again ({error}): {caches.advice()}")

    def _key(self, signature: Any, codegen: Any) -> str:
        """Return all that the code depends on, as one line of JSON; empty if that is unknown."""
        arguments, return_type = sigutils.normalize_signature(signature)
        # Types of functions and other objects are named by an address, or by nothing at all.
        if not self._sources or " at 0x" in str(arguments):
            return ""
        return json.dumps(
            {
                "kernel": self._kernel,
                "signature": [str(arguments), str(return_type)],
                "sources": self._sources,
                "constants": _constants,
                "options": self._options,
                "settings": {name: str(getattr(config, name, None)) for name in _SETTINGS},
                "target": codegen.magic_tuple(),
                "python": sys.version,
                "numba": numba.__version__,
                "llvmlite": llvmlite.__version__,
                "numpy": np.__version__,
            },
            sort_keys=True,
            default=str,
        )

    def _path(self, key: str) -> Path:
        digest = hashlib.sha256(key.encode()).hexdigest()
        name = f"{self._kernel[-1]}.{self._sources[:16]}.{digest[:32]}.kernel"
        return cache_folder() / name


# Numba's settings, from NUMBA_... in the environment, that change the code of one and the same
# source for one and the same processor.
_SETTINGS = (
    "BOUNDSCHECK",
    "DEBUGINFO_DEFAULT",
    "DEBUG_NRT",
    "LOOP_VECTORIZE",
    "NRT_STATS",
    "OPT",
    "SLP_VECTORIZE",
    "USING_SVML",
)


def _factory_made(result: CompileResult) -> list[str]:
    """Return the symbols of functions that other functions made, such as ``make.<locals>.tile``.

    Two of them may bear one symbol in two entries, which differ in what they closed over. A process
    that loads both entries would run the first one's code for both.
    """
    return [
        function.name
        for function in result.library._final_module.functions
        if not function.is_declaration
        and "_3clocals_3e" in function.name  # "<locals>", mangled
        and not function.name.startswith("_ZN5numba")
    ]


def externals_of(library: Any) -> list[str]:
    """The names of functions outside of a library that its code calls."""
    return [
        function.name
        for function in library._final_module.functions
        if function.is_declaration and not function.name.startswith("llvm.")
    ]


def _reduce(result: CompileResult) -> bytes:
    """Serialise a kernel: the names of functions that it calls, and Numba's own serial form."""
    return dumps((externals_of(result.library), result._reduce()))


def provide(externals: list[str], target_context: Any) -> None:
    """See to it that the functions are found that code calls, by their names `externals`.

    Numba refreshes its target before every look-up, which imports most of Numba and all of
    scipy.linalg (0.3 s). Code needs that only if it does not find all the names it calls: with
    arguments that are numbers it does, with arrays it needs Numba's runtime too (20 ms).
    """
    for step in (rtsys.initialize, type(target_context).refresh):
        if any(llvm.address_of_symbol(name) is None for name in externals):
            step(target_context)
