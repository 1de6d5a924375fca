"""A cluster of two processes for the tests of fastmlp.dask, rows for it, and a limit of time."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import dask.array as da
import numpy as np
import pytest
from distributed import Client, LocalCluster
from numpy.typing import NDArray
from time_limit import time_limit

Array = NDArray[Any]
# Two epochs or so, whose end nothing is to be said about.
QUICK = {"hidden_layer_sizes": (8,), "max_iter": 3, "random_state": 0, "batch_size": 32}
SAID = "Stochastic Optimizer"
UNFINISHED = pytest.mark.filterwarnings(f"ignore:{SAID}")


@pytest.fixture(autouse=True)
def _limit() -> Iterator[None]:
    with time_limit(300):
        yield


@pytest.fixture(scope="session")
def cluster() -> Iterator[LocalCluster]:
    """Two workers, of a thread each; what they are killed in leaves them as they were."""
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # of lost workers, at length
    with LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0", memory_limit=None
    ) as found:
        yield found


@pytest.fixture
def client(cluster: LocalCluster) -> Iterator[Client]:
    with Client(cluster) as found:
        yield found


def blobs(n_rows: int = 600, n_classes: int = 3, dtype: Any = np.float32) -> tuple[Array, Array]:
    """Rows (n_rows, 10) whose classes can be learnt."""
    random = np.random.RandomState(1)
    x = random.standard_normal((n_rows, 10)).astype(dtype)
    return x, (x @ random.standard_normal((10, n_classes))).argmax(axis=1)


def chunked(lengths: Any, *arrays: Array) -> list[da.Array]:
    """Arrays in partitions of so many rows."""
    return [da.from_array(a, chunks=(tuple(lengths), *a.shape[1:])) for a in arrays]


def bits(model: Any) -> list[bytes]:
    """All that two equal fits have to have the same."""
    arrays = [*model.coefs_, *model.intercepts_]
    figures = [model.loss_curve_, model.validation_scores_, model.validation_loss_curve_]
    return [a.tobytes() for a in arrays] + [repr(curve).encode() for curve in figures]
