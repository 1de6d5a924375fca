"""Hostile files of every kind of model: sound ones with something in them changed."""

from __future__ import annotations

import functools
import json
import random
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from fuzz_bytes import EXTREMES, LONGEST, Hostile, damaged
from header_tools import joined, split
from scipy import sparse
from tables_tools import mixed_table

from fastmlp import MLP, MLPClassifier, MLPRegressor, TableClassifier, TableRegressor

X = np.random.RandomState(0).rand(24, 3)
LETTERS = np.array(["a", "b", "c"] * 8)
SEVERAL = np.arange(72).reshape(24, 3) % 2
TABLE, YES, NUMBERS = mixed_table(60)
LONGER, _, MORE = mixed_table(120)  # whose trees are more than a leaf each
JUNK = (
    None, True, 0, -1, 3, 2.5, float("nan"), float("inf"), 1e308, 5e-324, 10**30, 10**400, "", "a",
    "relu", "lbfgs", "<U100000000", "<i8", "O", "\x1b[31m", "\ud800", "x" * 5000, [], [3], ["a"],
    ["a", "b", "c"], [[1]], [0, 1, 2], {}, {"a": 1}, [1e308], [10**400], list(range(3000)),
)  # fmt: skip
TEXTS = ("format", "format_version", "fastmlp_version", "estimator", "dtype")


KINDS = {
    kind.__name__: kind
    for kind in (MLP, MLPClassifier, MLPRegressor, TableClassifier, TableRegressor)
}


class Sound(NamedTuple):
    """A file, and what its model was trained on."""

    kind: Any
    content: bytes
    x: Any
    y: Any


def trained(kind: str) -> list[Any]:
    """Models of one kind, with all that a file of it can hold, and what they were trained on."""
    if kind == "MLP":
        found = []
        for y, names, settings in (
            (LETTERS, ("a", "b", "c"), {"activation": ("tanh", "silu"), "input_scale": 255}),
            (X, None, {"loss": "squared_error", "dtype": "float32", "optimizer": "adam"}),
        ):
            network = MLP(3, (4, 2), 3, random_state=0, **settings)
            network.train(X, y, epochs=1, class_names=names, verbose=False)
            found.append((network, X, y))
        return found
    if kind == "MLPClassifier":
        adaptive = {"solver": "sgd", "learning_rate": "adaptive"}
        given: Any = (
            (LETTERS, adaptive | {"class_weight": {"a": 2.0, "b": 1.0}}),
            (np.arange(24) % 2, {"activation": ("relu",), "early_stopping": True, "monitor": "f1"}),
            (np.arange(24) % 4 - 1.0, {"solver": "lbfgs", "dtype": "float32"}),
            (sparse.csr_array(SEVERAL), {}),
        )
        return [(MLPClassifier((3,), max_iter=2, **s).fit(X, y), X, y) for y, s in given]
    if kind == "MLPRegressor":
        given = (
            (np.arange(24.0), {"loss": "poisson", "solver": "sgd", "learning_rate": "invscaling"}),
            (X[:, :2], {"dropout": 0.1, "n_threads": 2}),
        )
        sizes = {"hidden_layer_sizes": (3, 2), "max_iter": 2}
        return [(MLPRegressor(**sizes, **s).fit(X, y), X, y) for y, s in given]
    settings = {"n_members": 2, "random_state": 0, "n_threads": 1}
    if kind == "TableClassifier":
        three = np.array(["a", "b", "c"] * 40)
        return [
            (TableClassifier(**settings).fit(TABLE, YES), TABLE, YES),
            (TableClassifier(**settings, trees=True).fit(LONGER, three), TABLE, three),
        ]
    return [
        (TableRegressor(**settings).fit(TABLE, NUMBERS), TABLE, NUMBERS),
        (TableRegressor(**settings, trees=True).fit(LONGER, MORE), TABLE, NUMBERS),
    ]


@functools.cache
def sound_files(kind: str) -> list[Sound]:
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path, found = Path(folder) / "m", []
        for model, x, y in trained(kind):
            model.save(path)
            found.append(Sound(type(model), path.read_bytes(), x, y))
    return found


def edited(value: Any, rng: random.Random) -> Any:
    """A value with something in it changed, taken out or added."""
    if isinstance(value, dict) and value and rng.random() < 0.85:
        name = rng.choice(list(value))
        rest = {key: one for key, one in value.items() if key != name}
        return rest if rng.random() < 0.1 else rest | {name: edited(value[name], rng)}
    if isinstance(value, list) and value and rng.random() < 0.5:
        i = rng.randrange(len(value))
        middle: Any = rng.choice([[], [rng.choice(JUNK)], [edited(value[i], rng)], [value[i]] * 2])
        return value[:i] + middle + value[i + 1 :]
    return rng.choice(JUNK)


def with_other_arrays(header: dict[str, Any], arrays: bytes, rng: random.Random) -> bytes:
    """A file with one array of another type, shape, place or content than it had."""
    name = rng.choice([name for name in header if name != "__metadata__"])
    entry = header[name]
    start, end = entry["data_offsets"]
    way = rng.random()
    if way < 0.3:
        entry["shape"] = rng.choice((entry["shape"][::-1], [], [*entry["shape"], 1], [0],
                                     [rng.choice(EXTREMES)], [2**32, 2**32]))  # fmt: skip
    elif way < 0.5:
        entry["dtype"] = rng.choice(
            ("F64", "F32", "F16", "BF16", "I64", "U8", "BOOL", "X", "F8_E5M2")
        )
    elif way < 0.6:
        entry["data_offsets"] = [rng.choice((start, *EXTREMES)), rng.choice((end, *EXTREMES))]
    elif way < 0.7:
        header[rng.choice(("w9", "trees0_left", "b0"))] = header.pop(name)
    else:  # numbers that are possible, and those that are none
        size = 8 if entry["dtype"] in ("F64", "I64") else 4
        at = start + size * rng.randrange(max(1, (end - start) // size))
        kind = entry["dtype"].replace("F", "f").replace("I", "i").replace("U", "u")
        kind = f"<{kind[0]}{size}"
        other = np.array(rng.choice((0, -1, 2**30, 1e30, np.nan, np.inf, 5)))
        with np.errstate(all="ignore"):
            arrays = arrays[:at] + other.astype(kind).tobytes() + arrays[at + size :]
    return joined(header, arrays)


def model(kind: str) -> Callable[[random.Random], Hostile]:
    """Files of one kind of models with bits turned over, cut short, or with other metadata."""

    def make(rng: random.Random) -> Hostile:
        sound = rng.choice(sound_files(kind))
        content = changed(sound.content, rng)
        return Hostile(content, len(content), sound)

    return make


def changed(content: bytes, rng: random.Random) -> bytes:
    way = rng.random()
    if way < 0.25:
        return damaged(content, rng)
    header, metadata, arrays = split(content)
    if way < 0.45:
        return with_other_arrays(header, arrays, rng)
    if way < 0.55:
        return joined(edited(header, rng), arrays)
    for _ in range(rng.choice((1, 1, 2))):
        key = rng.choice([key for key in metadata if key not in TEXTS])
        metadata[key] = json.dumps(edited(json.loads(metadata[key]), rng))
    return joined(header, arrays)


def use(path: Path, hostile: Hostile, rng: random.Random) -> None:
    """Load a model, and have it do all that models do; ValueError only if it can't be loaded."""
    kind, _, x, y = hostile.sound
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        loaded = kind.load(path)
        if kind in (TableClassifier, TableRegressor):
            use_on_table(loaded, path, x)
            return
        predicted = loaded.predict(x)
        loaded.save(path)
        assert abs(kind.load(path).predict(x) != predicted).sum() == 0
        if kind is MLP:
            refused(loaded.train, x, y, 1, verbose=False)
        elif loaded.solver != "lbfgs":
            refused(loaded.partial_fit, x, y)  # settings may not go on from there, or diverge


def use_on_table(loaded: Any, path: Path, x: Any) -> None:
    """Predict a table whose columns are called like the model's, and may be of other kinds."""
    x = x.iloc[:, np.arange(loaded.n_features_in_) % x.shape[1]]
    names = getattr(loaded, "feature_names_in_", range(x.shape[1]))
    x = x.set_axis(pd.Index(names, dtype=object), axis=1)  # as text, surrogates would be refused
    loaded.save(path)
    again = type(loaded).load(path)
    if not refused(loaded.predict, x):
        np.testing.assert_array_equal(loaded.predict(x), again.predict(x))


def refused(function: Callable[..., object], *args: Any, **keywords: Any) -> bool:
    """Call what may raise a short ValueError or TypeError; say whether it has."""
    try:
        function(*args, **keywords)
    except (ValueError, TypeError) as error:
        if len(str(error)) >= LONGEST:
            raise RuntimeError("a long message") from error
        return True
    return False
