"""`fastmlp warm`: compiles what a model needs beforehand, as when an image is built."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from copy import deepcopy
from typing import Annotated, Any

import typer

import fastmlp
from fastmlp import caches
from fastmlp.cli import options
from fastmlp.cli.table_model import table_model
from fastmlp.cli.table_notes import file_of
from fastmlp.cli.terminal import tell
from fastmlp.tensors import metadata_of
from fastmlp.words import counted

OF_ESTIMATOR = "fastmlp-estimator"  # see fastmlp.estimators.storage
LEAST_ROWS = 128  # enough for two threads to share a batch


def warm(
    models: Annotated[
        list[str],
        typer.Argument(
            metavar="MODEL...",
            help="Files of models, or folders of runs.",
            callback=lambda paths: [options.expanded(path) for path in paths],
        ),
    ],
    train: Annotated[
        bool, typer.Option("--train", help="Compile what training such models needs, too.")
    ] = False,
) -> None:
    """Compile what models need to predict, so that no later process has to.

    The code is kept in the cache, which FASTMLP_CACHE_DIR moves. It is for processors of this
    machine's kind, and for these versions of fastmlp, Numba, NumPy and Python.
    """
    from fastmlp.kernels.codegen.cache import cache_folder
    from fastmlp.kernels.codegen.compile_notice import watch

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of made-up rows without names, and of a single epoch
        for network in (network for model in models for network in _networks(model)):
            for x in _rows(network):
                _predict(deepcopy(network), x)  # one is prepared for rows like its first ones
                if train:
                    for n_threads in {1, min(2, os.cpu_count() or 1)}:
                        _train(network, x, n_threads)
    folder = cache_folder()
    n_kernels = len(list(folder.glob("*.kernel"))) if folder.is_dir() else 0
    if watch.unkept:
        raise OSError(f"not all could be kept in {folder}: {watch.unkept}")
    if not n_kernels:
        raise OSError(f"nothing could be kept in {folder}: {caches.advice()}")
    tell(f"{counted(n_kernels, 'kernel')} in {folder}")


def _networks(model: str) -> list[Any]:
    """Return a model's networks: `MLP`, or estimators."""
    if (table := table_model(model)) is not None:
        return list(table.estimator.members_)
    file = file_of(model)
    text = metadata_of(file) if file.is_file() else {}
    if text.get("format") != OF_ESTIMATOR:
        return [fastmlp.MLP.load(model)]
    from fastmlp import estimators

    is_classifier = text.get("estimator") == "MLPClassifier"
    kind = estimators.MLPClassifier if is_classifier else estimators.MLPRegressor
    return [kind.load(file)]


def _rows(network: Any) -> Iterator[Any]:
    """Rows of each kind that has kernels of its own: of each type, with zeros and without."""
    import numpy as np

    is_mlp = isinstance(network, fastmlp.MLP)
    n_features = network.layer_sizes[0] if is_mlp else len(network.coefs_[0])
    n_rows = max(LEAST_ROWS, len(getattr(network, "classes_", ())))
    for dtype in (np.float32, np.float64, np.uint8):
        yield np.ones((n_rows, n_features), dtype)
        yield np.zeros((n_rows, n_features), dtype)


def _predict(network: Any, x: Any) -> None:
    network.predict(x)
    if hasattr(network, "classes_"):
        network.predict_proba(x)


def _train(network: Any, x: Any, n_threads: int) -> None:
    """Train a copy for an epoch."""
    y = network.predict(x)
    if isinstance(network, fastmlp.MLP):
        copy = deepcopy(network)
        copy.n_threads = n_threads
        copy.train(x, y, epochs=1, verbose=False)
        return
    import numpy as np
    from sklearn.base import clone

    if hasattr(network, "classes_") and y.ndim == 1:
        y = np.resize(network.classes_, len(x))  # all of them
    few = {"max_iter": 1, "early_stopping": False, "warm_start": False, "verbose": False}
    clone(network).set_params(**few, callbacks=None, n_threads=n_threads).fit(x, y)
