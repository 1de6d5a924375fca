"""A stopwatch for the stages of a step, which costs nothing while it is off.

A thread's stopwatch is a row of 64-bit integers: the last reading, and from index FIRST on the time
spent in each of a program's stages (:func:`fastmlp.kernels.program.names`), in ticks of the
processor's own counter.
"""

from __future__ import annotations

import platform
from typing import Any

from fastmlp.kernels.codegen.cache import compiled
from fastmlp.kernels.codegen.simd import INT64, Lanes
from fastmlp.kernels.codegen.vector_op import Integer, vector_op

READING, FIRST = 0, 1

# Processors whose counter any program may read, and which runs at a constant rate.
HAS_COUNTER = platform.machine().lower() in ("x86_64", "amd64", "aarch64", "arm64", "ppc64le")


def n_fields(n_stages: int) -> int:
    """Length of a stopwatch: whole cache lines, and one more to separate it from the next."""
    return -(-(FIRST + n_stages) // 8) * 8 + 8


@vector_op
def _ticks(v: Lanes, zero: Any) -> Integer:
    """The processor's counter; `zero` if there is none."""
    return v.call("llvm.readcyclecounter", INT64, []) if HAS_COUNTER else zero


@vector_op
def _put(v: Lanes, table: Any, index: Any, value: Any) -> None:
    v.store(value, v.at(table, index))


@vector_op
def _get(v: Lanes, table: Any, index: Any) -> Integer:
    return v.load(v.at(table, index), INT64)


@compiled
def ticks():
    """Read the counter."""
    return _ticks(0)


@compiled
def start(watch):
    """Start a stopwatch; `watch` is its address, or 0 for none."""
    if watch != 0:
        _put(watch, READING, _ticks(0))


@compiled
def lap(watch, stage):
    """Add the time since the last reading to a stage."""
    if watch != 0:
        now = _ticks(0)
        _put(watch, stage, _get(watch, stage) + now - _get(watch, READING))
        _put(watch, READING, now)
