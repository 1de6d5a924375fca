"""`fastmlp warm`: what it has compiled, no later process compiles."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from estimator_tools import quiet

from fastmlp import MLP, MLPClassifier, TableRegressor

# Every kind of rows and of use that `warm` promises to have prepared. What is compiled all the same
# is printed: a cache that can't be written would not show it.
USING = """
import sys, numpy as np, fastmlp
from numba.core import event
from scipy.sparse import csr_array
kind, path, use = sys.argv[1:]
model = getattr(fastmlp, kind).load(path)
rng = np.random.RandomState(0)
pixels = rng.randint(1, 256, (300, 16))
pixels[rng.rand(300, 16) < 0.8] = 0
full, few = rng.randn(300, 16), rng.randn(300, 16) * (pixels > 0)
rows = [pixels.astype("uint8"), pixels / 255, full, few]
rows += [x.astype("float32") for x in rows[1:]]
if kind != "TableRegressor":
    rows += [csr_array(full), csr_array(few)]
with event.install_recorder("numba:compile") as found:
    for x in rows:
        for n in (1, 100, 300):
            model.predict(x[:n])
            if kind != "TableRegressor":
                model.predict_proba(x[:n])
        if use == "train" and kind == "MLP":
            model.train(x, np.arange(300) % 3, epochs=4, verbose=False)
        elif use == "train":
            y = np.resize(model.classes_, 300)
            model.set_params(max_iter=4, early_stopping=True).fit(x, y)
print(*{each.data["dispatcher"].py_func.__name__ for _, each in found.buffer})
"""


def python(*words: str | Path, cache: Path) -> str:
    done = subprocess.run(
        [sys.executable, *map(str, words)],
        env=os.environ | {"FASTMLP_CACHE_DIR": str(cache)},
        capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def warm(*words: str | Path, cache: Path) -> str:
    return python("-m", "fastmlp", "warm", *words, cache=cache)


def compiled(kind: str, path: Path, use: str, cache: Path) -> str:
    """The kernels that a use of a model compiles when the cache is read-only."""
    before = {path.name for path in cache.rglob("*.kernel")}
    assert before
    folders = [cache, *(path for path in cache.rglob("*") if path.is_dir())]
    for folder in folders:
        folder.chmod(0o555)
    try:
        names = python("-W", "ignore", "-c", USING, kind, path, use, cache=cache)
    finally:
        for folder in folders:
            folder.chmod(0o755)
    assert {path.name for path in cache.rglob("*.kernel")} == before
    return names.strip()


@pytest.mark.parametrize("kind", ["MLP", "MLPClassifier", "TableRegressor"])
def test_predictions_compile_nothing_more(kind, tmp_path):
    x = np.random.RandomState(0).randn(60, 16)
    y = np.arange(60) % 3
    if kind == "MLP":
        network = MLP(16, (9, 8), 3, activation="tanh", input_scale=255, dtype="float32")
        network.save(tmp_path / "model")
    elif kind == "MLPClassifier":
        frame = pd.DataFrame(x).add_prefix("c")
        quiet(MLPClassifier(8, max_iter=2), frame, y).save(tmp_path / "model")
    else:
        settings = {"n_members": 2, "max_seconds": 1, "random_state": 0}
        TableRegressor(**settings).fit(x, y.astype(float)).save(tmp_path / "model")
    cache = tmp_path / "cache"
    assert "kernels in" in warm(tmp_path / "model", cache=cache)
    assert compiled(kind, tmp_path / "model", "predict", cache) == ""


@pytest.mark.parametrize("kind", ["MLP", "MLPClassifier"])
def test_trainings_compile_nothing_more(kind, tmp_path):
    if kind == "MLP":
        network = MLP(16, 8, 3, 0.001, optimizer="adam", dropout=0.1, input_scale=255)
        network.save(tmp_path / "model")
    else:
        x = np.random.RandomState(0).randn(60, 16)
        quiet(MLPClassifier(8, max_iter=2), x, np.arange(60) % 3).save(tmp_path / "model")
    cache = tmp_path / "cache"
    warm(tmp_path / "model", "--train", cache=cache)
    assert compiled(kind, tmp_path / "model", "train", cache) == ""


def test_a_cache_that_can_not_be(tmp_path):
    MLP(4, 3, 2).save(tmp_path / "model")
    (tmp_path / "file").write_text("no folder")
    done = subprocess.run(
        [sys.executable, "-m", "fastmlp", "warm", str(tmp_path / "model")],
        env=os.environ | {"FASTMLP_CACHE_DIR": str(tmp_path / "file")},
        capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    assert done.returncode == 2
    assert "set FASTMLP_CACHE_DIR to another folder" in " ".join(done.stderr.split())


def test_a_cache_that_takes_nothing_more(tmp_path):
    MLP(4, 3, 2).save(tmp_path / "model")
    program = (
        "import sys\n"
        "from fastmlp.kernels.codegen import cache, cache_file\n"
        "cache.cache_folder().mkdir(parents=True)\n"
        "(cache.cache_folder() / 'old.kernel').touch()\n"
        "def full(*arguments):\n"
        "    raise OSError(28, 'No space left on device')\n"
        "cache_file.write = full\n"
        "from fastmlp.__main__ import main\n"
        "sys.argv[1:] = ['warm', sys.argv[1]]\n"
        "main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "model")],
        env=os.environ | {"FASTMLP_CACHE_DIR": str(tmp_path / "cache")},
        capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    assert done.returncode == 2
    assert "not all could be kept" in done.stderr
    assert "No space left on device" in done.stderr
