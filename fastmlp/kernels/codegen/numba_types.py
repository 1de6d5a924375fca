"""Numba types for the arguments of kernels: records, entries, and views.

A kernel receives addresses of *records*, rows of named 64-bit integers. Python fills them as NumPy
structured arrays, and jitted code reads their fields as attributes::

    LAYER = Record("Layer", "weights panel ...")    layers = LAYER.rows(3); layers["panel"] = 512
    layer_at = LAYER.reader()                       in jitted code: layer_at(address).panel

An *entry* (an activation, a loss, an optimiser) is passed to a kernel as an argument without a
value: its type tells the compiler which entry it is, and is part of the cache's key. Numba compiles
a function anew for new argument types, so a kernel has one variant for each entry.

`PointerType` and what follows it teach Numba to read a record at an address.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import imputils
from numba.core.typing.templates import AttributeTemplate, infer_getattr
from numba.extending import intrinsic, models, register_model

from fastmlp.kernels.codegen.buffers import aligned
from fastmlp.kernels.codegen.sources import identify

WORD = 8  # bytes of a field


class Record:
    """A row of named 64-bit integers.

    Parameters
    ----------
    name : str
    fields : str
        The fields' names, separated by spaces.
    """

    def __init__(self, name: str, fields: str) -> None:
        self.name, self.fields = name, tuple(fields.split())
        self.size = len(self.fields) * WORD
        self.dtype = np.dtype([(field, np.int64) for field in self.fields])

    def rows(self, *shape: int) -> np.ndarray:
        """An array of such records, all zero, aligned to cache lines."""
        n_bytes = int(np.prod(shape)) * self.size
        return aligned(n_bytes, np.uint8).view(self.dtype).reshape(shape)

    def reader(self) -> Any:
        """Make the function through which jitted code reads and writes a record at an address."""
        kind = PointerType(self)

        def at(typingctx: Any, address: Any) -> Any:
            return kind(types.intp), lambda context, builder, signature, values: values[0]

        at.__name__ = f"{self.name.lower()}_at"
        return intrinsic(at)


class PointerType(types.Type):
    """The type of a record's address."""

    def __init__(self, record: Record) -> None:
        super().__init__(f"{record.name}({', '.join(record.fields)})")
        self.record = record


@register_model(PointerType)
class _PointerTypeModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, ir.IntType(64))


@infer_getattr
class _Fields(AttributeTemplate):
    key = PointerType

    def generic_resolve(self, kind: Any, field: str) -> Any:
        return types.intp if field in kind.record.fields else None


def _field(builder: Any, kind: Any, address: Any, field: str) -> Any:
    offset = ir.Constant(ir.IntType(64), kind.record.fields.index(field) * WORD)
    return builder.inttoptr(builder.add(address, offset), ir.IntType(64).as_pointer())


@imputils.lower_getattr_generic(PointerType)
def _get(context: Any, builder: Any, kind: Any, address: Any, field: str) -> Any:
    return builder.load(_field(builder, kind, address, field), align=WORD)


@imputils.lower_setattr_generic(PointerType)
def _set(context: Any, builder: Any, signature: Any, values: Any, field: str) -> None:
    address, value = values
    builder.store(value, _field(builder, signature.args[0], address, field), align=WORD)


class Fields:
    """A record's fields, for code that emits instructions: each read of one emits a load."""

    def __init__(self, builder: Any, kind: PointerType, address: Any) -> None:
        self._record = builder, kind, address

    def __getattr__(self, field: str) -> Any:
        builder, kind, address = self._record
        return builder.load(_field(builder, kind, address, field), align=WORD)


class Entry:
    """An activation, a loss or an optimiser: its methods emit the instructions of its formulas.

    See `activations`, `losses` and `optimizers` for the subclasses and the tables of their names.
    """

    @property
    def key(self) -> str:
        """What the entry's code depends on: its class, its attributes, and its sources."""
        kind: Any = type(self)
        state = sorted((name, repr(value)) for name, value in vars(self).items())
        return f"{kind.__module__}.{kind.__qualname__}{state} {identify(kind)}"


class DTypeToken(Entry):
    """The argument `dtype` of kernels, which stands for the network's dtype."""

    def __init__(self, dtype: str) -> None:
        self.dtype = dtype

    @property
    def key(self) -> str:
        return self.dtype


class EntryType(types.Type):
    """The type of an argument that stands for an entry and has no value at run time."""

    def __init__(self, entry: Entry) -> None:
        super().__init__(entry.key)
        self.entry = entry


@register_model(EntryType)
class _EntryModel(models.StructModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, [])


class View(NamedTuple):
    """A matrix in memory: an address, and the distances between rows and columns in elements."""

    address: Any
    row: Any
    column: Any = 1
