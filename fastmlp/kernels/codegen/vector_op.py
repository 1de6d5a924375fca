"""Turns Python functions that emit vector instructions into functions for jitted code.

Conventions of every vector op
------------------------------
* Addresses and sizes are plain integers (``intp``); strides and offsets count *elements*.
* One argument gives the type of the elements at all addresses, float32 or float64: either `dtype`
  (`numba_types.DTypeToken`), which has no value, or `one`, a float of that type whose value is not
  used. The latter is for functions that Python calls with ordinary scalars.
* Nothing is checked here: callers have checked shapes, dtypes and contiguity.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from fastmlp.kernels.codegen.buffers import LINE
from fastmlp.kernels.codegen.numba_types import DTypeToken, EntryType, Fields, PointerType, View
from fastmlp.kernels.codegen.simd import Lanes, constant

Integer = Any  # what a vector op returns, if it returns anything: a 64-bit LLVM value

# Types of arguments that are not converted to integers.
_KEPT = (types.Float, types.BaseNamedTuple, EntryType, PointerType)


def _dtype_of(kind: Any) -> Any:
    """The element type that an argument stands for; None if it stands for none."""
    if isinstance(kind, EntryType) and isinstance(kind.entry, DTypeToken):
        return getattr(types, kind.entry.dtype)
    return kind if isinstance(kind, types.Float) else None


def _operand(builder: Any, kind: Any, value: Any) -> Any:
    """An argument as `emit` receives it: record fields, a named tuple, an entry, or a value."""
    if isinstance(kind, PointerType):
        return Fields(builder, kind, value)
    if isinstance(kind, EntryType):
        return kind.entry
    if isinstance(kind, types.BaseNamedTuple):
        return kind.instance_class(*cgutils.unpack_tuple(builder, value))
    return value


def vector_op(emit: Callable[..., Any]) -> Any:
    """Turn ``emit(lanes, *arguments)``, which emits instructions, into a function for jitted code.

    The last argument that is a float or a `DTypeToken` gives the type of the elements; an op on
    integers needs none. Other arguments are integers, named tuples of them, records and entries.
    `emit` returns None, or a 64-bit integer if it is annotated ``-> Integer``.
    """

    def typed(typingctx: Any, *arguments: Any) -> Any:
        dtypes = [dtype for kind in arguments if (dtype := _dtype_of(kind)) is not None]
        dtype = dtypes[-1] if dtypes else types.float64
        kinds = [kind if isinstance(kind, _KEPT) else types.intp for kind in arguments]

        def codegen(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            operands = [_operand(builder, *pair) for pair in zip(kinds, values, strict=True)]
            result = emit(Lanes(builder, dtype), *operands)
            return context.get_dummy_value() if result is None else result

        returns = types.intp if emit.__annotations__["return"] == "Integer" else types.void
        return returns(*kinds), codegen

    # Numba checks the number of arguments, which the signature of `typed` leaves open.
    typed.__signature__ = inspect.signature(emit)  # type: ignore[attr-defined]
    typed.__name__ = emit.__name__
    typed.__doc__ = emit.__doc__
    return intrinsic(typed)


@vector_op
def itemsize(v: Lanes, dtype: Any) -> Integer:
    """Size of an element in bytes."""
    return constant(v.size)


@vector_op
def lanes(v: Lanes, dtype: Any) -> Integer:
    """Number of elements in a vector."""
    return constant(v.count)


@vector_op
def copy_rows(v: Lanes, source: View, rows: Any, n: Any, out: View, dtype: Any) -> None:
    """``out[r, :n] = source[r, :n]``, an element at a time."""
    b = v.builder

    def copy(r: Any) -> None:
        start, target = (v.at(view.address, b.mul(r, view.row)) for view in (source, out))
        v.repeat(n, lambda i: v.store(v.load(v.at(start, i), v.element), v.at(target, i)))

    v.repeat(rows, copy)


@vector_op
def fill(v: Lanes, out: View, rows: Any, n: Any, dtype: Any) -> None:
    """``out[r, :n] = 0``."""
    b = v.builder

    def row(r: Any) -> None:
        start = v.at(out.address, b.mul(r, out.row))
        v.repeat(n, lambda i: v.store(v.full(0.0), v.at(start, i)), step=v.count)

    v.repeat(rows, row)


@vector_op
def copy_vectors(v: Lanes, source: Any, n: Any, out: Any) -> None:
    """``out[:n] = source[:n]``, in 64-bit words; `n` is rounded up to whole vectors."""
    v.repeat(n, lambda i: v.store(v.load(v.at(source, i)), v.at(out, i)), step=v.count)


@vector_op
def prefetch_to_write(v: Lanes, out: View, rows: Any, n: Any, dtype: Any) -> None:
    """Claim the cache lines of `n` elements of each of `rows` rows for this core to write to.

    Nothing waits for a line: while one is fetched from another core, the next ones are requested.
    """
    b = v.builder

    def claim(r: Any) -> None:
        at = v.at(out.address, b.mul(r, out.row))
        v.repeat(n, lambda i: v.prefetch(v.at(at, i), to_write=True), step=LINE // v.size)

    v.repeat(rows, claim)
