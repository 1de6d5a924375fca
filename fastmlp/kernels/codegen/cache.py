"""Kernels compiled once per machine: ``compiled`` is ``numba.njit`` with a safe disk cache.

Numba's own ``cache=True`` misses edits in other files, confuses variants of one function, and can
store wrong code under a key when two processes fill an empty cache. Here the key includes
everything that the code depends on, and an entry of the cache is one file (`cache_file`). In any
doubt (another key, a wrong checksum, a folder that others can write to, a full disk) the kernel is
compiled again in memory. No failure of the cache ever reaches the caller.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import pickle
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FunctionType
from typing import Any

import llvmlite
import llvmlite.binding as llvm
import numba
import numpy as np
from numba.core import config, sigutils
from numba.core.caching import _Cache
from numba.core.compiler import CompileResult
from numba.core.compiler_lock import global_compiler_lock
from numba.core.errors import NumbaWarning
from numba.core.runtime import rtsys
from numba.core.serialize import dumps

from fastmlp import caches
from fastmlp.engine import CompilerOffError
from fastmlp.kernels.codegen import cache_file, sources
from fastmlp.kernels.codegen.compile_notice import watch

_constants: dict[str, object] = {}


def compiled(function: Any, *, nogil: bool = True) -> Any:
    """Compile a kernel with Numba, or load it from the user's cache folder; used as ``@compiled``.

    The kernel releases the GIL, by default, and divides as NumPy does (no ZeroDivisionError).
    Everything that its code depends on must be in the source trees that `sources.hash_of` reads, or
    be passed to `key_on`. Only kernels called from Python are stored; those called by other kernels
    are part of their callers' code. Names must be unique: Numba's linker takes functions with the
    same name for the same function.

    Parameters
    ----------
    function : function
        Defined by ``def`` at the top of a module.
    nogil : bool

    Returns
    -------
    numba.core.dispatcher.Dispatcher

    Raises
    ------
    CompilerOffError
        With ``NUMBA_DISABLE_JIT=1``: vector instructions can't run as Python.
    TypeError
        If the function is not defined at the top of a module: it may close over variables that
        are not part of the key.
    """
    if not function.__qualname__.isidentifier():
        raise TypeError(
            f"{function.__qualname__} has no name of its own: define it at the top of a module"
        )
    check_compiler()
    kernel: Any = numba.njit(nogil=nogil, error_model="numpy")(function)
    cache = kernel._cache = KernelCache(function)
    compile_now = kernel.compile

    def compile_in_turn(signature: Any) -> Any:
        with global_compiler_lock, cache.turn(signature, kernel.targetctx.codegen()):
            return compile_now(signature)

    kernel.compile = compile_in_turn
    watch.functions.add(function)
    return kernel


def check_compiler() -> None:
    """Raise CompilerOffError if Numba's compiler is turned off."""
    config.reload_config()  # as Numba does before it compiles: the environment may have changed
    if config.DISABLE_JIT:
        raise CompilerOffError(
            "fastmlp has to compile, which NUMBA_DISABLE_JIT=1 (or numba.config.DISABLE_JIT) "
            "forbids: unset it before numba is imported, or use fastmlp.reference.MLP, plain NumPy"
        )


def key_on(**constants: object) -> None:
    """Add constants that the code depends on to every key, as in ``key_on(lanes=LANES)``.

    Call it where the constant is set, at import.
    """
    _constants.update(constants)


def cache_folder() -> Path:
    """Return the folder of the entries: ``$FASTMLP_CACHE_DIR/kernels``, or the user's cache."""
    return caches.cache_folder("kernels", only_own=True)


class KernelCache(_Cache):
    """Numba's cache interface: asked for a kernel's code before compiling, given it afterwards."""

    def __init__(self, function: FunctionType) -> None:
        # Not the file's name, which may be the same in two folders; nor its path, since copies of
        # the package share their code.
        line = function.__code__.co_firstlineno
        self._kernel = (function.__module__, line, function.__qualname__)
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
        """Do nothing: an entry never becomes stale, since its key would change."""

    def load_overload(self, signature: Any, target_context: Any) -> CompileResult | None:
        with contextlib.suppress(Exception):  # whatever is wrong with the file, compile instead
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
        """Whether to bypass the cache: a kernel compiled as part of another one is inlined."""
        return not self._enabled or watch.depth > 0

    @contextlib.contextmanager
    def turn(self, signature: Any, codegen: Any) -> Iterator[None]:
        """Load, compile and save in here: of several processes, one compiles, the others load.

        Enter it with Numba's compiler lock held: two threads that took both locks in different
        orders would wait for each other.
        """
        with contextlib.ExitStack() as stack:
            with contextlib.suppress(Exception):  # whatever is wrong there, don't wait
                if not self.is_asleep and (key := self._key(signature, codegen)):
                    stack.enter_context(cache_file.turn(self._path(key)))
            yield

    def load(self, signature: Any, codegen: Any) -> bytes | None:
        """Return what `save` stored; return None or raise OSError or ValueError if nothing is."""
        key = "" if self.is_asleep else self._key(signature, codegen)
        return cache_file.read(self._path(key), key) if key else None

    def save(self, signature: Any, codegen: Any, payload: Callable[[], bytes]) -> None:
        """Store what `payload` returns; if that fails, the kernel still works."""
        try:
            if not self.is_asleep and (key := self._key(signature, codegen)):
                cache_file.write(self._path(key), key, payload())
                cache_file.prune(cache_folder(), self._sources[:16])
        except Exception as error:
            watch.explain(f"the next process compiles again ({error}): {caches.advice()}")

    def _key(self, signature: Any, codegen: Any) -> str:
        """Return everything the code depends on, as one line of JSON; "" if that is unknown."""
        arguments, return_type = sigutils.normalize_signature(signature)
        # Numba names the types of functions and other objects by their address.
        if not self._sources or " at 0x" in str(arguments):
            return ""
        return json.dumps(
            {
                "kernel": self._kernel,
                "signature": [str(arguments), str(return_type)],
                "sources": self._sources,
                "constants": _constants,
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


# Numba's settings, from NUMBA_... in the environment, with which the same source for the same
# processor compiles to other code.
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
    """Return the symbols of functions defined inside functions, such as ``make.<locals>.tile``.

    In two cache entries, the same symbol may stand for functions that closed over different values.
    A process that loads both entries would run the first one's code for both.
    """
    return [
        function.name
        for function in result.library._final_module.functions
        if not function.is_declaration
        and "_3clocals_3e" in function.name  # "<locals>", mangled
        and not function.name.startswith("_ZN5numba")
    ]


def externals_of(library: Any) -> list[str]:
    """The names of functions that a library's code calls but does not contain."""
    return [
        function.name
        for function in library._final_module.functions
        if function.is_declaration and not function.name.startswith("llvm.")
    ]


def _reduce(result: CompileResult) -> bytes:
    """Serialise a kernel: the names of functions that it calls, and Numba's own serial form."""
    return dumps((externals_of(result.library), result._reduce()))


def provide(externals: list[str], target_context: Any) -> None:
    """Make the functions named in `externals` available to code that calls them.

    Numba refreshes its target before every look-up, which imports most of Numba and all of
    scipy.linalg (0.3 s). That is necessary only if a name is still undefined: none is in code whose
    arguments are scalars, and code that takes arrays needs just Numba's runtime (20 ms).
    """
    for step in (rtsys.initialize, type(target_context).refresh):
        if any(llvm.address_of_symbol(name) is None for name in externals):
            step(target_context)
