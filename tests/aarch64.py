"""Makes this process compile for aarch64, and run what it compiles in an emulator.

To be imported before fastmlp: LLVM compiles for the processor that Numba asks it about, and Unicorn
emulates one that shares this process's memory.
"""

from __future__ import annotations

import platform
from typing import Any

import llvmlite.binding as llvm
import numpy as np
import scipy.linalg  # noqa: F401 - is not to hear of another processor
import unicorn
from numba import types
from numba.core import config
from numba.core.ccallback import CFunc
from numba.core.compiler_lock import global_compiler_lock
from unicorn import arm64_const as arm64

llvm.initialize_all_targets()
llvm.initialize_all_asmprinters()
llvm.get_process_triple = lambda: "aarch64-unknown-linux-gnu"
llvm.get_host_cpu_features = dict
config.CPU_NAME, config.CPU_FEATURES = "cortex-a72", "+neon"
platform.machine = lambda: "aarch64"

CHUNK = 1 << 30  # bytes of this process's memory that are lent to the emulator at a time
STACK = 1 << 20  # bytes


class Emulator:
    """A processor that calls functions at addresses of this process."""

    def __init__(self) -> None:
        self._processor = unicorn.Uc(unicorn.UC_ARCH_ARM64, unicorn.UC_MODE_ARM)
        self._processor.reg_write(arm64.UC_ARM64_REG_CPACR_EL1, 3 << 20)  # allow vectors
        self._processor.hook_add(unicorn.UC_HOOK_MEM_UNMAPPED, self._lend)
        self._stack = np.zeros(STACK, np.uint8)

    @staticmethod
    def _lend(processor: Any, access: int, address: int, *_: Any) -> bool:
        start = address & -CHUNK
        processor.mem_map_ptr(start, CHUNK, unicorn.UC_PROT_ALL, start)
        return True

    def call(self, address: int, *arguments: int) -> int:
        """Call a function of integers, which returns one."""
        bottom = self._stack.ctypes.data
        for number, argument in enumerate(arguments):
            self._processor.reg_write(arm64.UC_ARM64_REG_X0 + number, int(argument))
        self._processor.reg_write(arm64.UC_ARM64_REG_SP, (bottom + STACK) & -16)
        self._processor.reg_write(arm64.UC_ARM64_REG_LR, bottom)  # to return to, which is the end
        self._processor.emu_start(address, bottom)
        return self._processor.reg_read(arm64.UC_ARM64_REG_X0)


def emulated(kernel: Any, n_arguments: int) -> Any:
    """A kernel of integers that Python calls, and the emulator runs."""
    signature = (types.intp,) * n_arguments, types.intp
    function = CFunc(kernel.py_func, signature, {}, {"error_model": "numpy"})
    emulator = Emulator()
    with global_compiler_lock:
        compiled = function._compile_uncached()
        name = compiled.fndesc.llvm_cfunc_wrapper_name
        address = compiled.library.get_pointer_to_function(name)

    def call(*arguments: int) -> int:
        assert compiled.library  # which must live as long as its code is called
        return emulator.call(address, *arguments)

    return call
