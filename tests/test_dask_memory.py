"""fastmlp.dask: workers hold their rows once, and eight shards learn as much as one machine."""

from __future__ import annotations

import re
from pathlib import Path

import dask
import dask.array as da
import numpy as np
import psutil
import pytest
from dask_tools import QUICK, UNFINISHED, _limit, blobs, chunked  # noqa: F401
from distributed import Client, LocalCluster

from fastmlp import MLPClassifier
from fastmlp.dask import DaskMLPClassifier

pytestmark = UNFINISHED
ROWS, COLUMNS, BLOCKS = 8000, 784, 8
STATUS = Path("/proc/self/status")


def pixels(seed):
    """A block that a worker makes: floats that stand for bytes, as the engine likes them."""
    random = np.random.RandomState(seed)
    return random.randint(0, 256, (ROWS, COLUMNS), np.uint8) / np.float32(255)


def labels(seed):
    return np.random.RandomState(seed).randint(0, 10, ROWS)


def resident():
    return psutil.Process().memory_info().rss


def peak():
    """Not `ru_maxrss`, which a process inherits from the one that has started it."""
    found = re.search(r"VmHWM:\s*(\d+) kB", STATUS.read_text())
    return int(found[1]) * 1024


@pytest.mark.skipif(not STATUS.exists(), reason="there is no /proc")
def test_the_rows_lie_on_the_workers_once():
    """With the bytes that stand for floats, a quarter more."""
    blocks = [da.from_delayed(dask.delayed(pixels)(i), (ROWS, COLUMNS), np.float32)
              for i in range(BLOCKS)]  # fmt: skip
    targets = [da.from_delayed(dask.delayed(labels)(i), (ROWS,), int) for i in range(BLOCKS)]
    with (
        LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0",
            memory_limit=None,
        ) as cluster,
        Client(cluster) as client,
    ):  # fmt: skip
        model = DaskMLPClassifier(**QUICK | {"max_iter": 10}, client=client)
        x, y = blobs()
        model.fit(*chunked([100] * 6, np.tile(x, (1, 79))[:, :COLUMNS], y))
        client.run(pixels, 0)
        before = client.run(resident)
        model.fit(da.concatenate(blocks), da.concatenate(targets))
        after = client.run(peak)
    rows = BLOCKS * ROWS * COLUMNS * 4
    grown = sum(after[worker] - before[worker] for worker in before)
    print(f"{grown / rows:.2f} times the rows")
    assert 0.9 * rows < grown < 1.3 * rows


@pytest.mark.long
def test_eight_shards_of_mnist_are_as_accurate_as_one_machine(real_digits):
    x, y = real_digits
    x = x / np.float32(255)
    order = np.random.RandomState(0).permutation(len(x))
    n = len(x) * 5 // 6
    train, test = order[:n], order[n:]
    settings = {"hidden_layer_sizes": (64,), "batch_size": 64, "max_iter": 20, "tol": 0.0}
    lengths = np.diff(np.linspace(0, n, 9).astype(int)).tolist()
    scores = {"local": [], "8 shards": []}
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster,
        Client(cluster) as client,
    ):
        rows = client.persist(chunked(lengths, x[train], y[train]))
        for seed in range(3):
            local = MLPClassifier(**settings, random_state=seed).fit(x[train], y[train])
            found = DaskMLPClassifier(**settings, random_state=seed, client=client).fit(*rows)
            scores["local"].append(local.score(x[test], y[test]))
            scores["8 shards"].append(found.score(x[test], y[test]))
    print({name: np.round(found, 4).tolist() for name, found in scores.items()})
    assert np.mean(scores["8 shards"]) > np.mean(scores["local"]) - 0.003
