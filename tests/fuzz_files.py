"""Reads hostile files: ``python tests/fuzz_files.py FORMAT FIRST [END]``, seeds FIRST to END - 1.

A single seed's file is left in the working folder. A format takes an entry in `FORMATS`.
"""

from __future__ import annotations

import os
import random
import shutil
import sys
import tempfile
import time
import tracemalloc
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import fuzz_checkpoints
import fuzz_data
import fuzz_images
import fuzz_models
import numpy as np
from fuzz_bytes import LONGEST, Hostile
from fuzz_forgeries import FORGERIES
from fuzz_seeds import WrongError, run_seeds
from time_limit import time_limit

from fastmlp import MLP, checks
from fastmlp.data import Dataset, load, load_csv
from fastmlp.data.frames import Table, load_table

SECONDS = 10.0
MEGABYTE = 2**20
BYTES = 64 * MEGABYTE  # that a file may take, beside 3 times what it unpacks to


class Format(NamedTuple):
    """How to make a hostile file from a seed's generator, and what to do with it."""

    make: Callable[[random.Random], Hostile]
    use: Callable[
        [Path, Hostile, random.Random], None
    ]  # raises AssertionError for what is not valid


# What is done with files


def read(path: Path, hostile: Hostile, rng: random.Random) -> None:
    """Load data with options that may not suit it, and look at what has come."""
    words = ("label", "y", "few", "", "\x1b", "pixel3", "nö", "3", "x" * 1000)
    names = ["pixel1", "pixel2"], [], ["number", "city"]
    options: dict[str, Any] = {
        "label": rng.choice((None, "first", "last", "none", rng.choice(words))),
        "max_bytes": rng.choice((None, 10**6, 1)),
        "id_column": rng.choice((None, "id", "number", "\x1b")),
        "feature_names": rng.choice((None, *names)),
    }
    share = 0.25 if hostile.says is None else 0
    options = {name: value for name, value in options.items() if rng.random() < share}
    options |= hostile.options
    way = rng.random()
    if way < 0.6 or hostile.says is not None:
        scale = rng.choice((None, None, 1, 255.0, 1e-300, 1e300, 3))
        data = load(path, scale=scale, side=rng.choice((28, 1, 100)), **options)
        check_dataset(data)
    elif way < 0.9:
        usual = rng.choice((None, "y", "label"))
        check_table(load_table(path, usual_label=usual, text_columns=("few",), **options))
    else:
        x, y = load_csv(path)
        assert x.ndim == 2
        assert x.dtype == np.uint8
        assert y is None or (y.shape == x.shape[:1] and y.dtype == np.int64)


def check_dataset(data: Dataset) -> None:
    n_rows, n_features = data.x.shape
    assert data.x.dtype in checks.FEATURE_DTYPES
    assert data.x.flags.c_contiguous
    assert n_rows > 0
    assert checks.as_features(data.x, n_features, np.dtype("f8")) is data.x
    assert data.scale > 0
    assert np.isfinite(data.scale)
    if data.y is not None:
        assert data.y.dtype == np.int64
        assert data.y.shape == (n_rows,)
        assert data.y.min() >= 0
        if data.class_names is not None:
            assert len({*data.class_names}) == len(data.class_names) > data.y.max()
    assert data.ids is None or data.ids.shape == (n_rows,)
    assert data.feature_names is None or len(data.feature_names) == n_features
    assert is_one_line(data.found)
    some = data.x[:3]
    scale = data.scale if some.dtype == np.uint8 else None
    outputs = MLP(n_features, 2, 2, random_state=0, input_scale=scale).predict_proba(some)
    assert np.isfinite(outputs).all() or abs(some).max() > 1e30


def check_table(data: Table) -> None:
    assert len(data.x) > 0
    assert data.x.columns.is_unique
    assert all(isinstance(name, str) for name in data.x.columns)
    assert data.y is None or len(data.y) == len(data.x)
    assert data.ids is None or len(data.ids) == len(data.x)
    assert is_one_line(data.found)


def is_one_line(text: str) -> bool:
    return text.isprintable() or not any(
        unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp") for letter in text
    )


FORMATS = {
    **{make.__name__: Format(make, read) for make in (
        fuzz_data.csv, fuzz_data.idx, fuzz_data.npy, fuzz_data.npz, fuzz_data.parquet,
        fuzz_images.image, fuzz_data.folder,
    )},
    **{name: Format(fuzz_data.packed(name), read) for name in fuzz_data.PACK},
    **{name: Format(fuzz_models.model(name), fuzz_models.use) for name in fuzz_models.KINDS},
    "checkpoint": Format(fuzz_checkpoints.checkpoint, fuzz_checkpoints.use),
}  # fmt: skip


# What is asked of each of them


@contextmanager
def limits(n_bytes: int) -> Iterator[None]:
    """Raise `WrongError` if the block takes more of the processor's time, or memory, than it may.

    Memory counts where a library has asked Python for it, used or not; and where Linux tells what
    any library has touched.
    """
    status, anew = Path("/proc/self/status"), Path("/proc/self/clear_refs")
    has_peak = os.access(anew, os.W_OK)
    if has_peak:
        anew.write_text("5")  # the peak starts anew
        before = kilobytes(status, "VmRSS")
    start = time.process_time()
    tracemalloc.start()
    try:
        with time_limit(10 * SECONDS):  # of a machine that is busy, or of a wait without an end
            yield
        taken = tracemalloc.get_traced_memory()[1]
    except TimeoutError:
        raise WrongError("it does not end") from None
    finally:
        tracemalloc.stop()
    if (seconds := time.process_time() - start) > SECONDS:
        raise WrongError(f"{seconds:.1f} s, may take {SECONDS}")
    if has_peak:
        taken = max(taken, 1024 * (kilobytes(status, "VmHWM") - before))
    if taken > n_bytes:
        raise WrongError(f"{taken / MEGABYTE:.0f} MB, may take {n_bytes / MEGABYTE:.0f}")


def kilobytes(status: Path, name: str) -> int:
    line = next(line for line in status.read_text().splitlines() if line.startswith(name))
    return int(line.split()[1])


def judged(name: str, seed: int, folder: Path) -> str:
    """Read a seed's file in a new folder; return what came of it, or raise `WrongError`."""
    rng = random.Random(f"{name} {seed}")
    forgeries = FORGERIES.get(name, [])
    hostile = forgeries[seed]() if 0 <= seed < len(forgeries) else FORMATS[name].make(rng)
    path = folder / f"fuzzed-{seed}"
    files = hostile.content if isinstance(hostile.content, dict) else {"": hostile.content}
    for inner, content in files.items():
        file = path / inner if inner else path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    with limits(BYTES + 3 * hostile.unpacked):
        try:
            FORMATS[name].use(path, hostile, rng)
        except TimeoutError:  # an OSError, and of `limits`
            raise
        except (ValueError, OSError) as error:
            message = str(error)
            rest = message.replace(str(path), "")
            if rest == message or len(rest) > LONGEST or not is_one_line(rest):
                raise WrongError(f"no short line that names the file: {error!r}") from error
            if hostile.says is not None and hostile.says not in rest:
                raise WrongError(f"not {hostile.says!r}, but {error!r}") from error
            return f"{type(error).__name__}: {message}"
        if hostile.says is not None:
            raise WrongError(f"not {hostile.says!r}, but no error at all")
    return "valid"


def main(name: str, first: int, end: int | None = None) -> int:
    with tempfile.TemporaryDirectory() as temporary:

        def alone(seed: int) -> str:
            folder = Path(temporary) / "case"
            folder.mkdir()
            try:
                return judged(name, seed, folder)
            finally:
                shutil.rmtree(folder)

        # Before the first limit: what is imported, compiled and started once.
        for seed in range(-40, 0):
            with suppress(Exception):
                alone(seed)
        if end is None:
            return run_seeds(name, lambda seed: judged(name, seed, Path.cwd()), first, first + 1)
        return run_seeds(name, alone, first, end)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], *map(int, sys.argv[2:])))
