"""An entry of each kind from a module outside the package, and the cache's key for it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import outside_entries
import pytest
from engine_tools import make_rows
from test_entries import check, make_targets

from fastmlp import kernels, reference
from fastmlp.problem import Problem

TABLES = ("ACTIVATIONS", "LOSSES", "OPTIMIZERS")


@pytest.fixture
def entries() -> Iterator[None]:
    """The outside entries, for as long as a test takes."""
    before = {(e, t): dict(getattr(e, t)) for e in (kernels, reference) for t in TABLES}
    outside_entries.add()
    yield
    for (engine, table), values in before.items():
        getattr(engine, table).clear()
        getattr(engine, table).update(values)


@pytest.mark.usefixtures("entries")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_outside_entries(dtype):
    problem = Problem(activation="shrink", loss="absolute", optimizer="rmsprop", epsilon=1e-3)
    x, y = make_rows(150, 20, dtype, 0.5), make_targets("squared_error", 150, 3, dtype)
    check(dtype, (20, 17, 3), "absolute", x, y, problem=problem, learning_rate=0.001)


SCRIPT = """
import sys
sys.path[:0] = {paths!r}
import outside_entries
outside_entries.add()
from engine_tools import make_parameters, make_rows
from fastmlp import kernels
from fastmlp.problem import Problem
parameters = make_parameters((20, 17, 3), "float32")
activations = kernels.forward(*parameters, make_rows(1, 20), problem=Problem(activation="shrink"))
print(float(activations[0].min()))
"""


def test_an_edited_entry_is_compiled_anew(tmp_path):
    """Its source is part of the cache's key: a second process gives the new result."""
    source = Path(outside_entries.__file__).read_text()
    results = []
    for slope in ("0.25", "0.5", "0.25"):
        (tmp_path / "outside_entries.py").write_text(
            source.replace("SLOPE = 0.25", f"SLOPE = {slope}")
        )
        script = SCRIPT.format(paths=[str(tmp_path), str(Path(__file__).parent)])
        done = subprocess.run(
            [sys.executable, "-c", script],
            env=os.environ
            | {"FASTMLP_CACHE_DIR": str(tmp_path / "cache"), "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            check=True,
        )
        results.append(float(done.stdout))
    assert results[0] < 0
    np.testing.assert_allclose(results[1], 2 * results[0], rtol=1e-6)
    assert results[2] == results[0]
