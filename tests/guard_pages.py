"""Arrays between pages that nobody may touch: a kernel that reads or writes beside them dies.

``python tests/guard_pages.py before`` runs all that `test_memory` runs, with such a page just
before every array that kernels read or write; ``after`` does so with one just after it.
"""

from __future__ import annotations

import contextlib
import ctypes
import faulthandler
import math
import mmap
import sys
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray

from fastmlp.kernels import inference
from fastmlp.kernels.codegen.buffers import LINE
from fastmlp.kernels.layout.memory_plan import Plan

Array = NDArray[Any]
PAGE = mmap.PAGESIZE
PLACES = ("before", "after")  # where the guard is that an array touches
# What kernels read besides the buffers that they are given by `aligned`: arrays of NumPy's.
READ = {"x", "x_indices", "x_indptr", "targets", "row_weights", "order", "floor", "scale"}
FILLER = 255  # what stands between an aligned array and its guard: NaN, and a wrong label or mask


class Guarded:
    """Makes arrays beside a guard: those of kernels start at a cache line, others anywhere."""

    def __init__(self, place: str) -> None:
        self.is_after = place == "after"
        self._protect = ctypes.CDLL(None, use_errno=True).mprotect
        self._protect.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)

    def zeros(self, shape: Any, dtype: Any, unit: int = LINE) -> Array:
        """Return zeros at a multiple of `unit` bytes."""
        dtype = np.dtype(dtype)
        n_bytes = math.prod(np.atleast_1d(shape).tolist()) * dtype.itemsize
        n_inside = -(-max(n_bytes, 1) // PAGE) * PAGE
        memory = mmap.mmap(-1, n_inside + 2 * PAGE)
        raw = np.frombuffer(memory, np.uint8)
        for start in (0, PAGE + n_inside):
            if self._protect(raw.ctypes.data + start, PAGE, 0):
                raise OSError(ctypes.get_errno(), "mprotect")
        inside = raw[PAGE : PAGE + n_inside]
        inside[:] = FILLER
        start = (n_inside - n_bytes) // unit * unit if self.is_after else 0
        array = inside[start : start + n_bytes]
        array[:] = 0
        return array.view(dtype).reshape(shape)

    def copy(self, array: Any, dtype: Any = None) -> Array:
        """Return a copy right beside the guard, C-contiguous."""
        beside = self.zeros(np.shape(array), dtype or array.dtype, unit=1)
        beside[...] = array
        return beside


@contextlib.contextmanager
def guarded(place: str) -> Iterator[Guarded]:
    """Put all that kernels read or write beside guards, while the block runs."""
    make, put = Guarded(place), Plan.put

    def put_copy(self: Plan, field: str, array: Array) -> Array:
        return put(self, field, make.copy(array) if field in READ else array)

    with contextlib.ExitStack() as patches:
        for name, module in list(sys.modules.items()):
            if name.startswith("fastmlp.kernels.") and hasattr(module, "aligned"):
                patches.enter_context(patch.object(module, "aligned", make.zeros))
        patches.enter_context(patch.object(Plan, "put", put_copy))
        # Predictions go to what `empty` returns, and parameters are read where they are.
        numpy = vars(np) | {"empty": make.zeros, "ascontiguousarray": make.copy}
        patches.enter_context(patch.object(inference, "np", SimpleNamespace(**numpy)))
        yield make


def run_all(place: str) -> None:
    """Run what `test_memory` runs; the process dies at the first touch of a guard."""
    from test_memory import NETS, calls, predictions, trainings

    with guarded(place):
        for sizes in NETS:
            for dtype in ("float32", "float64"):
                print(place, sizes, dtype, flush=True)
                for run in trainings(sizes, dtype):
                    assert np.isfinite(run.losses).all()
                for array in (*predictions(sizes, dtype), *calls(sizes, dtype)):
                    assert np.isfinite(array).all()


def touch(place: str, n_beyond: int) -> None:
    """Read the last byte of an array, or the first one, or one that is so many bytes further."""
    array = Guarded(place).copy(np.arange(5, dtype=np.uint8))
    start = -n_beyond if place == "before" else len(array) - 1 + n_beyond
    print(ctypes.string_at(array.ctypes.data + start, 1)[0])


if __name__ == "__main__":
    faulthandler.enable()
    if sys.argv[2:]:
        touch(sys.argv[1], int(sys.argv[2]))
    else:
        run_all(sys.argv[1])
