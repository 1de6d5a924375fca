"""Kills trainings with SIGKILL at random moments, and has new processes go on with them.

``python kill_checkpoints.py N_KILLS SEED FOLDER`` prints, for each case, how often trainings were
killed, how often in the middle of an epoch, and how many came out with other bits than the one that
was left alone. Each process has another number of threads, and generators in another state.
"""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import random
import signal
import sys
import time
import warnings
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np
import scipy.sparse as sp

from fastmlp import MLP, MLPClassifier, MLPRegressor, fit_many
from fastmlp.checkpoints import file as checkpoint_file
from fastmlp.checkpoints.file import CheckpointFile
from fastmlp.kernels.runtime import autotune

RNG = np.random.RandomState(0)
X = RNG.rand(12_000, 40)
PIXELS = RNG.randint(0, 256, X.shape).astype(np.uint8) * (X < 0.25)
ROWS = {"dense": X.astype(np.float32), "pixels": PIXELS, "sparse": sp.csr_array(PIXELS / 255)}
SCORES = X @ RNG.randn(40, 5) + RNG.randn(len(X), 5)
Y = SCORES.argmax(axis=1)
WEIGHTS = RNG.randint(0, 3, len(X)) * 0.7
EPOCHS = 8


def network(threads, keywords, kind="dense", batch_size=50, **settings):
    scale = 255 if kind == "pixels" else None
    mlp = MLP(40, (64, 32), 5, 0.01, n_threads=threads, input_scale=scale, **settings)
    data = ROWS[kind]
    validation = data[:500], Y[:500]
    mlp.train(
        data, Y, EPOCHS, batch_size, validation_data=validation, verbose=False, **keywords
    )  # fmt: skip
    return [*mlp.parameters.arrays], mlp.history_.columns()


def estimator(threads, keywords, kind="dense", is_regressor=False, weighs=False, **settings):
    make = MLPRegressor if is_regressor else MLPClassifier
    model = make(
        hidden_layer_sizes=(64, 32), n_threads=threads,
        learning_rate_init=1e-6 if is_regressor and kind == "pixels" else 1e-3,  # or it diverges
        **{"max_iter": EPOCHS, "batch_size": 50} | settings,
    )  # fmt: skip
    y = SCORES[:, :2] if is_regressor else Y
    model.fit(ROWS[kind], y, sample_weight=WEIGHTS if weighs else None, **keywords)
    return left(model)


def left(model):
    names = sorted(n for n in vars(model) if n.endswith("_") and n not in ("history_", "_labels"))
    state = model._optimizer_state
    return {n: getattr(model, n) for n in names}, model.history_.columns(), list(state)


def many(threads, keywords):
    folds = [np.arange(i, len(X), 4) for i in range(4)]
    models = [
        MLPClassifier((32,), max_iter=6 + i, batch_size=50, dropout=0.1 * i, tol=10.0)
        for i in range(4)
    ]
    fit_many(models, ROWS["pixels"], Y, splits=folds, n_jobs=threads, **keywords)
    return [left(model) for model in models]


SOLVERS = ("sgd", "adam", "adamw")
FEATURES = {
    "dropout": {"dropout": 0.2},
    "sparse": {"kind": "sparse"},
    "pixels": {"kind": "pixels"},
    "parts": {"batch_size": 600},
}
OF_ESTIMATORS = FEATURES | {
    "early stopping": {"early_stopping": True, "n_iter_no_change": 3},
    "cosine": {"learning_rate": "cosine"},
    "adaptive": {"learning_rate": "adaptive", "tol": 10.0, "n_iter_no_change": 1},
    "weights": {"weighs": True},
}


def cases():
    """Each solver with each feature, of each class; and some that have several."""
    for (feature, settings), solver in product(OF_ESTIMATORS.items(), SOLVERS):
        if feature in FEATURES:
            yield f"MLP {solver} {feature}", partial(network, optimizer=solver, **settings)
        if feature == "adaptive" and solver != "sgd":
            continue
        yield f"classifier {solver} {feature}", partial(estimator, solver=solver, **settings)
        yield (
            f"regressor {solver} {feature}",
            partial(estimator, is_regressor=True, solver=solver, **settings),
        )
    yield (
        "MLP nesterov float64 parts dropout",
        partial(network, optimizer="nesterov", dtype="float64", batch_size=600, dropout=0.1),
    )
    yield (
        "classifier adam dropout early stopping",
        partial(estimator, dropout=0.2, early_stopping=True, n_iter_no_change=3),
    )
    yield (
        "classifier sgd pixels invscaling",
        partial(estimator, kind="pixels", solver="sgd", learning_rate="invscaling"),
    )
    yield "fit_many", many


CASES = dict(cases())


def without_seconds(value):
    """What is compared, of nested values."""
    if isinstance(value, dict):
        return {k: without_seconds(v) for k, v in value.items() if k != "seconds"}
    if isinstance(value, list | tuple):
        return [without_seconds(v) for v in value]
    return (value.dtype.str, value.shape, value.tobytes()) if hasattr(value, "dtype") else value


def begun(case, threads, out, path):
    """Begin a training in a child that writes a sum of the result's bits; return its id."""
    is_there = path is not None and path.exists()
    child = os.fork()
    if child:
        return child
    try:
        np.random.seed(None if is_there else 7)
        keywords = {}
        if path is not None:
            keywords = {"checkpoint": path, "checkpoint_seconds": 0.004, "resume": is_there}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = CASES[case](threads, keywords)
        found = without_seconds([found, np.random.get_state(legacy=False)])
        part = out.with_suffix(".part")
        part.write_text(hashlib.sha256(pickle.dumps(found, 5)).hexdigest())
        part.rename(out)
    except BaseException as error:
        print(repr(error), file=sys.stderr, flush=True)
        os._exit(1)
    os._exit(0)


def ended(child):
    code = os.waitpid(child, 0)[1]
    assert code == 0, code


def is_within(path):
    """Whether a checkpoint that a kill has left is of the middle of an epoch."""
    if not path.exists():
        return False
    with CheckpointFile(path, 1.0, True) as file:
        return any(run["state"].get("sums") for run in file.found.values())


def main(n_kills, seed, folder, names):
    chance = random.Random(seed)
    checkpoint_file.SHARE = 1  # more moments to go on from, and within epochs
    autotune.STRETCH_SECONDS = 0.001
    for case in names:
        out, path = folder / "out", folder / "run.ckpt"
        ended(begun(case, 1, out, None))  # what is compiled is compiled
        wanted = out.read_text()
        out.unlink()
        start = time.perf_counter()
        ended(begun(case, 1, out, None))
        seconds = time.perf_counter() - start
        assert out.read_text() == wanted, "two whole runs differ"
        counts = {"kills": 0, "within": 0, "runs": 0, "wrong": 0}
        while counts["kills"] < n_kills:
            out.unlink(missing_ok=True)
            path.unlink(missing_ok=True)
            longest = seconds
            while not out.exists():
                child = begun(case, chance.choice([1, 1, 2, 3]), out, path)
                time.sleep(chance.uniform(0.1, 1.0) * longest)
                if os.waitpid(child, os.WNOHANG) == (0, 0):
                    os.kill(child, signal.SIGKILL)
                    os.waitpid(child, 0)
                    counts["kills"] += 1
                    longest *= 1.1  # where the machine has become slower, this ends nevertheless
                    counts["within"] += is_within(path)
                else:
                    assert out.exists(), "a training has failed"
            counts["runs"] += 1
            counts["wrong"] += out.read_text() != wanted
        print(json.dumps({"case": case, "seconds": round(seconds, 2)} | counts), flush=True)


if __name__ == "__main__":
    _, kills, seed, folder, *names = sys.argv
    main(int(kills), int(seed), Path(folder), names or list(CASES))
