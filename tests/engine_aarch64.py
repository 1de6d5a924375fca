"""Runs of the engine on this processor, or on an emulated one: a program for test_aarch64.py.

``python engine_aarch64.py emulated basic out.npz`` trains with all kernels compiled for aarch64. It
writes what has come out, and how many vector instructions they have. ``native``: this processor.
"""

from __future__ import annotations

import re
import sys
from typing import Any

if sys.argv[1] == "emulated":
    from aarch64 import emulated
import numpy as np
from engine_tools import Array, make_labels, make_parameters, make_rows, train

from fastmlp import kernels
from fastmlp.kernels.codegen import brief, registers
from fastmlp.kernels.codegen.kernel import Kernel
from fastmlp.kernels.runtime import interpreter
from fastmlp.problem import Problem

PROBLEMS = [
    Problem("tanh", "squared_error", "adam"),
    Problem("silu", "binary_cross_entropy", "momentum", dropout=0.3),
    Problem("gelu", "poisson", "nesterov"),
    Problem("logistic", "cross_entropy", "adamw"),
    Problem("leaky_relu", "squared_error", "gradient"),
]
VECTOR_FMA = re.compile(r"^\s+fml[as]\s+v\d+\.(?:4s|2d)\b", re.MULTILINE)


def basic() -> list[Array]:
    """Kinds of rows, with zeros skipped or not."""
    results = []
    for dtype, kind, skip_zeros in [
        ("float32", "uint8", False),
        ("float32", "uint8", True),
        ("float32", "float64", True),
        ("float32", "csr", True),
        ("float64", "uint8", True),
    ]:
        parameters, y = make_parameters((37, 16, 5, 40), dtype), make_labels(150, 40)
        # Roots are no levels, so that no kernel is called but those of a step.
        x = pixels(37) if kind == "uint8" else np.sqrt(make_rows(150, 37, kind, 0.3))
        settings = {"input_scale": 255.0, "batch_size": 66, "skip_zeros": skip_zeros}
        got = train(parameters, x, y, n_threads=1, **settings)
        results += [*got.parameters.arrays(), np.array(got.losses)]
    return results


def entries() -> list[Array]:
    """Activations, losses and optimisers, and predictions."""
    results = []
    for problem in PROBLEMS:
        for dtype in ("float32", "float64"):
            parameters = make_parameters((20, 9, 3), dtype)
            settings = {"learning_rate": 0.01, "input_scale": 255.0, "with_penalty": True}
            x, y = pixels(20), make_rows(150, 3, dtype)
            got = train(parameters, x, y, n_threads=1, problem=problem, **settings)
            results += [*got.parameters.arrays(), np.array(got.losses)]
            predictor = kernels.Predictor(255.0, n_threads=1, problem=problem)
            results.append(predictor(*got.parameters, x))
    return results


def pixels(n_features: int) -> Array:
    return make_rows(150, n_features, "uint8", 0.3)


if __name__ == "__main__":
    counts: dict[str, int] = {}
    if sys.argv[1] == "emulated":
        assert (registers.VECTOR_BYTES, registers.N_REGISTERS) == (16, 32)
        kernels.trainer.run = kernels.inference.run = emulated(interpreter.run, 7)
        for loop in (brief.highest, brief.has_no):  # plain loops, as Python
            setattr(brief, loop.py_func.__name__, loop.py_func)
        compile_one = Kernel._compile

        def counted(kernel: Kernel, *arguments: Any) -> tuple[int, Any]:
            address, library = compile_one(kernel, *arguments)
            found = len(VECTOR_FMA.findall(library.get_asm_str()))
            counts[kernel.name] = max(counts.get(kernel.name, 0), found)
            return address, library

        Kernel._compile = counted
    results = {"basic": basic, "entries": entries}[sys.argv[2]]()
    np.savez(sys.argv[3], *results, names=list(counts), counts=list(counts.values()))
