"""What a worker does with `fastmlp.MLP` itself; runs in the child.

Nothing here imports fastmlp at the top: `first_epoch` times that import.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import io
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers.case import Case


def first_epoch(case: Case, settings: dict[str, Any]) -> float:
    """Seconds from ``import fastmlp`` to the end of the first epoch; the data are in memory.

    `settings` are keywords of MLP.
    """
    x, y = case.load()
    begin = time.perf_counter()
    import fastmlp

    mlp = fastmlp.MLP(x.shape[1], output_size=10, input_scale=255, **settings)
    mlp.train(x, y, epochs=1, batch_size=case.batch_size, verbose=False)
    return time.perf_counter() - begin


def memory_growth(case: Case, n_threads: int | None) -> tuple[int, int]:
    """Bytes that the peak grows by when training on all rows after 64 of them; bytes of X."""
    from fastmlp import MLP

    x, y = case.load()

    def fit(n_rows: int, epochs: int) -> None:
        mlp = MLP(x.shape[1], case.layer_sizes[1:-1], 10, input_scale=255, n_threads=n_threads)
        mlp.train(x[:n_rows], y[:n_rows], epochs=epochs, batch_size=64, verbose=False)

    fit(64, 1)
    Path("/proc/self/clear_refs").write_text("5")  # sets the peak back to what is in use now
    before = _kilobytes("VmHWM")
    fit(len(x), 2)
    return (_kilobytes("VmHWM") - before) * 1024, x.nbytes


def _kilobytes(field: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(field)).split()[1])


def digest(case: Case, n_epochs: int, n_threads: int, skip_zeros: bool) -> str:
    """SHA-256 of the parameters after some epochs."""
    from fastmlp.kernels import Trainer

    weights, biases = case.initial_parameters()
    x, y = case.load()
    trainer = Trainer(
        weights, biases, x, y, batch_size=64, n_threads=n_threads, skip_zeros=skip_zeros
    )
    rng = np.random.default_rng(0)
    for _ in range(n_epochs):
        trainer.epoch(rng.permutation(len(y)))
    trainer.export()
    return hashlib.sha256(b"".join(a.tobytes() for a in [*weights, *biases])).hexdigest()


def tutorial_fit(module: str, case: Case, n_epochs: int, **keywords: int) -> tuple[float, NDArray]:
    """Seconds an epoch of the `MLP` in `module`, called as the tutorial calls it; and w1."""
    mlp_class = importlib.import_module(module).MLP
    x, y = case.load()
    np.random.seed(42)
    mlp = mlp_class(784, 64, 10, learning_rate=0.01, **keywords)
    begin = time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()):
        mlp.train(x, y, epochs=n_epochs, batch_size=64)
    return (time.perf_counter() - begin) / n_epochs, mlp.w1
