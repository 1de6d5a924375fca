"""fastmlp.dask: clients that can't be used, workers that can't train, and what a fit leaves."""

from __future__ import annotations

import sys
import threading
import time

import numpy as np
import pytest
from dask_tools import QUICK, UNFINISHED, _limit, bits, blobs, chunked, client, cluster  # noqa: F401
from distributed import Client, get_task_stream
from test_dask_places import left

from fastmlp.dask import DaskMLPClassifier

pytestmark = UNFINISHED


def rows():
    return chunked([200] * 3, *blobs())


def test_clients_that_cannot_be_used(cluster):  # noqa: F811
    with pytest.raises(ValueError, match="there is no Dask client"):
        DaskMLPClassifier().fit(*rows())
    with pytest.raises(TypeError, match="client is 'scheduler:8786'"):
        DaskMLPClassifier(client="scheduler:8786").fit(*rows())
    with Client(cluster) as closed:
        assert DaskMLPClassifier().client_ is closed
    with pytest.raises(RuntimeError, match="the Dask client is closed: connect anew"):
        DaskMLPClassifier(client=closed).fit(*rows())


def test_a_client_that_is_closed_within_a_fit(cluster):  # noqa: F811
    with Client(cluster) as found:
        model = DaskMLPClassifier(**QUICK, client=found, callbacks=[lambda *_: found.close()])
        with pytest.raises(RuntimeError, match="Dask client is clos"):
            model.fit(*rows())
    assert not hasattr(model, "coefs_")


def _set_version(version):
    import fastmlp.version

    before = fastmlp.version.__version__
    fastmlp.version.__version__ = version
    return before


def _hide():
    for name in [name for name in sys.modules if name.split(".")[0] == "fastmlp"]:
        sys.hidden = getattr(sys, "hidden", {}) | {name: sys.modules.pop(name)}
    sys.modules["fastmlp"] = None


def _show():
    del sys.modules["fastmlp"]
    sys.modules.update(sys.hidden)


def test_workers_that_have_another_version_or_none(client):  # noqa: F811
    worker = list(client.scheduler_info()["workers"])[:1]
    before = client.run(as_code(_set_version), "0.0.1", workers=worker)
    try:
        with pytest.raises(RuntimeError, match=r"has fastmlp 0\.0\.1, and here is .* everywhere"):
            DaskMLPClassifier(**QUICK).fit(*rows())
    finally:
        client.run(as_code(_set_version), *before.values(), workers=worker)
    client.run(as_code(_hide), workers=worker)
    try:
        with pytest.raises(RuntimeError, match=f"worker {worker[0]} has no fastmlp: install"):
            DaskMLPClassifier(**QUICK).fit(*rows())
    finally:
        client.run(as_code(_show), workers=worker)
    DaskMLPClassifier(**QUICK).fit(*rows())


def as_code(function):
    """A function that is sent whole: workers don't have this file."""
    import cloudpickle

    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    return function


def test_nothing_is_left_on_the_cluster(client):  # noqa: F811
    x, y = rows()
    model = DaskMLPClassifier(**QUICK, early_stopping=True).fit(x, y)
    assert left(client) == 0
    assert not client.futures
    x_val, y_val = rows()
    model.fit(x, y, X_val=x_val, y_val=y_val)
    assert left(client) == 0
    with pytest.raises(TypeError, match="as it comes"):
        model.set_params(callbacks=[raising]).fit(x, y)
    assert left(client) == 0
    assert not client.futures
    assert model.n_iter_ == 3  # of the fit before


def raising(epoch, logs):
    raise TypeError("as it comes")


def test_an_interrupt_ends_the_run_with_the_last_mean(client):  # noqa: F811
    def interrupt(epoch, logs):
        if epoch == 2:
            threading.Timer(0.05, threading_interrupt).start()

    model = DaskMLPClassifier(**QUICK | {"max_iter": 1000, "tol": 0}, callbacks=[interrupt])
    with pytest.warns(UserWarning, match="Training interrupted by user"):
        model.fit(*rows())
    assert 2 <= model.n_iter_ < 1000
    assert len(model.loss_curve_) == model.n_iter_
    assert np.isfinite(model.predict_proba(blobs()[0])).all()
    time.sleep(0.1)  # the round that was given up
    assert left(client) == 0


def threading_interrupt():
    import _thread

    _thread.interrupt_main()


def test_tasks_have_names_for_the_dashboard(client):  # noqa: F811
    from dask.utils import key_split

    with get_task_stream(client) as stream:
        DaskMLPClassifier(**QUICK, early_stopping=True).fit(*rows())
    names = {key_split(task["key"]) for task in stream.data}
    assert {"mlp-rows", "mlp-facts", "mlp-mean", "mlp-round", "mlp-judge"} <= names


def test_one_training_at_a_time(client):  # noqa: F811
    def again(epoch, logs):
        with pytest.raises(RuntimeError, match="is being trained"):
            model.fit(*rows())

    model = DaskMLPClassifier(**QUICK, callbacks=[again])
    assert bits(model.fit(*rows()))
