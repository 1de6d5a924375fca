"""Kernels that measure a core's limits: independent multiply-adds, and sequential reads."""

from __future__ import annotations

from typing import Any

from fastmlp.kernels.codegen.cache import compiled
from fastmlp.kernels.codegen.registers import N_REGISTERS, VECTOR_BYTES
from fastmlp.kernels.codegen.simd import INT64, Lanes, constant
from fastmlp.kernels.codegen.vector_op import Integer, lanes, vector_op

# Independent sums: a core has up to 16 multiply-adds in flight (4 per cycle, with a latency of 4
# cycles). One register is left for the factor.
CHAINS = 24 if N_REGISTERS == 32 else 12
STREAMS = 8  # independent sums of loaded vectors
READ_BYTES = STREAMS * VECTOR_BYTES  # the number of bytes to read is a multiple of this


@vector_op
def _multiply_add(v: Lanes, n: Any, out: Any, half: Any) -> None:
    """`n` times: each of CHAINS vectors becomes itself times `half`, plus `half`."""
    b = v.builder
    factor = v.splat(half)
    _, *sums = v.loop(
        [constant(0)] + [factor] * CHAINS,
        lambda i, *_: b.icmp_signed("<", i, n),
        lambda i, *sums: [b.add(i, constant(1)), *(v.fma(s, factor, factor) for s in sums)],
    )
    for chain, value in enumerate(sums):
        v.store(value, v.at(out, chain * v.count))


@vector_op
def _read(v: Lanes, start: Any, n_bytes: Any) -> Integer:
    """The sum of `n_bytes` of float64 from `start` on, as an integer."""
    b = v.builder

    def body(i: Any, *sums: Any) -> list[Any]:
        at = b.add(start, i)
        values = [v.load(v.at(at, stream * v.count)) for stream in range(STREAMS)]
        added = [b.fadd(s, value) for s, value in zip(sums, values, strict=True)]
        return [b.add(i, constant(READ_BYTES)), *added]

    _, total, *others = v.loop(
        [constant(0)] + [v.full(0.0)] * STREAMS,
        lambda i, *_: b.icmp_signed("<", i, n_bytes),
        body,
    )
    for other in others:
        total = b.fadd(total, other)
    return b.fptosi(v.reduce(b.fadd, [total]), INT64)


@compiled
def multiply_add(n, out, half):
    """Run `n` rounds; returns the number of multiply-adds per round.

    Parameters
    ----------
    n : int
    out : int
        Address of CHAINS vectors, where the results go.
    half : float
        0.5, with which all values converge to 1; its dtype is the one to measure.
    """
    _multiply_add(n, out, half)
    return CHAINS * lanes(half)


@compiled
def read(start, n_bytes, times):
    """Read `n_bytes`, a multiple of READ_BYTES, `times` times; returns the sum of the values."""
    total = 0
    for _ in range(times):
        total += _read(start, n_bytes)
    return total
