"""Copies that pip has not installed, archives, and a Numba that does not compile."""

from __future__ import annotations

import zipapp
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import FunctionType
from typing import Any

import numpy as np
import pytest
from cache_tools import key_of
from copy_tools import copy_package, run_python

import fastmlp
from fastmlp.kernels.codegen import sources
from fastmlp.kernels.codegen.numba_types import Entry, EntryType

# Uses both classes, and says whether anything had to be compiled.
SCRIPT = """
import importlib.metadata, sys, warnings
sys.path.insert(0, sys.argv[1])

known = importlib.metadata.version
def version(name):
    if name == "fastmlp":
        raise importlib.metadata.PackageNotFoundError(name)
    return known(name)
importlib.metadata.version = version

import numpy as np
import fastmlp
from fastmlp import MLP, MLPClassifier
from numba.core import event

assert fastmlp.__file__.startswith(sys.argv[1]), fastmlp.__file__
x, y = np.random.RandomState(0).rand(50, 4), np.arange(50) % 3
with event.install_recorder("numba:compile") as compiled, warnings.catch_warnings():
    warnings.simplefilter("ignore")
    mlp = MLP(4, 3, 3, random_state=0)
    mlp.train(x, y, 2, verbose=False)
    mlp.save("mlp.safetensors")
    assert (MLP.load("mlp.safetensors").predict(x) == mlp.predict(x)).all()
    model = MLPClassifier(3, max_iter=2, random_state=0).fit(x, y)
    model.save("classifier.safetensors")
    assert (MLPClassifier.load("classifier.safetensors").predict(x) == model.predict(x)).all()
print(fastmlp.__version__, len(compiled.buffer))
"""


def test_a_copy_and_an_archive_work_and_share_a_cache(tmp_path: Path) -> None:
    """Each where no pip has been, as a clone, a frozen program or PySpark's archives."""
    copy_package(tmp_path / "copy")
    (tmp_path / "script.py").write_text(SCRIPT)
    (tmp_path / "copy" / "__main__.py").write_text("from fastmlp.__main__ import main\nmain()\n")
    zipapp.create_archive(tmp_path / "copy", tmp_path / "archive.pyz", compressed=True)
    env = {"FASTMLP_CACHE_DIR": str(tmp_path / "cache")}
    for place, is_warm in (("copy", False), ("archive.pyz", True), ("archive.pyz", True)):
        output, _ = run_python("script.py", tmp_path / place, cwd=tmp_path, **env)
        version, n_compiled = output.split()
        assert version == fastmlp.__version__
        assert (n_compiled == "0") == is_warm
    x = np.random.RandomState(0).randint(0, 256, (40, 9))
    np.savez(tmp_path / "data.npz", x=x, y=np.arange(40) % 2)
    run_python(
        "archive.pyz", "train", "--data", "data.npz", "--epochs", "1", "--out", "run",
        cwd=tmp_path, **env,
    )  # fmt: skip
    assert (tmp_path / "run" / "model.safetensors").exists()
    output, _ = run_python("archive.pyz", "--version", cwd=tmp_path)
    assert output.split() == ["fastmlp", fastmlp.__version__]


def test_the_module_says_where_its_source_is(tmp_path: Path) -> None:
    """Code may bear the path of another machine, on which it was once compiled."""
    for folder, text in (("here", "a = 1"), ("elsewhere", "a = 2")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "module.py").write_text(text)
    path = str(tmp_path / "elsewhere" / "module.py")
    code = compile("def f(): pass", path, "exec").co_consts[0]
    spec = ModuleSpec("module", None, origin=str(tmp_path / "here" / "module.py"))
    hashes = {
        sources.hash_of(FunctionType(code, found))
        for found in ({"__spec__": spec}, {"__spec__": None}, {})
    }
    assert len(hashes) == 2
    assert "" not in hashes


def test_an_entry_without_a_file_is_compiled_but_never_stored(kernels: Any) -> None:
    typed_in = [type("TypedIn", (Entry,), {"__module__": "__main__x"})() for _ in range(2)]
    assert typed_in[0].key != typed_in[1].key
    assert typed_in[0].key == typed_in[0].key
    assert key_of(kernels.from_numbers, EntryType(typed_in[0])) == ""


# -- without a compiler ------------------------------------------------------------------------

MESSAGE = "fastmlp has to compile, which NUMBA_DISABLE_JIT=1"
SWITCHED_OFF = """
import sys
import numpy as np
import fastmlp
from fastmlp import MLP, MLPClassifier

if sys.argv[1] == "later":
    import fastmlp.kernels, numba
    numba.config.DISABLE_JIT = 1
x, y = np.random.RandomState(0).rand(20, 4), np.arange(20) % 3
for use in (
    lambda: MLP(4, 3, 3).train(x, y, 1),
    lambda: MLP(4, 3, 3).predict(x),
    lambda: MLPClassifier(3).fit(x, y),
):
    try:
        use()
    except RuntimeError as error:
        print(error)
fastmlp.reference.MLP(4, 3, 3).train(x, y, 1, verbose=False)
fastmlp.data.make_digits(10)
"""


@pytest.mark.parametrize("when", ["before", "later"])
def test_switched_off_jit_is_one_clear_error(tmp_path: Path, when: str) -> None:
    env = {"FASTMLP_CACHE_DIR": str(tmp_path / "cache")}
    if when == "before":
        env["NUMBA_DISABLE_JIT"] = "1"
    output, _ = run_python("-c", SWITCHED_OFF, when, cwd=tmp_path, **env)
    lines = output.splitlines()
    assert len(lines) == 3
    assert all(line.startswith(MESSAGE) and "fastmlp.reference.MLP" in line for line in lines)


def test_switched_off_jit_on_the_command_line(tmp_path: Path) -> None:
    np.savez(tmp_path / "data.npz", x=np.ones((40, 9)), y=np.arange(40) % 2)
    train = ("-m", "fastmlp", "train", "--data", "data.npz")
    _, complaint = run_python(*train, cwd=tmp_path, code=2, NUMBA_DISABLE_JIT="1")
    assert complaint.splitlines()[-1].startswith(f"Error: {MESSAGE}")
    assert [path.name for path in tmp_path.iterdir()] == ["data.npz"]
    output, _ = run_python("-m", "fastmlp", "--help", cwd=tmp_path, NUMBA_DISABLE_JIT="1")
    assert "evaluate" in output
