"""What a round of `fastmlp.dask` costs: measured on this machine, computed for larger clusters.

``python -m benchmarks.many_machines``: accuracy on MNIST against one machine, seconds a round
outside of training, memory, and the table of docs/many-machines.md.
"""

from __future__ import annotations

import argparse
import statistics
import time
import warnings
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dask
import dask.array as da
import numpy as np
import psutil
from dask.utils import key_split
from distributed import Client, LocalCluster, get_task_stream
from numpy.typing import NDArray

from benchmarks.data import mnist
from fastmlp import MLPClassifier
from fastmlp.dask import DaskMLPClassifier

Array = NDArray[Any]
SHARDS = (1, 2, 4, 8, 16)
NETWORK = {"hidden_layer_sizes": (64,), "batch_size": 64, "random_state": 0, "tol": 0.0}
ROUNDS = 12  # measured, the first ones left out


def blocks(x: Array, y: Array, n_shards: int) -> tuple[da.Array, da.Array]:
    """Return the rows in partitions."""
    lengths = tuple(np.diff(np.linspace(0, len(x), n_shards + 1).astype(int)).tolist())
    return da.from_array(x, chunks=(lengths, x.shape[1])), da.from_array(y, chunks=(lengths,))


def rounds(client: Client, x: Any, y: Any, **settings: Any) -> tuple[float, float]:
    """Return the median seconds of a round, and of that the part outside of the shards' tasks."""
    ends = [0.0]
    model = DaskMLPClassifier(
        **NETWORK | settings, max_iter=ROUNDS, client=client,
        callbacks=[lambda epoch, logs: ends.append(time.time())],
    )  # fmt: skip
    with get_task_stream(client) as stream:
        model.fit(x, y)
    busy: dict[tuple[int, str], float] = defaultdict(float)
    for task in stream.data:
        if key_split(task["key"]) == "mlp-round":
            number = int(task["key"].split("-")[2])
            for part in task["startstops"]:
                if part["action"] == "compute":
                    busy[number, task["worker"]] += part["stop"] - part["start"]
    assert model.history_ is not None
    whole = np.array(model.history_.seconds[2:])
    longest = np.array(
        [max(t for (n, _), t in busy.items() if n == number) for number in range(2, ROUNDS)]
    )
    return float(np.median(whole)), float(np.median(whole - longest))
