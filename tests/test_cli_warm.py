"""`fastmlp warm`: what it has compiled, no later process compiles."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from estimator_tools import load, quiet

from fastmlp import MLP, MLPClassifier, TableRegressor

# A model's class, file and rows; every kind of use that `warm` promises to have prepared.
PREDICTING = """
import sys, numpy as np, fastmlp
kind, path, rows = sys.argv[1:]
model = getattr(fastmlp, kind).load(path)
x = np.load(rows)
for n in (1, 100):
    for given in (x[:n], x[:n].astype("float32"), x[:n].astype("float64")):
        model.predict(given)
        if kind != "TableRegressor":
            model.predict_proba(given)
"""
TRAINING = """
import sys, numpy as np, fastmlp
kind, path, rows = sys.argv[1:]
x = np.load(rows)
model = fastmlp.MLP.load(path)
model.train(x, np.arange(len(x)) % 3, epochs=2, verbose=False)
"""


def python(*words: str | Path, cache: Path) -> str:
    done = subprocess.run(
        [sys.executable, *map(str, words)],
        env=os.environ | {"FASTMLP_CACHE_DIR": str(cache)},
        capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stderr


def warm(*words: str | Path, cache: Path) -> str:
    return python("-m", "fastmlp", "warm", *words, cache=cache)


def kernels(cache: Path) -> set[str]:
    return {path.name for path in cache.rglob("*.kernel")}


@pytest.mark.parametrize("kind", ["MLP", "MLPClassifier", "TableRegressor"])
def test_predictions_compile_nothing_more(kind, tmp_path):
    x, y = load("wine")
    pixels = np.random.RandomState(0).randint(0, 256, (100, 13), np.uint8)
    pixels[pixels < 200] = 0
    if kind == "MLP":
        network = MLP(13, (9, 8), 3, activation="tanh", input_scale=255, dtype="float32")
        network.save(tmp_path / "model")
    elif kind == "MLPClassifier":
        quiet(MLPClassifier(8, max_iter=2), pd.DataFrame(x).add_prefix("c"), y).save(
            tmp_path / "model"
        )
    else:
        settings = {"n_members": 2, "max_seconds": 1, "random_state": 0}
        TableRegressor(**settings).fit(x, y.astype(float)).save(tmp_path / "model")
    np.save(tmp_path / "rows.npy", pixels)
    cache = tmp_path / "cache"
    assert "kernels in" in warm(tmp_path / "model", cache=cache)
    before = kernels(cache)
    use = ["-W", "ignore", "-c", PREDICTING, kind, tmp_path / "model", tmp_path / "rows.npy"]
    python(*use, cache=cache)
    assert before
    assert kernels(cache) == before


def test_trainings_compile_nothing_more(tmp_path):
    MLP(13, 8, 3, 0.001, optimizer="adam", dropout=0.1, input_scale=255, dtype="float32").save(
        tmp_path / "model"
    )
    rows = np.random.RandomState(0).randint(0, 256, (300, 13), np.uint8)
    np.save(tmp_path / "rows.npy", rows)
    cache = tmp_path / "cache"
    warm(tmp_path / "model", "--train", cache=cache)
    before = kernels(cache)
    python("-c", TRAINING, "MLP", tmp_path / "model", tmp_path / "rows.npy", cache=cache)
    assert kernels(cache) == before


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
