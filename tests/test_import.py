"""What `import fastmlp` costs and offers."""

from __future__ import annotations

import subprocess
import sys

import pytest

import fastmlp

HEAVY = ("matplotlib", "numba", "pandas", "requests", "rich", "safetensors", "scipy", "typer")


def test_import_is_light():
    code = f"import sys, fastmlp; print([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_dir_lists_what_is_public_and_no_imports():
    names = [name for name in dir(fastmlp) if not name.startswith("__")]
    assert set(fastmlp.__all__) <= set(names)
    assert not {"importlib", "annotations", "Any", "TYPE_CHECKING"} & set(names)
    assert not [name for name in names if name.startswith("_")]
    assert "__version__" in dir(fastmlp)


def test_public_names():
    for name in fastmlp.__all__:
        assert getattr(fastmlp, name) is not None
    assert fastmlp.__version__.count(".") == 2
    with pytest.raises(AttributeError, match="no attribute 'weights'"):
        fastmlp.weights  # noqa: B018
