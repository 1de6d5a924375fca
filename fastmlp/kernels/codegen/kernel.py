"""A kernel: what a stage of a training step runs, compiled on its own and called by its address.

Stages are compiled apart, so that a process compiles, or loads, only those that its network needs,
and another activation or optimiser costs only the kernels that it takes part in. They share one
signature::

    kernel(work, layer, dtype, *entries)

with the addresses of a thread's own records (`records`), and arguments that
have a type and no value: the network's dtype and entries (`numba_types`). A variant
is what a kernel is compiled to for a dtype and entries; its code takes two addresses, no more.
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
from fastmlp.kernels.codegen.numba_types import Entry, EntryType, Number

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
        self._cache = KernelCache(function, OPTIONS)
        self._variants: dict[tuple[str, ...], tuple[int, Any]] = {}
        watch.functions.add(function)

    def address(self, dtype: np.dtype[Any], *entries: Entry) -> int:
        """Return where the machine code for a dtype and for entries lies."""
        entries = (Number(dtype.name), *entries)
        variant = tuple(entry.key for entry in entries)
        if variant not in self._variants:
            with forks.one_kernel(global_compiler_lock):
                if variant not in self._variants:  # else another thread has been here meanwhile
                    self._variants[variant] = self._get(entries)
        return self._variants[variant][0]

    def _get(self, entries: tuple[Entry, ...]) -> tuple[int, Any]:
        """The address, and the library that has to live as long as it is used."""
        signature = types.void(types.intp, types.intp, *map(EntryType, entries))
        codegen = cpu_target.target_context.codegen()
        with contextlib.suppress(Exception):  # whatever is wrong with the file: compile
            if payload := self._cache.load(signature, codegen):
                externals, name, parts = pickle.loads(payload)
                provide(externals, cpu_target.target_context)
                library = codegen.unserialize_library(parts)
                return library.get_pointer_to_function(name), library
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
    """Make a kernel of a function; see :class:`Kernel`."""
    return Kernel(function)  # type: ignore[arg-type]


@intrinsic
def call(typingctx: Any, address: Any, work: Any, layer: Any) -> Any:
    """Call the kernel at an address, for jitted code."""

    def codegen(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        target, *arguments = values
        kinds = [argument.type for argument in arguments]
        function = ir.FunctionType(ir.VoidType(), kinds)
        builder.call(builder.inttoptr(target, function.as_pointer()), arguments)
        return context.get_dummy_value()

    return types.void(types.intp, types.intp, types.intp), codegen


class Stage(NamedTuple):
    """A kernel on a layer (counted from 0); no kernel: all threads meet.

    `name` is what its time is counted as.
    """

    name: str
    kernel: Kernel | None = None
    layer: int = 0
    entries: tuple[Entry, ...] = ()
