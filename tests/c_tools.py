"""Compiles what `to_c` writes, and calls it."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

GCC = shutil.which("gcc")
STRICT = ("-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror", "-O3")
needs_gcc = pytest.mark.skipif(GCC is None, reason="no gcc here")


def compiled(source: Path, *flags: str) -> Path:
    """Compile a file to a library; any warning is an error."""
    library = source.with_suffix(".so")
    command = [str(GCC), *STRICT, "-fPIC", "-shared", str(source), "-o", str(library), "-lm"]
    subprocess.run([*command, *flags], check=True)
    return library


def c_predictor(source: Path, n_outputs: int) -> Callable[[np.ndarray], np.ndarray]:
    """What the file predicts for rows, one call a row."""
    function = ctypes.CDLL(str(compiled(source))).predict
    function.restype = None
    function.argtypes = [ctypes.c_void_p, ctypes.c_void_p]

    def predict(x: np.ndarray) -> np.ndarray:
        rows = np.ascontiguousarray(x, np.float32)
        out = np.full((len(rows), n_outputs), np.nan, np.float32)
        for row, y in zip(rows, out, strict=True):
            function(row.ctypes.data, y.ctypes.data)
        return out

    return predict
