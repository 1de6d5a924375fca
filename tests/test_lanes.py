"""Every vector length on any machine: forced, and LLVM compiles it for the host."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from engine_tools import Array
from numpy.testing import assert_array_equal

PROGRAM = Path(__file__).with_name("engine_lanes.py")
# Lanes of float32, and vector registers: as with SSE or NEON, with AVX2, and with AVX-512.
VECTORS = [(4, 16), (8, 16), (16, 32)]


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Array]]:
    """What the engine's runs with each kind of vectors lead to; all of them run at once."""
    folder = tmp_path_factory.mktemp("lanes")
    files = [folder / f"{lanes}.npz" for lanes, _ in VECTORS]
    programs = [
        subprocess.Popen(
            [sys.executable, PROGRAM, str(registers), file],
            env=os.environ | {"FASTMLP_LANES": str(lanes)},
            stderr=subprocess.PIPE,
            text=True,
        )
        for (lanes, registers), file in zip(VECTORS, files, strict=True)
    ]
    for (lanes, _), program in zip(VECTORS, programs, strict=True):
        _, errors = program.communicate(timeout=300)
        assert program.returncode == 0, f"{lanes} lanes: {errors}"
    return [dict(np.load(file)) for file in files]


def test_vectors_of_any_length_equal_the_reference(outcomes):
    """Which the program itself has checked."""
    assert all(len(outcome) > 100 for outcome in outcomes)
    assert all(outcome.keys() == outcomes[0].keys() for outcome in outcomes)


def test_vectors_of_any_length_equal_each_other(outcomes):
    """Each sum adds in one order, so a run is the same on every machine."""
    for outcome in outcomes[1:]:
        for name, expected in outcomes[0].items():
            assert_array_equal(outcome[name], expected, err_msg=name)


def test_other_lengths_are_refused():
    done = subprocess.run(
        [sys.executable, "-c", "import fastmlp.kernels"],
        env=os.environ | {"FASTMLP_LANES": "5"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "FASTMLP_LANES='5': set it to 4, 8 or 16" in done.stderr
