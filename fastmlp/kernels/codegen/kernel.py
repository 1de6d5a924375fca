"""A kernel: the function that a stage runs, compiled separately and called by its address.

Because stages are compiled separately, a process compiles or loads only those that its network
needs, and another activation or optimiser recompiles only the kernels that depend on it. They share
one signature::

    kernel(work, layer, dtype, *entries)

`work` and `layer` are the addresses of a thread's records (`records`). The network's dtype and the
entries have a type but no value (`numba_types`): for each combination of them, a kernel is compiled
to a variant, whose machine code takes just the two addresses.
"""

from __future__ import annotations

import contextlib
import pickle
from collections.abc import Callable
from types import FunctionType
from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir
from llvmlite.binding import ffi
from numba import types
from numba.core import event
from numba.core.ccallback import CFunc
from numba.core.compiler_lock import global_compiler_lock
from numba.core.registry import cpu_target
from numba.core.serialize import dumps
from numba.extending import intrinsic

from fastmlp import forks
from fastmlp.kernels.codegen.cache import KernelCache, check_compiler, externals_of, provide
from fastmlp.kernels.codegen.compile_notice import watch
from fastmlp.kernels.codegen.numba_types import DTypeToken, Entry, EntryType

OPTIONS = {"error_model": "numpy"}

forks.hold(global_compiler_lock, ffi.lib._lock)


class Kernel:
    """A kernel, compiled when the address of one of its variants is first asked for.

    Parameters
    ----------
    function : function
        ``function(work, layer, dtype, *entries)``, defined at the top of a module.
    """

    def __init__(self, function: FunctionType) -> None:
        self.py_func, self.__doc__ = function, function.__doc__
        self.name = function.__name__
        self._cache = KernelCache(function)
        self._variants: dict[tuple[str, ...], tuple[int, Any]] = {}
        watch.functions.add(function)

    def address(self, dtype: np.dtype[Any], *entries: Entry) -> int:
        """Return the address of the machine code for a dtype and entries; compile it if needed."""
        entries = (DTypeToken(dtype.name), *entries)
        variant = tuple(entry.key for entry in entries)
        if variant not in self._variants:
            with forks.one_kernel(global_compiler_lock):
                if variant not in self._variants:  # else another thread was faster
                    self._variants[variant] = self._get(entries)
        return self._variants[variant][0]

    def _get(self, entries: tuple[Entry, ...]) -> tuple[int, Any]:
        """The address, and the library that must be kept alive while the address is in use."""
        signature = types.void(types.intp, types.intp, *map(EntryType, entries))
        codegen = cpu_target.target_context.codegen()
        with self._cache.turn(signature, codegen):
            return self._load(signature, codegen) or self._compile(signature, codegen)

    def _load(self, signature: Any, codegen: Any) -> tuple[int, Any] | None:
        with contextlib.suppress(Exception):  # whatever is wrong with the file, compile instead
            if payload := self._cache.load(signature, codegen):
                externals, name, parts = pickle.loads(payload)
                provide(externals, cpu_target.target_context)
                library = codegen.unserialize_library(parts)
                return library.get_pointer_to_function(name), library
        return None

    def _compile(self, signature: Any, codegen: Any) -> tuple[int, Any]:
        check_compiler()
        with event.trigger_event("numba:compile", data={"dispatcher": self}):
            callback: Any = CFunc(self.py_func, (signature.args, types.void), {}, OPTIONS)
            result = callback._compile_uncached()
        name = result.fndesc.llvm_cfunc_wrapper_name
        address = result.library.get_pointer_to_function(name)
        self._cache.save(signature, codegen, lambda: _reduced(result.library, name))
        return address, result.library


def _reduced(library: Any, name: str) -> bytes:
    return dumps((externals_of(library), name, library.serialize_using_object_code()))


def kernel(function: Callable[..., None]) -> Kernel:
    """Make a function a kernel; see :class:`Kernel`."""
    return Kernel(function)  # type: ignore[arg-type]


@intrinsic
def call(typingctx: Any, address: Any, work: Any, layer: Any) -> Any:
    """Call the kernel at an address, from jitted code."""

    def codegen(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        target, *arguments = values
        kinds = [argument.type for argument in arguments]
        function = ir.FunctionType(ir.VoidType(), kinds)
        builder.call(builder.inttoptr(target, function.as_pointer()), arguments)
        return context.get_dummy_value()

    return types.void(types.intp, types.intp, types.intp), codegen


class Stage(NamedTuple):
    """A kernel to run on a layer (counted from 0); without a kernel, a barrier for all threads.

    Its time is counted under `name`.
    """

    name: str
    kernel: Kernel | None = None
    layer: int = 0
    entries: tuple[Entry, ...] = ()
