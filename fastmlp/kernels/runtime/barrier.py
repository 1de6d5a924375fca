"""A team of threads, its gate and its barrier: how the threads of one call wait for each other.

A team is the calling thread, thread 0, and its helpers. It exists for one stretch of steps, within
one call from Python, so there is no pool that could break in a fork or hang at exit.

The threads of a team first wait at a gate. If some helper has not arrived there after a while (no
core is free), thread 0 disbands the team: all helpers return without having done anything, and
thread 0 works alone. A helper that has waited too long returns by itself, since an interrupt may
have kept thread 0 away. The gate's state is one shared integer that changes atomically, so that no
thread ever waits for one that might not come.

After the gate, threads wait for each other at a barrier, any number of times. A waiting thread
spins on a shared integer for about as long as a stage takes; after that it yields its core between
looks, since another program may need it.
"""

from __future__ import annotations

import os
import platform
from typing import Any

import numpy as np
from numba import types
from numpy.typing import NDArray

from fastmlp.kernels.codegen.cache import compiled
from fastmlp.kernels.codegen.registers import IS_ARM64
from fastmlp.kernels.codegen.simd import INT32, INT64, Lanes
from fastmlp.kernels.codegen.vector_op import Integer, vector_op

# A team in memory is three 64-bit integers, each in its own cache line, at these offsets in bytes:
# how many threads wait at the barrier; how often the barrier has been passed; the gate.
N_AT_BARRIER, GENERATION, GATE = 0, 64, 128
TEAM_BYTES = 192

# The gate's state is the number of helpers waiting there, or one of these.
OPEN, DISBANDED = -1, -2

SPINS = 500  # looks before a waiting thread yields its core
GATE_LOOKS = 20_000  # looks of thread 0 at the gate before it works alone: some ms
HELPER_LOOKS = 2_000_000  # looks of a helper before it returns: about a second

_yield_core = types.ExternalFunction(
    "SwitchToThread" if os.name == "nt" else "sched_yield", types.int32()
)


@vector_op
def _add(v: Lanes, address: Any, amount: Any) -> Integer:
    """Atomically add to a shared integer; returns the value before."""
    return v.builder.atomic_rmw("add", v.pointer(address, INT64), amount, "acq_rel")


@vector_op
def _look(v: Lanes, address: Any) -> Integer:
    """Read a shared integer (acquire): everything written before it is visible afterwards."""
    return v.builder.load_atomic(v.pointer(address, INT64), "acquire", 8)


@vector_op
def _set(v: Lanes, address: Any, value: Any) -> None:
    """Write a shared integer (release): whoever reads it sees all earlier writes."""
    v.builder.store_atomic(value, v.pointer(address, INT64), "release", 8)


@vector_op
def _swap(v: Lanes, address: Any, old: Any, new: Any) -> Integer:
    """Atomically replace `old` by `new`; returns 1, or 0 if the value was not `old`."""
    pointer = v.pointer(address, INT64)
    pair = v.builder.cmpxchg(pointer, old, new, "acq_rel", "acquire")
    return v.builder.zext(v.builder.extract_value(pair, 1), INT64)


@vector_op
def _pause(v: Lanes, amount: Any) -> None:
    """Tell the core that this loop only waits, which saves power; `amount` is ignored."""
    from llvmlite import ir

    if platform.machine().lower() in ("x86_64", "amd64", "i686"):
        v.call("llvm.x86.sse2.pause", ir.VoidType(), [])
    elif IS_ARM64:
        v.call("llvm.aarch64.hint", ir.VoidType(), [ir.Constant(INT32, 1)])


def disband(team: NDArray[np.uint8]) -> None:
    """Send all threads of a team home that come to the gate, or wait there; thread 0 works alone.

    From Python, which does it if a thread is missing: to wait for one in vain takes for ever where
    no core is free, as each look is followed by other programs' turns.
    """
    team.view(np.int64)[GATE // 8] = DISBANDED


@compiled
def enter(team, thread, n_threads):
    """Pass the gate; returns how many threads work, or 0 to a helper that has no team."""
    if n_threads == 1:
        return 1
    gate = team + GATE
    looks = 0
    if thread == 0:
        while True:
            waiting = _look(gate)
            looks += 1
            if waiting == n_threads - 1:
                if _swap(gate, waiting, OPEN) != 0:
                    return n_threads
            elif waiting == DISBANDED:
                return 1
            elif looks > GATE_LOOKS:
                if _swap(gate, waiting, DISBANDED) != 0:
                    return 1
            else:
                _yield_core()
    waiting = _look(gate)
    while waiting >= 0 and _swap(gate, waiting, waiting + 1) == 0:
        waiting = _look(gate)
    state = _look(gate) if waiting >= 0 else DISBANDED
    while state >= 0:
        looks += 1
        if looks > HELPER_LOOKS:
            if _swap(gate, state, state - 1) != 0:
                return 0
        elif looks > SPINS:
            _yield_core()
        state = _look(gate)
    return n_threads if state == OPEN else 0


@compiled
def meet(team, n_threads):
    """A barrier: returns when all threads of the team have called it."""
    if n_threads > 1:
        generation = _look(team + GENERATION)
        if _add(team + N_AT_BARRIER, 1) == n_threads - 1:
            _set(team + N_AT_BARRIER, 0)
            _add(team + GENERATION, 1)
        else:
            looks = 0
            while _look(team + GENERATION) == generation:
                looks += 1
                if looks < SPINS:
                    _pause(0)
                else:
                    _yield_core()
