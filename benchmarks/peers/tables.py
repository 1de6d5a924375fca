"""The data of the estimators' rows, as files that both sides read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers.estimators import Table
from benchmarks.peers.run import Run

SPARSE_ROWS, SPARSE_FEATURES, DENSITY = 20_000, 10_000, 0.005


def mnist(run: Run, dtype: str) -> Table:
    case = run.h(dtype)
    return Table(case.x_file, case.y_file)


def small_digits(run: Run) -> Table:
    """scikit-learn's: 1,797 rows of 64 features, float64."""
    from sklearn.datasets import load_digits

    return _saved(run, "small-digits", *load_digits(return_X_y=True))


def iris(run: Run) -> Table:
    from sklearn.datasets import load_iris

    return _saved(run, "iris", *load_iris(return_X_y=True))


def numbers(run: Run) -> Table:
    """100,000 rows of 50 random numbers, one target, float32."""
    case = run.regression((50, 1), 200, 100_000)
    y = np.load(case.y_file)[:, 0]
    return _saved(run, "numbers", np.load(case.x_file), y)


def sparse(run: Run) -> Table:
    """CSR of float32, ten classes at random."""
    from scipy import sparse

    x_file, y_file = run.folder / "sparse.npz", run.folder / "sparse-labels.npy"
    if not y_file.exists():
        rng = np.random.default_rng(0)
        x = sparse.random(
            SPARSE_ROWS, SPARSE_FEATURES, DENSITY, "csr", np.float32, random_state=rng
        )
        sparse.save_npz(x_file, x, compressed=False)
        np.save(y_file, rng.integers(10, size=SPARSE_ROWS))
    return Table(x_file, y_file)


def _saved(run: Run, name: str, x: NDArray, y: NDArray) -> Table:
    files: list[Path] = [run.folder / f"{name}-{part}.npy" for part in "xy"]
    for file, array in zip(files, (x, y), strict=True):
        np.save(file, array)
    return Table(*files)
