"""The elementary functions over arrays; as a program, with vectors of another length.

``FASTMLP_LANES=8 python elementary_tools.py out.npz`` writes the results for `points`.
"""

from __future__ import annotations

import sys
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from fastmlp.kernels.codegen.buffers import aligned
from fastmlp.kernels.codegen.simd import Lanes, constant
from fastmlp.kernels.codegen.vector_op import vector_op
from fastmlp.kernels.entries import elementary

Array = NDArray[Any]
NAMES = (
    "exp_nonpositive",
    "exp",
    "log",
    "logistic",
    "tanh",
    "normal_cdf",
    "normal_density",
)
LONGEST = 16  # elements of the longest vector


@vector_op
def all_functions(v: Lanes, x: Any, n: Any, out: Any, one: Any) -> None:
    """Each function's results for the `n` elements of `x`, a row of `out` each."""
    b = v.builder

    def vector(i: Any) -> None:
        values = v.load(v.at(x, i))
        for row, name in enumerate(NAMES):
            result = getattr(elementary, name)(v, values)
            v.store(result, v.at(out, b.mul(n, constant(row)), i))

    v.repeat(n, vector, step=v.count)


@numba.njit  # not cached: the cache's key has the files of the kernels' folder, not this one
def run_all(x, n, out, one):
    all_functions(x, n, out, one)


def evaluate(x: Array) -> dict[str, Array]:
    """Each function's results for the elements of `x`, a vector of float32 or float64."""
    n = -(-x.size // LONGEST) * LONGEST
    packed, out = aligned((1, n), x.dtype), aligned((len(NAMES), n), x.dtype)
    packed[:], out[:] = 1, np.nan
    packed[0, : x.size] = x
    run_all(packed.ctypes.data, n, out.ctypes.data, x.dtype.type(1))
    return {name: row[: x.size].copy() for name, row in zip(NAMES, out, strict=True)}


def points(dtype: str) -> Array:
    """Numbers of either sign and any size: a normal spread, whole ranges, special ones."""
    rng = np.random.RandomState(0)
    info = np.finfo(dtype)
    exponents = rng.uniform(info.minexp + 1, info.maxexp - 1, 20_000)
    spread = rng.choice([-1, 1], 20_000) * 2.0**exponents
    end = 120 if dtype == "float32" else 800
    special = [0, -0.0, 1, -1, np.inf, -np.inf, np.nan, info.tiny, info.max, -info.max]
    with np.errstate(over="ignore", under="ignore"):
        x = [special, spread, rng.randn(40_000), rng.uniform(-end, end, 40_000)]
        return np.concatenate(x).astype(dtype)


if __name__ == "__main__":
    results = {
        f"{name} {dtype}": values
        for dtype in ("float32", "float64")
        for name, values in evaluate(points(dtype)).items()
    }
    np.savez(sys.argv[1], **results)
