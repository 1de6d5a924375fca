"""What the tests of the cache share: a project of kernels, whose processes share a folder."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from numba.core.registry import cpu_target

HELPERS = """
import numba
from fastmlp.kernels.codegen.cache import compiled

@compiled
def scaled(a):
    return 3 * a

def make(n):
    @numba.njit
    def tile(a):
        total = 0
LOOPS
        return total
    return tile

tile8 = make(8)
"""
# Too much code to be inlined.
LOOPS = """
        for i in range(a):
            total += (i ^ n) * n
            if total > 1000000:
                total -= i * i
"""
HELPERS = HELPERS.replace("LOOPS", 12 * LOOPS)
KERNELS = """
import numpy as np
from fastmlp.kernels.codegen.cache import compiled
from helpers import scaled, tile8

@compiled
def from_numbers(a, n):
    for i in range(n):
        a += scaled(i)
    return a

@compiled
def from_arrays(x):
    total = np.float32(0)
    for i in range(len(x)):
        total += x[i] + scaled(np.float32(i))
    return total

@compiled
def from_kernel(a):
    return from_numbers(a, 3) + 1

@compiled
def from_factory(a):
    return tile8(a)
"""
# Calls kernels in a process of their own, and says what came out and what the cache had.
SCRIPT = """
import json, sys
sys.path.insert(0, sys.argv[1])
import numpy as np
import kernels
results = []
for name, argument in json.loads(sys.argv[2]):
    kernel = getattr(kernels, name)
    value = np.arange(4, dtype=np.float32) if name == "from_arrays" else argument
    results.append(float(kernel(value, 4) if name == "from_numbers" else kernel(value)))
    hits = sum(kernel.stats.cache_hits.values())
    results.append("hit" if hits else "miss")
print(json.dumps([results, "scipy.linalg" in sys.modules]))
"""
Call = tuple[str, int]
NUMBERS: Call = ("from_numbers", 5)


class Project:
    """A folder of kernels and a folder for their cache."""

    def __init__(self, root: Path) -> None:
        self.source = root / "source"
        self.source.mkdir()
        (self.source / "helpers.py").write_text(HELPERS)
        (self.source / "kernels.py").write_text(KERNELS)
        self.cache = root / "cache" / "kernels"

    def start(self, *calls: Call) -> subprocess.Popen[str]:
        arguments = [str(self.source), json.dumps(calls)]
        return subprocess.Popen(
            [sys.executable, "-W", "error", "-c", SCRIPT, *arguments],
            env=os.environ | {"FASTMLP_CACHE_DIR": str(self.cache.parent)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def finish(self, process: subprocess.Popen[str]) -> tuple[list[Any], bool]:
        output, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
        assert "Warning" not in errors
        results, full_start = json.loads(output)
        return results, full_start

    def run(self, *calls: Call) -> list[Any]:
        return self.finish(self.start(*calls))[0]

    def entries(self) -> list[Path]:
        return sorted(self.cache.iterdir())


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


@pytest.fixture
def kernels(project: Project, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The same kernels in this process, not yet compiled."""
    monkeypatch.setenv("FASTMLP_CACHE_DIR", str(project.cache.parent))
    monkeypatch.syspath_prepend(project.source)
    for name in ("helpers", "kernels"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    spec = importlib.util.spec_from_file_location("kernels", project.source / "kernels.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.delitem(sys.modules, "helpers")
    return module


def key_of(kernel: Any, *types: Any) -> str:
    return kernel._cache._key(types, cpu_target.target_context.codegen())
