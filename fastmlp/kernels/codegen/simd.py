"""Emits vector instructions: the vocabulary in which the kernels' innermost loops are written.

Numba has no vector type, and LLVM's auto-vectoriser gives up on the loops that matter here, since
it can't prove that the arrays don't overlap. So the innermost loops are *emitted* as LLVM's
intermediate representation: a Python function receives a :class:`Lanes`, each method of which emits
one vector instruction, and `vector_op` turns that function into one that jitted code can call.

The Python code runs once, when a kernel is compiled. Its variables hold LLVM values, that is, the
results that instructions will have at run time. A Python loop emits its body several times;
:meth:`Lanes.loop` emits a loop that runs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir
from numba.core import cgutils

from fastmlp.kernels.codegen.registers import VECTOR_BYTES

INT8, INT16, INT32, INT64 = (ir.IntType(bits) for bits in (8, 16, 32, 64))
BOOL = ir.IntType(1)


def constant(value: int) -> ir.Constant:
    """A 64-bit integer constant."""
    return ir.Constant(INT64, value)


ZERO = constant(0)


class Lanes:
    """Emits vector instructions for one element type to one LLVM builder.

    Parameters
    ----------
    builder : llvmlite.ir.IRBuilder
    dtype : numba.types.float32 or numba.types.float64

    Attributes
    ----------
    count : int
        Elements in a vector.
    size : int
        Bytes of an element.
    """

    def __init__(self, builder: Any, dtype: Any) -> None:
        self.builder = builder
        self.size = dtype.bitwidth // 8
        self.count = VECTOR_BYTES // self.size
        self.element = ir.FloatType() if self.size == 4 else ir.DoubleType()
        self.vector = ir.VectorType(self.element, self.count)
        self.integer = INT32 if self.size == 4 else INT64
        self.integers = ir.VectorType(self.integer, self.count)

    # -- memory ------------------------------------------------------------------------------
    def at(self, address: Any, *offsets: Any) -> Any:
        """The address plus `offsets`, which count elements (integers or LLVM values)."""
        for offset in offsets:
            if isinstance(offset, int):
                if offset:
                    address = self.builder.add(address, constant(offset * self.size))
            else:
                address = self.builder.add(address, self.builder.mul(offset, constant(self.size)))
        return address

    def pointer(self, address: Any, kind: Any) -> Any:
        return self.builder.inttoptr(address, kind.as_pointer())

    def load(self, address: Any, kind: Any = None) -> Any:
        """Load a vector, or a `kind`, from an address that is at least aligned to an element."""
        kind = kind or self.vector
        value = self.builder.load(self.pointer(address, kind))
        value.align = self.size if kind in (self.vector, self.element) else 1
        return value

    def load_masked(self, address: Any, mask: Any, kind: Any) -> Any:
        """Load the lanes whose mask is set, zeros for the others, whose memory is not read."""
        pointer = self.pointer(address, kind)
        alignment, zeros = ir.Constant(INT32, 1), ir.Constant(kind, [0] * kind.count)
        name = f"llvm.masked.load.{_suffix(kind)}.p0"
        return self.call(name, kind, [pointer, alignment, mask, zeros])

    def store(self, value: Any, address: Any) -> None:
        instruction = self.builder.store(value, self.pointer(address, value.type))
        element = getattr(value.type, "element", value.type)
        instruction.align = {INT8: 1, INT32: 4, ir.FloatType(): 4}.get(element, 8)

    def prefetch(self, address: Any, level: int = 1, to_write: bool = False) -> None:
        """Request a cache line for a level of the caches; `to_write` claims it for writing."""
        flags = [ir.Constant(INT32, flag) for flag in (int(to_write), 4 - level, 1)]
        self.call("llvm.prefetch.p0", ir.VoidType(), [self.pointer(address, INT8), *flags])

    # -- arithmetic --------------------------------------------------------------------------
    def call(self, name: str, result: Any, arguments: Sequence[Any]) -> Any:
        """Call one of LLVM's intrinsics."""
        kind = ir.FunctionType(result, [argument.type for argument in arguments])
        function = cgutils.get_or_insert_function(self.builder.module, kind, name)
        return self.builder.call(function, arguments)

    def fma(self, a: Any, b: Any, c: Any) -> Any:
        """``a * b + c``, rounded once."""
        return self.call(f"llvm.fma.{_suffix(a.type)}", a.type, [a, b, c])

    def splat(self, scalar: Any, kind: Any = None) -> Any:
        """A vector with `scalar` in each lane."""
        kind = kind or self.vector
        undefined = ir.Constant(kind, ir.Undefined)
        first = self.builder.insert_element(undefined, scalar, ir.Constant(INT32, 0))
        lanes = ir.Constant(ir.VectorType(INT32, kind.count), [0] * kind.count)
        return self.builder.shuffle_vector(first, undefined, lanes)

    def full(self, value: float) -> Any:
        """A vector with the constant `value` in each lane."""
        return ir.Constant(self.vector, [ir.Constant(self.element, value)] * self.count)

    def scalar(self, value: float) -> Any:
        """The constant `value`."""
        return ir.Constant(self.element, value)

    def broadcast(self, address: Any) -> Any:
        """A vector with the element at `address` in each lane."""
        return self.splat(self.load(address, self.element))

    def below(self, limit: Any) -> Any:
        """Mask of the lanes whose index is less than `limit` (a 64-bit integer)."""
        b, all_lanes = self.builder, constant(self.count)
        limit = b.select(b.icmp_signed("<", limit, all_lanes), limit, all_lanes)
        return b.icmp_signed("<", self._lane_indices(), self._integer(limit))

    def is_lane(self, index: Any) -> Any:
        """Mask of the lane with this index (a 64-bit integer); empty if there is none."""
        b, none = self.builder, constant(self.count)
        index = b.select(b.icmp_unsigned("<", index, none), index, none)
        return b.icmp_signed("==", self._lane_indices(), self._integer(index))

    def bits(self, mask: Any) -> Any:
        """The mask as a 64-bit integer: bit n is that of lane n."""
        b = self.builder
        return b.zext(b.bitcast(mask, ir.IntType(self.count)), INT64)

    def lowest(self, bits: Any) -> Any:
        """The index of the lowest set bit; undefined if there is none."""
        return self.call("llvm.cttz.i64", INT64, [bits, BOOL(1)])

    def _lane_indices(self) -> Any:
        """The vector 0, 1, 2, ..., of integers as wide as an element."""
        return ir.Constant(self.integers, list(range(self.count)))

    def _integer(self, value: Any) -> Any:
        """A 64-bit integer, which must fit, in each lane."""
        value = value if self.size == 8 else self.builder.trunc(value, self.integer)
        return self.splat(value, self.integers)

    def relu(self, z: Any) -> Any:
        """0 where z < 0, else z; with this comparison NaN stays NaN."""
        return self.builder.select(self.is_negative(z), self.full(0.0), z)

    def is_negative(self, x: Any) -> Any:
        return self.builder.fcmp_ordered("<", x, self.full(0.0))

    def is_positive(self, x: Any) -> Any:
        return self.builder.fcmp_ordered(">", x, self.full(0.0))

    def negative(self, x: Any) -> Any:
        return self.builder.fneg(x)

    def magnitude(self, x: Any) -> Any:
        return self.call(f"llvm.fabs.{_suffix(x.type)}", x.type, [x])

    def nearest(self, x: Any) -> Any:
        """The nearest whole number; of two, the even one."""
        return self.call(f"llvm.rint.{_suffix(x.type)}", x.type, [x])

    def copy_sign(self, x: Any, sign: Any) -> Any:
        """x with the sign of `sign`."""
        return self.call(f"llvm.copysign.{_suffix(x.type)}", x.type, [x, sign])

    def square_root(self, x: Any) -> Any:
        """Correctly rounded."""
        return self.call(f"llvm.sqrt.{_suffix(x.type)}", x.type, [x])

    def maximum(self, a: Any, b: Any) -> Any:
        return self.builder.select(self.builder.fcmp_ordered(">", a, b), a, b)

    def reduce(self, operation: Callable[[Any, Any], Any], values: Sequence[Any]) -> Any:
        """Combine all lanes of 1, 2, 4, ... vectors, halving their number each time, to a scalar.

        Of 16 elements, those 8 apart are combined first, then those 4 apart, and so on. So a sum
        has the same bits whether they are one vector of 16 or four vectors of 4.
        """
        values = list(values)
        while len(values) > 1:
            half = len(values) // 2
            values = [operation(*pair) for pair in zip(values[:half], values[half:], strict=True)]
        (value,) = values
        width = self.count
        undefined = ir.Constant(self.vector, ir.Undefined)
        while width > 1:
            width //= 2
            order = [(lane + width) % self.count for lane in range(self.count)]
            mask = ir.Constant(ir.VectorType(INT32, self.count), order)
            value = operation(value, self.builder.shuffle_vector(value, undefined, mask))
        return self.builder.extract_element(value, ir.Constant(INT32, 0))

    # -- control -----------------------------------------------------------------------------
    def loop(
        self,
        initial: Sequence[Any],
        condition: Callable[..., Any],
        body: Callable[..., Sequence[Any]],
    ) -> list[Any]:
        """Emit ``while condition(*values): values = body(*values)``; returns the last values."""
        builder = self.builder
        before = builder.block
        head = builder.append_basic_block("head")
        inside = builder.append_basic_block("body")
        after = builder.append_basic_block("after")
        builder.branch(head)
        builder.position_at_end(head)
        values = [builder.phi(value.type) for value in initial]
        for phi, value in zip(values, initial, strict=True):
            phi.add_incoming(value, before)
        builder.cbranch(condition(*values), inside, after)
        builder.position_at_end(inside)
        following = body(*values)
        for phi, value in zip(values, following, strict=True):
            phi.add_incoming(value, builder.block)
        builder.branch(head)
        builder.position_at_end(after)
        return values

    def choose(
        self, condition: Any, then: Callable[[], Sequence[Any]], otherwise: Sequence[Any]
    ) -> list[Any]:
        """Emit ``values = then() if condition else otherwise``, as a branch."""
        builder = self.builder
        before = builder.block
        with builder.if_then(condition):
            values = then()
            inside = builder.block
        chosen = []
        for value, other in zip(values, otherwise, strict=True):
            phi = builder.phi(value.type)
            phi.add_incoming(value, inside)
            phi.add_incoming(other, before)
            chosen.append(phi)
        return chosen

    def repeat(
        self,
        n: Any,
        body: Callable[..., Sequence[Any] | None],
        step: int = 1,
        initial: Sequence[Any] = (),
        first: Any = ZERO,
    ) -> list[Any]:
        """Emit ``for i in range(first, n, step): values = body(i, *values)``.

        Returns the last values; without `initial` there are none, and `body` returns nothing.
        """

        def once(i: Any, *values: Any) -> list[Any]:
            following = body(i, *values) or ()
            return [self.builder.add(i, constant(step)), *following]

        def is_inside(i: Any, *_: Any) -> Any:
            return self.builder.icmp_signed("<", i, n)

        return self.loop([first, *initial], is_inside, once)[1:]

    def repeat_whole(self, first: Any, end: Any, step: int, body: Callable[[Any], None]) -> Any:
        """Emit ``while i + step <= end: body(i); i += step`` from i = first; returns the last i."""

        def once(i: Any) -> list[Any]:
            body(i)
            return [self.builder.add(i, constant(step))]

        def fits(i: Any) -> Any:
            return self.builder.icmp_signed("<=", self.builder.add(i, constant(step)), end)

        return self.loop([first], fits, once)[0]


def _suffix(kind: Any) -> str:
    element = getattr(kind, "element", kind)
    name = f"i{element.width}" if isinstance(element, ir.IntType) else None
    name = name or ("f32" if isinstance(element, ir.FloatType) else "f64")
    return f"v{kind.count}{name}" if hasattr(kind, "count") else name


# Sums over the units of a row are computed as if vectors always had this many lanes, so that the
# width of vectors changes no bit of them.
SUM_LANES = 16
