"""The engine with vectors of another length than this machine's: a program for test_lanes.py.

``FASTMLP_LANES=8 python engine_lanes.py 16 out.npz`` checks all kernels for 8 lanes and 16 vector
registers against the reference, and writes what has come out.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import sys
from typing import Any

import llvmlite.binding as llvm
import numpy as np
from numba.core.registry import cpu_target

cpu_target.target_context  # noqa: B018 - compiles for the true host, which it asks about just once
host_features = llvm.get_host_cpu_features


def with_registers(count: int) -> Any:
    """The host's features, as if it had `count` vector registers."""
    features = host_features()
    features["avx512f"] = count == 32
    return features


llvm.get_host_cpu_features = lambda: with_registers(int(sys.argv[1]))
from engine_tools import (  # noqa: E402
    Array,
    assert_close,
    assert_close_runs,
    assert_same_bits,
    inputs_divided,
    make_labels,
    make_parameters,
    make_rows,
    train,
)

from fastmlp import kernels, reference  # noqa: E402
from fastmlp.kernels import levels  # noqa: E402
from fastmlp.kernels.codegen import registers  # noqa: E402
from fastmlp.kernels.codegen.cache import key_on  # noqa: E402
from fastmlp.problem import Problem  # noqa: E402

llvm.get_host_cpu_features = host_features
key_on(registers=registers.N_REGISTERS)  # the key has the host's own features, but not these

NETS = [(3, 2), (20, 9, 3), (50, 33, 10), (37, 16, 5, 40), (64, 70, 3, 24, 10)]


def at_page_end(array: Array) -> Array:
    """A copy at whose end memory ends too: who reads on, dies."""
    if os.name != "posix":
        return array
    n_pages = -(-array.nbytes // mmap.PAGESIZE)
    memory = mmap.mmap(-1, (n_pages + 1) * mmap.PAGESIZE)
    whole = np.frombuffer(memory, np.uint8)
    protected = ctypes.c_void_p(whole.ctypes.data + n_pages * mmap.PAGESIZE)
    assert ctypes.CDLL(None).mprotect(protected, ctypes.c_size_t(mmap.PAGESIZE), 0) == 0
    end = n_pages * mmap.PAGESIZE
    copy = whole[end - array.nbytes : end].view(array.dtype).reshape(array.shape)
    copy[...] = array
    return copy


def rows_at_page_end(n_features: int, kind: str) -> Any:
    x = make_rows(150, n_features, kind, 0.3)
    if kind != "csr":
        return at_page_end(x)
    x.data, x.indices = at_page_end(x.data), at_page_end(x.indices.astype(np.int32))
    return x


def check_forward(dtype: str) -> list[Array]:
    """Activations of hidden layers, whose sums are in one order, whatever the lanes."""
    results = []
    for seed, sizes in enumerate(NETS):
        parameters = make_parameters(sizes, dtype, seed)
        for kind in ("uint8", "float32", "float64", "csr"):
            x = rows_at_page_end(sizes[0], kind)
            got = kernels.forward(*parameters, x, 255.0)
            expected = reference.forward(*parameters.copy("float64"), x, 255.0)
            for values, expected_values in zip(got, expected, strict=True):
                assert_close(values, expected_values, dtype, 40 + sizes[0])
            results += got[:-1]
            labels = kernels.Predictor(255.0)(*parameters, x, as_labels=True)
            np.testing.assert_array_equal(labels, got[-1].argmax(axis=1))
    return results


def check_pixels(dtype: str) -> None:
    """The bits of a division, by way of an identity."""
    parameters = make_parameters((256, 256, 1), dtype)
    parameters.weights[0][:], parameters.biases[0][:] = np.eye(256), 0
    pixels = np.arange(256, dtype=np.uint8)[np.newaxis]
    for scale in (255.0, 7.5):
        got = kernels.forward(*parameters, pixels, scale)[0]
        np.testing.assert_array_equal(got, pixels / np.dtype(dtype).type(scale))


def check_levels(dtype: str) -> None:
    """Floats as bytes: whole vectors and the rest, and one that is no level."""
    levels._is_mapped = lambda x: False  # as memory at a page's end is
    pixels = make_rows(999, 7, "uint8", 0.2)
    x = at_page_end(pixels / np.dtype(dtype).type(255))
    found = levels.find_levels(x)
    assert found is not None
    np.testing.assert_array_equal(found.codes, pixels)
    np.testing.assert_array_equal(found.table[pixels], x)
    for place in (7, -1):
        other = x.copy()
        other.flat[place] = 0.7
        assert levels.find_levels(other) is None


def check_training(dtype: str) -> list[Array]:
    """All kinds of rows, with zeros skipped or not, on 1 and 3 threads; returns the weights."""
    results = []
    for seed, sizes in enumerate(NETS):
        parameters = make_parameters(sizes, dtype, seed)
        y = at_page_end(make_labels(150, sizes[-1]))
        for kind in ("uint8", "float32", "float64", "csr"):
            x = rows_at_page_end(sizes[0], kind)
            settings = {"input_scale": 255.0, "batch_size": 66, "learning_rate": 0.05}
            expected = train(parameters, x, y, engine=reference, dtype="float64", **settings)
            got = train(parameters, x, y, n_threads=1, skip_zeros=False, **settings)
            assert_close_runs(got, expected, 100 + sizes[0])
            for n_threads, skip_zeros in [(1, True), (3, True), (3, False)]:
                keywords = {"n_threads": n_threads, "skip_zeros": skip_zeros, **settings}
                assert_same_bits(train(parameters, x, y, **keywords), got)
            results += [*got.parameters.arrays(), np.array(got.losses)]
    return results


def check_divided(dtype: str) -> list[Array]:
    """Threads divide the columns of the first layer, or its inputs."""
    parameters = make_parameters((1100, 40, 10), dtype)
    y = at_page_end(make_labels(150, 10))
    results = []
    for kind in ("uint8", dtype, "csr"):
        x = rows_at_page_end(1100, kind)
        settings = {"input_scale": 255.0, "batch_size": 66, "learning_rate": 0.05}
        expected = train(parameters, x, y, engine=reference, dtype="float64", **settings)
        got = train(parameters, x, y, n_threads=1, skip_zeros=True, **settings)
        assert_close_runs(got, expected, 1200)
        with inputs_divided(2):
            assert_same_bits(train(parameters, x, y, skip_zeros=True, **settings), got)
        results += [*got.parameters.arrays(), np.array(got.losses)]
    return results


PROBLEMS = [
    Problem("tanh", "squared_error", "adam"),
    Problem("silu", "binary_cross_entropy", "momentum", dropout=0.3),
    Problem("gelu", "poisson", "nesterov"),
    Problem("logistic", "cross_entropy", "adamw"),
    Problem("leaky_relu", "squared_error", "gradient"),
]


def check_entries(dtype: str) -> list[Array]:
    """Runs of other entries, whose bits do not depend on the lanes either."""
    results = []
    for problem in PROBLEMS:
        for sizes in ((20, 9, 3), (37, 16, 5, 40)):
            parameters = make_parameters(sizes, dtype)
            x = make_rows(150, sizes[0], dtype, 0.3)
            y = at_page_end(make_rows(150, sizes[-1], dtype))
            settings = {"problem": problem, "batch_size": 66, "learning_rate": 0.01}
            for n_threads in (1, 3):
                keywords = {"n_threads": n_threads, "with_penalty": True, **settings}
                got = train(parameters, x, y, **keywords)
                results += [*got.parameters.arrays(), np.array(got.losses)]
            results.append(kernels.predict_proba(*got.parameters, x, problem=problem))
    return results


if __name__ == "__main__":
    lanes = int(os.environ["FASTMLP_LANES"])
    assert 4 * lanes == registers.VECTOR_BYTES
    outcome = {}
    for dtype in ("float32", "float64"):
        check_pixels(dtype)
        check_levels(dtype)
        for name, arrays in [
            ("forward", check_forward(dtype)),
            ("training", check_training(dtype)),
            ("divided", check_divided(dtype)),
            ("entries", check_entries(dtype)),
        ]:
            outcome |= {f"{name} {dtype} {i}": array for i, array in enumerate(arrays)}
    np.savez(sys.argv[2], **outcome)
