"""Files of models with something in them changed at random: refused, or they do all that models do.

The cases are drawn from a seed, so that they are the same ones each time.
"""

from __future__ import annotations

import json
import random
import warnings

import numpy as np
import pytest
from header_tools import joined, split
from scipy import sparse

from fastmlp import MLP, MLPClassifier, MLPRegressor

X = np.random.RandomState(0).rand(24, 3)
LETTERS = np.array(["a", "b", "c"] * 8)
SEVERAL = np.arange(72).reshape(24, 3) % 2
JUNK = (
    None, True, 0, -1, 3, 2.5, float("nan"), float("inf"), 1e308, 5e-324, 10**30, 10**400, "", "a",
    "relu", "lbfgs", "<U100000000", "<i8", "O", "\x1b[31m", "\ud800", "x" * 5000, [], [3], ["a"],
    ["a", "b", "c"], [[1]], [0, 1, 2], {}, {"a": 1}, [1e308], [10**400], list(range(3000)),
)  # fmt: skip


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Models of many kinds: the class, what was saved, and targets to train on."""
    path = tmp_path_factory.mktemp("files") / "m"
    found = []

    def keep(model, y):
        model.save(path)
        found.append((type(model), path.read_bytes(), y))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        adaptive = {"solver": "sgd", "learning_rate": "adaptive"}
        for y, settings in (
            (LETTERS, adaptive | {"class_weight": {"a": 2.0, "b": 1.0}}),
            (np.arange(24) % 2, {"activation": ("relu",), "early_stopping": True, "monitor": "f1"}),
            (np.arange(24) % 4 - 1.0, {"solver": "lbfgs", "dtype": "float32"}),
            (sparse.csr_array(SEVERAL), {}),
        ):
            keep(MLPClassifier((3,), max_iter=2, **settings).fit(X, y), y)
        for y, settings in (
            (np.arange(24.0), {"loss": "poisson", "solver": "sgd", "learning_rate": "invscaling"}),
            (X[:, :2], {"dropout": 0.1, "n_threads": 2}),
        ):
            keep(MLPRegressor(hidden_layer_sizes=(3, 2), max_iter=2, **settings).fit(X, y), y)
        for y, names, settings in (
            (LETTERS, ("a", "b", "c"), {"activation": ("tanh", "silu"), "input_scale": 255}),
            (X, None, {"loss": "squared_error", "dtype": "float32", "optimizer": "adam"}),
        ):
            network = MLP(3, (4, 2), 3, random_state=0, **settings)
            network.train(X, y, epochs=1, class_names=names, verbose=False)
            keep(network, y)
    return found


def edited(value, rng):
    """A value with something in it changed, taken out or added."""
    if isinstance(value, dict) and value and rng.random() < 0.85:
        name = rng.choice(list(value))
        rest = {key: one for key, one in value.items() if key != name}
        return rest if rng.random() < 0.1 else rest | {name: edited(value[name], rng)}
    if isinstance(value, list) and value and rng.random() < 0.5:
        i = rng.randrange(len(value))
        middle = rng.choice([[], [rng.choice(JUNK)], [edited(value[i], rng)], [value[i]] * 2])
        return value[:i] + middle + value[i + 1 :]
    return rng.choice(JUNK)


def damaged(content, rng):
    """A file with bits turned over, cut short, or with other metadata."""
    way = rng.random()
    if way < 0.15:
        start = bytearray(content)
        start[rng.randrange(len(start))] ^= 1 << rng.randrange(8)
        return bytes(start)
    if way < 0.2:
        return content[: rng.randrange(len(content))]
    header, metadata, arrays = split(content)
    if way < 0.3:
        return joined(edited(header, rng), arrays)
    texts = ("format", "format_version", "fastmlp_version", "estimator", "dtype")
    key = rng.choice([key for key in metadata if key not in texts])
    metadata[key] = json.dumps(edited(json.loads(metadata[key]), rng))
    return joined(header, arrays)


def attempt(function, *args):
    """What a call returns; or None, and the ValueError's message."""
    try:
        return function(*args), ""
    except ValueError as error:
        return None, str(error)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("seed", range(8))
def test_whatever_happens_to_a_file(tmp_path, files, seed):
    """Only a short ValueError comes of it, or a model that does all that models do."""
    kind, content, y = files[seed]
    rng, path, n_loaded = random.Random(seed), tmp_path / "m", 0
    for _ in range(60):
        path.write_bytes(damaged(content, rng))
        model, message = attempt(kind.load, path)
        if model is None:
            assert str(path) in message
            assert len(message) < 400 + len(str(path))
            continue
        n_loaded += 1
        predicted = model.predict(X)
        model.save(path)
        assert abs(kind.load(path).predict(X) != predicted).sum() == 0
        if kind is MLP:
            model.train(X, y, epochs=1, verbose=False)
        elif model.solver != "lbfgs":
            attempt(model.partial_fit, X, y)  # settings may not go on from there, or diverge
    assert 0 < n_loaded < 60
