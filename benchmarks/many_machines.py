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
from itertools import pairwise
from typing import Any

import dask.array as da
import numpy as np
from dask.utils import key_split
from distributed import Client, LocalCluster, get_task_stream
from numpy.typing import NDArray

from benchmarks.data import mnist
from fastmlp import MLPClassifier
from fastmlp.dask import DaskMLPClassifier

Array = NDArray[Any]
SHARDS = (1, 2, 4, 8, 16)
HIDDEN: tuple[tuple[int, ...], ...] = ((64,), (1024,))
NETWORK: dict[str, Any] = {
    "hidden_layer_sizes": (64,),
    "batch_size": 64,
    "random_state": 0,
    "tol": 0.0,
}
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


def accuracies(client: Client, x: Array, y: Array, n: int, seeds: int) -> None:
    """Print the accuracy of 20 epochs on MNIST, here and in 8 and 16 shards."""
    x_test, y_test = x[n:], y[n:]
    settings = NETWORK | {"max_iter": 20}
    for what, fit in {
        "here": lambda s: MLPClassifier(**s).fit(x[:n], y[:n]),
        "8 shards": lambda s: DaskMLPClassifier(**s, client=client).fit(*blocks(x[:n], y[:n], 8)),
        "8 shards, lr_scaling=1": lambda s: DaskMLPClassifier(
            **s, client=client, lr_scaling=1.0
        ).fit(*blocks(x[:n], y[:n], 8)),
        "16 shards": lambda s: DaskMLPClassifier(**s, client=client).fit(*blocks(x[:n], y[:n], 16)),
    }.items():
        scores = [
            100 * fit(settings | {"random_state": seed}).score(x_test, y_test)
            for seed in range(seeds)
        ]
        print(f"{what}: {statistics.mean(scores):.2f} % ({', '.join(f'{s:.2f}' for s in scores)})")


def epoch_seconds(x: Array, y: Array, hidden: tuple[int, ...]) -> float:
    """Return the seconds of an epoch on one thread of this machine."""
    model = MLPClassifier(**NETWORK | {"hidden_layer_sizes": hidden}, max_iter=5, n_threads=1)
    seconds = model.set_params(callbacks=[lambda epoch, logs: None]).fit(x, y).history_.seconds
    return min(seconds[1:])


def megabytes(hidden: tuple[int, ...]) -> float:
    """Return what a shard sends in a round: weights and adam's two states, in float32."""
    sizes = [784, *hidden, 10]
    n = sum(a * b + b for a, b in pairwise(sizes))
    return 3 * 4 * n / 1e6


def table(a: float, b: float, c: float, nets: dict[tuple[int, ...], float]) -> None:
    """Print when it pays, by the model of docs/many-machines.md: computed, not measured."""
    print("| network | workers | network speed | MB a round | s a round | rows a shard |")
    for hidden, per_row in nets.items():
        mb = megabytes(hidden)
        for workers in (8, 64):
            for gbit in (1, 10):
                wire = 2 * workers * mb * 8 / (1000 * gbit)
                seconds = a + b * workers + c * mb * workers + wire
                rows = seconds / per_row / (workers - 1)
                half = seconds / per_row
                print(
                    f"| 784-{'-'.join(map(str, hidden))}-10 | {workers} | {gbit} Gbit | "
                    f"{2 * workers * mb:.0f} | {seconds:.2f} | {rows:,.0f}; {half:,.0f} |"
                )


def main() -> None:
    """Measure, and print all of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", choices=("accuracy", "rounds"))
    arguments = parser.parse_args()
    found = mnist()
    assert found is not None, "MNIST is not there: $FASTMLP_DATA"
    order = np.random.RandomState(123).permutation(len(found[0]))
    x, y = found[0][order] / np.float32(255), found[1][order]
    warnings.simplefilter("ignore")
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster,
        Client(cluster) as client,
    ):
        if arguments.only != "rounds":
            accuracies(client, x, y, 50_000, arguments.seeds)
        if arguments.only != "accuracy":
            measured: dict[tuple[tuple[int, ...], int], float] = {}
            for hidden in HIDDEN:
                for n_shards in SHARDS:
                    rows = client.persist(blocks(x[:16_000], y[:16_000], n_shards))
                    figures = [rounds(client, *rows, hidden_layer_sizes=hidden) for _ in range(3)]
                    whole, outside = min(figures, key=lambda pair: pair[1])
                    measured[hidden, n_shards] = outside
                    print(f"{hidden}, {n_shards} shards: {1e3 * whole:.0f} ms a round, "
                          f"{1e3 * outside:.0f} outside of tasks", flush=True)  # fmt: skip
            # seconds = a + b shards + c MB shards, by least squares
            rows = [(1, s, megabytes(h) * s) for h, s in measured]
            a, b, c = np.linalg.lstsq(np.array(rows), np.array([*measured.values()]), rcond=None)[0]
            print(f"a = {1e3 * a:.1f} ms, b = {1e3 * b:.2f} ms a shard, c = {1e3 * c:.2f} ms a MB")
            nets: dict[tuple[int, ...], float] = {
                hidden: epoch_seconds(x[:16_000], y[:16_000], hidden) / 16_000 for hidden in HIDDEN
            }
            print({h: f"{1e6 * s:.2f} us a row" for h, s in nets.items()})
            table(max(a, 0), max(b, 0), c, nets)


if __name__ == "__main__":
    main()
