"""One run of the harness: its settings, its data on disk, and what it has measured so far."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from benchmarks.data import Digits, digits
from benchmarks.peers.case import Case
from benchmarks.peers.worker import available_cores

H_SIZES, H_BATCH = (784, 64, 10), 64  # the tutorial's net


@dataclass(frozen=True)
class Target:
    """A row of the table; `met` is None where it could not be measured, and `note` says why."""

    number: int
    what: str
    target: str
    measured: str
    met: bool | None
    note: str = ""


@dataclass
class Run:
    """`seconds` holds every round's time by group and side; `missing` the peers not installed."""

    folder: Path  # for the data that the workers share
    quick: bool = False
    seconds: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    started: float = field(default_factory=time.perf_counter)
    _digits: Digits | None = None

    @property
    def n_rounds(self) -> int:
        return 1 if self.quick else 7

    @property
    def thread_counts(self) -> list[int]:
        return [n for n in (1, 2) if n <= len(available_cores())]

    def show(self, text: str) -> None:
        print(f"[{time.perf_counter() - self.started:5.0f} s] {text}", flush=True)

    @property
    def digits(self) -> Digits:
        if self._digits is None:
            self.show("reading the digits")
            self._digits = digits()
        return self._digits

    def h(self, dtype: str = "float32") -> Case:
        """Case H; dtype is the data's: float32 or float64 (scaled to 0..1), or uint8 as read."""
        x_file, y_file = self.folder / f"h-{dtype}.npy", self.folder / "h-labels.npy"
        if not x_file.exists():
            n_rows = len(self.digits.x_train) // H_BATCH * H_BATCH
            np.save(x_file, scaled(self.digits.x_train[:n_rows], dtype))
            np.save(y_file, self.digits.y_train[:n_rows])
        case_dtype = "float64" if dtype == "float64" else "float32"
        return Case("H", H_SIZES, H_BATCH, x_file, y_file, dtype=case_dtype)

    def all_digits_file(self) -> Path:
        """All the rows, 42,000 of the real ones, scaled to float32."""
        path = self.folder / "all.npy"
        if not path.exists():
            np.save(path, scaled(self.digits.x_all, "float32"))
        return path

    def dense(self, layer_sizes: tuple[int, ...], batch_size: int, n_rows: int = 8192) -> Case:
        """Random rows without a zero, labels at random."""
        n_features, n_classes = layer_sizes[0], layer_sizes[-1]
        x_file = self.folder / f"dense-{n_rows}-{n_features}.npy"
        y_file = self.folder / f"labels-{n_rows}-{n_classes}.npy"
        rng = np.random.default_rng(0)
        if not x_file.exists():
            np.save(x_file, rng.standard_normal((n_rows, n_features), dtype=np.float32))
        if not y_file.exists():
            np.save(y_file, rng.integers(n_classes, size=n_rows, dtype=np.intp))
        name = f"{'-'.join(map(str, layer_sizes))}, batch {batch_size}"
        return Case(name, layer_sizes, batch_size, x_file, y_file)

    def regression(self, layer_sizes: tuple[int, ...], batch_size: int, n_rows: int) -> Case:
        """Random rows without a zero; the targets are smooth functions of them, (n_rows, n_out)."""
        n_features, n_outputs = layer_sizes[0], layer_sizes[-1]
        x_file = self.folder / f"dense-{n_rows}-{n_features}.npy"
        y_file = self.folder / f"targets-{n_rows}-{n_features}-{n_outputs}.npy"
        if not y_file.exists():
            rng = np.random.default_rng(0)
            x = rng.standard_normal((n_rows, n_features), dtype=np.float32)
            np.save(x_file, x)
            mix = rng.standard_normal((n_features, n_outputs), dtype=np.float32)
            np.save(y_file, np.sin(x @ mix / np.float32(np.sqrt(n_features))))
        name = f"{'-'.join(map(str, layer_sizes))}, batch {batch_size}"
        return Case(name, layer_sizes, batch_size, x_file, y_file, loss="squared_error")


def scaled(x: np.ndarray, dtype: str) -> np.ndarray:
    return x if dtype == "uint8" else np.divide(x, 255, dtype=dtype)


def threads(n_threads: int) -> str:
    return "1 thread" if n_threads == 1 else f"{n_threads} threads"
