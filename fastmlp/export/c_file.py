"""Writes a network as one C99 file, for machines without Python, however small.

A layer is a function of its own, whose sizes are numbers in its code: so compilers lay out its
loops, and the reader sees the network. Weights are floats, or bytes with a scale for each column,
which takes a quarter of the memory; the arithmetic is in floats in both cases.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmlp import checks
from fastmlp.export.layers import Layers, entry
from fastmlp.files import atomic_write
from fastmlp.version import __version__

Array = NDArray[Any]
DTYPES = ("float32", "int8")
LARGEST = 127  # of a weight as a byte; -128 is not used, so that both signs are alike
PER_LINE = 12  # numbers


def write_c(
    layers: Layers, path: str | os.PathLike[str], dtype: str, about: str, both_classes: bool = False
) -> None:
    """Write a network's function ``predict``, whole or not at all.

    Parameters
    ----------
    layers : Layers
    path : path-like
        Replaced if it exists.
    dtype : {'float32', 'int8'}
        How weights are stored.
    about : str
        What the network is, and what y holds; a comment.
    both_classes : bool
        Whether the single output is the second class's probability, and y has the first one's too.

    Raises
    ------
    TypeError, ValueError
        If `dtype` is another one, a weight is not finite in float32, or an activation has no form
        in C.
    OSError
        If the file can't be written.
    """
    checks.as_name(dtype, "dtype", DTYPES)
    text = "".join(_parts(layers, dtype, about, both_classes))
    with atomic_write(path) as stream:
        stream.write(text.encode())


def _parts(layers: Layers, dtype: str, about: str, both_classes: bool) -> Iterator[str]:
    n_inputs, n_outputs = layers.n_inputs, layers.n_outputs + both_classes
    yield (
        f"/* {about}\n\n"
        f"   void predict(const float *x, float *y): x has {n_inputs} numbers, y gets {n_outputs}; "
        "they must not overlap.\n"
        "   Any number of threads may call it at the same time. It allocates nothing.\n"
        f"   Written by fastmlp {__version__}; weights are {dtype}. To compile: "
        "cc -std=c99 -O3 -c, and link with -lm. */\n\n"
        "#include <math.h>\n\n"
    )
    for number, (w, b, function) in enumerate(zip(*layers, strict=True), start=1):
        yield from _layer(number, w, b, function, dtype)
    yield "void predict(const float *x, float *y)\n{\n"
    x = "x"
    for number, b in enumerate(layers.biases[:-1], start=1):
        yield f"    float a{number}[{len(b)}];\n    layer{number}({x}, a{number});\n"
        x = f"a{number}"
    yield f"    layer{len(layers.biases)}({x}, y);\n"
    if both_classes:
        yield "    y[1] = y[0];\n    y[0] = 1 - y[1];\n"
    yield "}\n"


def _layer(number: int, w: Array, b: Array, function: str, dtype: str) -> Iterator[str]:
    """Return a layer's numbers, and its function."""
    code = entry(function).c
    if code is None:
        raise ValueError(
            f"the activation {function!r} has no form in C: train with another one to write the "
            "network to such a file"
        )
    n_in, n_out = w.shape
    kind, scaled = "float", ""
    if dtype == "int8":
        kind, scaled = "signed char", f" * s{number}[j]"
        scales = np.abs(w).max(axis=0) / LARGEST
        yield _array(f"static const float s{number}[{n_out}]", scales)
        w = np.rint(w / np.where(scales > 0, scales, 1)).astype(np.int8)
    yield _array(f"static const {kind} w{number}[{n_in} * {n_out}]", w)
    yield _array(f"static const float b{number}[{n_out}]", b)
    # Many inputs are 0: of pictures, and after ReLU.
    yield (
        f"static void layer{number}(const float *restrict x, float *restrict z)\n{{\n"
        f"    const int n = {n_out};\n"
        "    for (int j = 0; j < n; j++) z[j] = 0;\n"
        f"    for (int i = 0; i < {n_in}; i++) {{\n"
        "        const float v = x[i];\n"
        "        if (v == 0) continue;\n"
        f"        for (int j = 0; j < n; j++) z[j] += v * w{number}[i * n + j];\n"
        "    }\n"
        f"    for (int j = 0; j < n; j++) z[j] = z[j]{scaled} + b{number}[j];\n"
    )
    yield "".join(f"    {line}\n" for line in code.splitlines()) + "}\n\n"


def _array(declaration: str, values: Array) -> str:
    """Return a definition; C takes the numbers of a matrix row by row."""
    flat = values.ravel()
    if flat.dtype.kind == "f":
        with np.errstate(over="ignore"):
            flat = flat.astype(np.float32)
        if not np.isfinite(flat).all():
            raise ValueError(
                "a weight is not finite in float32: train anew, with scaled data or a smaller "
                "learning rate"
            )
        words = [f"{value!s}f" for value in flat]  # as few digits as tell it from all others
    else:
        words = [str(value) for value in flat.tolist()]
    lines = [", ".join(words[i : i + PER_LINE]) for i in range(0, len(words), PER_LINE)]
    return f"{declaration} = {{\n    " + ",\n    ".join(lines) + "\n};\n\n"
