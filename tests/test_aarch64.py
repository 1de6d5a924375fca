"""Processors of ARM: recognised by either name, and the kernels give the same bits on them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from fastmlp.kernels.codegen import registers

PROGRAM = Path(__file__).with_name("engine_aarch64.py")


@pytest.mark.parametrize("machine", ["aarch64", "arm64", "ARM64"])
def test_arm_is_recognised_by_what_any_system_calls_it(machine, monkeypatch):
    monkeypatch.delenv("FASTMLP_LANES", raising=False)
    monkeypatch.setattr(registers.platform, "machine", lambda: machine)
    monkeypatch.setattr(registers.llvm, "get_host_cpu_features", lambda: {"neon": True})
    assert registers._host_registers() == (16, 32)
    monkeypatch.setattr(registers.platform, "machine", lambda: "x86_64")
    assert registers._host_registers() == (16, 16)


@pytest.mark.parametrize("what", ["basic", pytest.param("entries", marks=pytest.mark.slow)])
def test_an_emulated_processor_computes_the_same_bits(what, tmp_path):
    pytest.importorskip("unicorn")
    runs = []
    for how in ("native", "emulated"):
        program = subprocess.Popen(
            [sys.executable, PROGRAM, how, what, tmp_path / f"{how}.npz"],
            # No code of earlier runs, of which LLVM could not list the instructions.
            env=os.environ | ({"FASTMLP_CACHE_DIR": str(tmp_path)} if how == "emulated" else {}),
            stderr=subprocess.PIPE,
            text=True,
        )
        runs.append(program)
    for program in runs:
        _, errors = program.communicate(timeout=900)
        assert program.returncode == 0, errors
    expected, got = (dict(np.load(tmp_path / f"{how}.npz")) for how in ("native", "emulated"))
    names, counts = got.pop("names"), got.pop("counts")
    vectors = dict(zip(names.tolist(), counts.tolist(), strict=True))
    assert all(vectors[name] > 20 for name in ("forward", "backward", "update"))
    assert len(got) > 20
    for name, values in got.items():
        np.testing.assert_array_equal(values, expected[name], err_msg=name)
