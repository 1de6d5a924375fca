"""Names for the memory that kernels are handed: records of integers, entries, and views.

A kernel gets addresses. Behind them lie *records*, rows of 64-bit integers with names, which Python
fills as a NumPy structured array and jitted code reads as attributes::

    LAYER = Record("Layer", "weights panel ...")    layers = LAYER.rows(3); layers["panel"] = 512
    layer_at = LAYER.reader()                       in jitted code: layer_at(address).panel

An *entry* (an activation, a loss, an optimiser) reaches a kernel as an argument without a value:
its type tells the compiler which one it is, and the cache which code. Types are how Numba decides
what to compile: a kernel that is called with another entry is another kernel.

The classes in the middle of this file (`PointerType` and what follows) teach Numba to read a record
behind an address.
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
    """A row of 64-bit integers with names.

    Parameters
    ----------
    name : str
    fields : str
        The fields' names, separated by blanks.
    """

    def __init__(self, name: str, fields: str) -> None:
        self.name, self.fields = name, tuple(fields.split())
        self.size = len(self.fields) * WORD
        self.dtype = np.dtype([(field, np.int64) for field in self.fields])

    def rows(self, *shape: int) -> np.ndarray:
        """Zeros: an array of such records, whole cache lines from the next array."""
        n_bytes = int(np.prod(shape)) * self.size
        return aligned(n_bytes, np.uint8).view(self.dtype).reshape(shape)

    def reader(self) -> Any:
        """Make the function by which jitted code reads and writes the fields behind an address."""
        kind = PointerType(self)

        def at(typingctx: Any, address: Any) -> Any:
            return kind(types.intp), lambda context, builder, signature, values: values[0]

        at.__name__ = f"{self.name.lower()}_at"
        return intrinsic(at)


class PointerType(types.Type):
    """The type of an address behind which a record lies."""

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
    """A record's fields, for code that writes instructions: reading one writes a load."""

    def __init__(self, builder: Any, kind: PointerType, address: Any) -> None:
        self._record = builder, kind, address

    def __getattr__(self, field: str) -> Any:
        builder, kind, address = self._record
        return builder.load(_field(builder, kind, address, field), align=WORD)


class Entry:
    """What a table of entries holds under a name: methods that write an entry's instructions.

    Subclasses are activations, losses and optimisers; see `activations`, `losses`, `optimizers`.
    """

    @property
    def key(self) -> str:
        """What the entry's code depends on: its class, and the source of the file it stands in."""
        kind: Any = type(self)
        state = sorted((name, repr(value)) for name, value in vars(self).items())
        return f"{kind.__module__}.{kind.__qualname__}{state} {identify(kind)}"


class Number(Entry):
    """Stands for the network's dtype, as an argument `dtype`: what a kernel's numbers are."""

    def __init__(self, dtype: str) -> None:
        self.dtype = dtype

    @property
    def key(self) -> str:
        return self.dtype


class EntryType(types.Type):
    """The type of an argument that stands for an entry, and is nothing at run time."""

    def __init__(self, entry: Entry) -> None:
        super().__init__(entry.key)
        self.entry = entry


@register_model(EntryType)
class _EntryModel(models.StructModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, [])


class View(NamedTuple):
    """Where numbers lie: an address, and elements from row to row and from column to column."""

    address: Any
    row: Any
    column: Any = 1
