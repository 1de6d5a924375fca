"""fastmlp.dask: no bit depends on where a round is computed, or on workers that are lost."""

from __future__ import annotations

import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import dask
import dask.array as da
import numpy as np
import pytest
from dask_tools import QUICK, UNFINISHED, _limit, bits, blobs, chunked, client, cluster  # noqa: F401
from distributed import Client, LocalCluster

from fastmlp.dask import DaskMLPClassifier
from fastmlp.dask import cluster as clusters

pytestmark = UNFINISHED
SETTINGS = QUICK | {"early_stopping": True, "dropout": 0.1, "rounds_per_epoch": 2}
LENGTHS = [150, 250, 1, 199]


def rows():
    return chunked(LENGTHS, *blobs())


def fitted(client, **more):  # noqa: F811
    return bits(DaskMLPClassifier(**SETTINGS | more, client=client).fit(*rows()))


def left(client):  # noqa: F811
    """The tasks that the scheduler still knows, after it has had time to forget."""
    for _ in range(100):
        tasks = client.run_on_scheduler(lambda dask_scheduler: len(dask_scheduler.tasks))
        if not tasks:
            break
        time.sleep(0.05)
    return tasks


def test_one_worker_or_two_and_threads(client):  # noqa: F811
    expected = fitted(client)
    one = list(client.scheduler_info()["workers"])[:1]
    with dask.annotate(workers=one):  # all rows on one worker
        assert fitted(client) == expected
    with (
        LocalCluster(
            n_workers=1, threads_per_worker=3, processes=False, dashboard_address=":0"
        ) as c,
        Client(c) as other,
    ):
        assert fitted(other) == expected
    assert fitted(client, n_threads=2) == expected
    assert left(client) == 0


def test_shards_that_nobody_is_known_to_hold(client, monkeypatch):  # noqa: F811
    """As just after their worker has gone: any worker may take them."""
    expected = fitted(client)
    monkeypatch.setattr(client, "who_has", lambda futures: {})
    assert fitted(client) == expected


def test_several_fits_at_once(client):  # noqa: F811
    expected = [fitted(client, random_state=seed) for seed in range(3)]
    with ThreadPoolExecutor(3) as pool:
        found = [*pool.map(lambda seed: fitted(client, random_state=seed), range(3))]
    assert found == expected


def test_groups_of_partitions_are_shards(client):  # noqa: F811
    x, y = blobs()
    two = DaskMLPClassifier(**QUICK).fit(*chunked([300] * 2, x, y))
    grouped = DaskMLPClassifier(**QUICK, n_shards=2).fit(*chunked([150] * 4, x, y))
    assert bits(grouped) == bits(two)


def test_more_shards_than_the_client_adds_up(client, monkeypatch):  # noqa: F811
    """The tree's order is fixed; its sums are those of one go, within rounding."""
    x, y = blobs()
    settings = QUICK | {"max_iter": 1}
    flat = DaskMLPClassifier(**settings).fit(*chunked([60] * 10, x, y))
    monkeypatch.setattr(clusters, "MOST_GATHERED", 2)
    monkeypatch.setattr(clusters, "FAN_IN", 3)
    tree = DaskMLPClassifier(**settings).fit(*chunked([60] * 10, x, y))
    for a, b in zip(flat.coefs_, tree.coefs_, strict=True):
        assert np.allclose(a, b, rtol=1e-5, atol=1e-7)
    assert np.allclose(flat.loss_curve_, tree.loss_curve_)


def test_a_large_network_goes_out_in_pieces(client, monkeypatch):  # noqa: F811
    expected = fitted(client)
    monkeypatch.setattr(clusters, "PIECE", 100)
    assert fitted(client) == expected


@pytest.fixture(scope="module")
def mortal():
    with (
        LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0",
            memory_limit=None,
        ) as c,
        Client(c) as found,
    ):  # fmt: skip
        yield found


def pids(client):  # noqa: F811
    return [*client.run(os.getpid).values()]


@pytest.mark.parametrize(
    "when",
    [
        "within",
        *(pytest.param(w, marks=pytest.mark.long) for w in ("before", "between", "all", "reading")),
    ],
)
def test_a_worker_is_killed(mortal, when):
    mortal.wait_for_workers(2, timeout=60)
    expected = fitted(mortal)
    victims = pids(mortal)[: None if when == "all" else 1]
    has_killed = []

    def kill(epoch=1, logs=None):
        if epoch == 1 and not has_killed:
            has_killed.extend(victims)
            for pid in victims:
                os.kill(pid, signal.SIGKILL)

    def kill_soon(epoch, logs):
        if epoch == 1:
            threading.Timer(0.02, kill).start()

    x, y = rows()
    if when == "before":
        x, y = mortal.persist([x, y])
        kill()
    elif when == "reading":
        x = x.map_blocks(_slowly)
        threading.Timer(0.5, kill).start()
    callbacks = {"between": [kill], "all": [kill], "within": [kill_soon]}.get(when)
    model = DaskMLPClassifier(**SETTINGS, client=mortal, callbacks=callbacks).fit(x, y)
    assert has_killed
    assert bits(model) == expected
    del x, y
    assert left(mortal) == 0


def _slowly(block):
    time.sleep(0.5)
    return block


def test_rows_that_were_sent_and_are_lost(mortal):
    mortal.wait_for_workers(2, timeout=60)
    x, y = blobs()
    futures = mortal.scatter([x[:300], x[300:]], broadcast=False)
    parts = [da.from_delayed(dask.delayed(f), (300, 10), np.float32) for f in futures]
    sent, targets = da.concatenate(parts), chunked([300, 300], y)[0]

    def kill(epoch, logs):
        if epoch == 1:
            for pid in pids(mortal):
                os.kill(pid, signal.SIGKILL)

    model = DaskMLPClassifier(**QUICK, client=mortal)
    with pytest.raises(RuntimeError, match=r"rows are lost, .*client\.scatter"):
        model.set_params(callbacks=[kill]).fit(sent, targets)
    assert not hasattr(model, "coefs_")
    del sent, futures, parts
