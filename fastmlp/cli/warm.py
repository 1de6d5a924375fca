"""`fastmlp warm`: compiles what a model needs beforehand, as when an image is built."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import suppress
from copy import deepcopy
from typing import Annotated, Any

import typer

import fastmlp
from fastmlp import caches
from fastmlp.cli import options
from fastmlp.cli.saved import networks_of
from fastmlp.cli.terminal import tell
from fastmlp.words import counted

LEAST_ROWS = 128  # enough for two threads to share a batch
LARGEST_AUTO = 200  # rows of a batch whose size scikit-learn chooses


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
        warnings.simplefilter("ignore")  # of made-up rows without names, and of few epochs
        for network in (network for model in models for network in networks_of(model)):
            for x in _rows(network):
                _predict(deepcopy(network), x)  # one is prepared for rows like its first ones
                if train:
                    for n_threads in {1, min(2, os.cpu_count() or 1)}:
                        _predict(_trained(network, x, n_threads), x)  # of its rows' type, maybe
    folder = cache_folder()
    n_kernels = len(list(folder.glob("*.kernel"))) if folder.is_dir() else 0
    if watch.unkept:
        raise OSError(f"not all could be kept in {folder}: {watch.unkept}")
    if not n_kernels:
        raise OSError(f"nothing could be kept in {folder}: {caches.advice()}")
    tell(f"{counted(n_kernels, 'kernel')} in {folder}")


def _rows(network: Any) -> Iterator[Any]:
    """Rows of each kind that has kernels of its own: of each type, with zeros and without.

    Floats that are levels are trained on as bytes, which zeros alone are not.
    """
    import numpy as np

    is_mlp = isinstance(network, fastmlp.MLP)
    n_features = network.layer_sizes[0] if is_mlp else len(network.coefs_[0])
    # Whole batches: large ones of small networks have kernels of their own.
    batch_size: Any = getattr(network, "batch_size", "auto")
    whole_batch = LARGEST_AUTO if batch_size == "auto" else batch_size
    n_rows: int = max(LEAST_ROWS, whole_batch, len(getattr(network, "classes_", ())))
    ones = np.ones((n_rows, n_features), np.uint8)
    few = ones * (np.arange(n_features) == 0)
    for dtype in (np.float32, np.float64, np.uint8):
        yield ones.astype(dtype)
        yield np.zeros_like(ones, dtype)
        yield few.astype(dtype)
    with suppress(ImportError):
        from scipy.sparse import csr_array

        for dtype in (np.float32, np.float64):
            yield csr_array(ones.astype(dtype))
            yield csr_array(few.astype(dtype))


def _predict(network: Any, x: Any) -> None:
    network.predict(x)
    if hasattr(network, "classes_"):
        network.predict_proba(x)


def _trained(network: Any, x: Any, n_threads: int) -> Any:
    """Return a copy, trained for as many epochs as it takes for floats to be kept as bytes."""
    from fastmlp.kernels.levels import FEWEST_EPOCHS

    y = network.predict(x)
    if isinstance(network, fastmlp.MLP):
        copy = deepcopy(network)
        copy.n_threads = n_threads
        copy.train(x, y, epochs=FEWEST_EPOCHS, verbose=False)
        return copy
    import numpy as np
    from sklearn.base import clone

    if hasattr(network, "classes_") and y.ndim == 1:
        y = np.resize(network.classes_, x.shape[0])  # all of them
    few = {
        "max_iter": FEWEST_EPOCHS,
        "early_stopping": False,
        "warm_start": False,
        "verbose": False,
    }
    return clone(network).set_params(**few, callbacks=None, n_threads=n_threads).fit(x, y)
