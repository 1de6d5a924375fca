"""Where a step's time goes: a stopwatch for its stages, which costs nothing while nobody looks.

A thread's stopwatch is a row of 64-bit integers: the last reading, and the time spent in each
stage, in ticks of the processor's own counter.
"""

from __future__ import annotations

import platform
from typing import Any

from fastmlp.kernels.cache import compiled
from fastmlp.kernels.simd import INT64, Integer, Lanes, vector_op

# Stages of a step. FORWARD and UPDATE stand for the first layer, which may skip zeros; the layers
# above have stages of their own.
(
    GATHER,
    FORWARD,
    FORWARD_ABOVE,
    LOSS,
    BACKWARD,
    UPDATE,
    UPDATE_ABOVE,
    WAIT,
    N_STAGES,
) = range(9)

WATCH_FIELDS = 16  # two cache lines, so that threads don't share one

IS_X86 = platform.machine().lower() in ("x86_64", "amd64")


@vector_op
def _ticks(v: Lanes, zero: Any) -> Integer:
    """The processor's own counter; elsewhere than on x86, where it may be forbidden, zero."""
    return v.call("llvm.readcyclecounter", INT64, []) if IS_X86 else zero


@vector_op
def _put(v: Lanes, table: Any, index: Any, value: Any) -> None:
    v.store(value, v.at(table, index))


@vector_op
def _get(v: Lanes, table: Any, index: Any) -> Integer:
    return v.load(v.at(table, index), INT64)


@compiled
def ticks():
    """A reading of the counter."""
    return _ticks(0)


@compiled
def start(watch):
    """Start a stopwatch; `watch` is its address, or 0 for none."""
    if watch != 0:
        _put(watch, N_STAGES, _ticks(0))


@compiled
def lap(watch, stage):
    """Add the time since the last reading to a stage."""
    if watch != 0:
        now = _ticks(0)
        _put(watch, stage, _get(watch, stage) + now - _get(watch, N_STAGES))
        _put(watch, N_STAGES, now)
