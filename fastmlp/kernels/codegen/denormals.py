"""Flushes denormal results to zero while training.

Denormal numbers are those below the smallest normal number. L2 makes the weights of inputs that are
always zero, such as pixels at the border, decay to such values, and on some processors arithmetic
with a denormal result takes a hundred times as long, which can double the time of an epoch. So a
thread that trains sets its processor to round these results to zero, as PyTorch
(`torch.set_flush_denormal`) and JAX do, and restores the mode after each stretch of steps.
"""

from __future__ import annotations

import platform
from typing import Any

from llvmlite import ir
from numba.core import cgutils

from fastmlp.kernels.codegen.simd import INT8, INT32, INT64, Lanes
from fastmlp.kernels.codegen.vector_op import Integer, vector_op

# On x86 the mode can be set. Other processors have not been found to be slow with denormals.
CAN_FLUSH = platform.machine().lower() in ("x86_64", "amd64")
FLUSH_TO_ZERO = 1 << 15  # a bit of the register MXCSR; Intel's manual, volume 1, 10.2.3


@vector_op
def flush_denormals(v: Lanes, wanted: Any) -> Integer:
    """Flush the calling thread's denormal results to 0 if `wanted`; returns the previous mode."""
    if not CAN_FLUSH:
        return wanted
    b = v.builder
    place = cgutils.alloca_once(b, INT32)
    _access(v, "stmxcsr", place)
    before = b.load(place)
    flushing = b.or_(before, ir.Constant(INT32, FLUSH_TO_ZERO))
    is_wanted = b.icmp_signed("!=", wanted, ir.Constant(wanted.type, 0))
    b.store(b.select(is_wanted, flushing, before), place)
    _access(v, "ldmxcsr", place)
    return b.zext(before, INT64)


@vector_op
def restore_mode(v: Lanes, mode: Any) -> None:
    """Restore the calling thread's mode, as `flush_denormals` returned it."""
    if CAN_FLUSH:
        b = v.builder
        place = cgutils.alloca_once(b, INT32)
        b.store(b.trunc(mode, INT32), place)
        _access(v, "ldmxcsr", place)


def _access(v: Lanes, instruction: str, place: Any) -> None:
    pointer = v.builder.bitcast(place, INT8.as_pointer())
    v.call(f"llvm.x86.sse.{instruction}", ir.VoidType(), [pointer])
