"""Values kept beside objects, and objects that are trained by one caller at a time."""

import gc
import os
import threading

import numpy as np
import pytest

import fastmlp
from fastmlp.beside import Beside

X = np.random.RandomState(0).rand(60, 4)
Y = np.arange(60) % 3


class _Thing:
    """Equal to everything, and without a hash."""

    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other):
        return True


def test_values_belong_to_one_object_and_go_with_it():
    beside, one, other = Beside(), _Thing(), _Thing()
    beside.keep(one, "a")
    assert other not in beside
    assert beside.pop(other) is None
    beside.keep(one, "b")
    assert beside.pop(one) == "b"
    assert beside.pop(one) is None
    beside.keep(one, "c")
    del one
    gc.collect()
    assert len(beside) == 0


class Equal(fastmlp.MLPClassifier):
    """As a user may write it: with `__eq__`, and so without a hash."""

    def __eq__(self, other):
        return isinstance(other, Equal) and self.get_params() == other.get_params()


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_an_estimator_needs_no_hash():
    model = Equal((5,), max_iter=2, random_state=0)
    model.fit(X, Y).partial_fit(X, Y)
    plain = fastmlp.MLPClassifier((5,), max_iter=2, random_state=0)
    plain.fit(X, Y).partial_fit(X, Y)
    np.testing.assert_array_equal(model.predict_proba(X), plain.predict_proba(X))
    np.testing.assert_array_equal(model.predict(X), model.predict(X))


def _mlp(callback):
    network = fastmlp.MLP(4, 5, 3, random_state=0)
    return network, lambda: network.train(X, Y, 3, verbose=False, callbacks=[callback])


def _reference(callback):
    network = fastmlp.reference.MLP(4, 5, 3, random_state=0)
    return network, lambda: network.train(X, Y, 3, verbose=False, callbacks=[callback])


def _classifier(callback):
    model = fastmlp.MLPClassifier((5,), max_iter=3, tol=0, callbacks=[callback], random_state=0)
    return model, lambda: model.fit(X, Y)


def _partial(callback):
    model = fastmlp.MLPRegressor(hidden_layer_sizes=(5,), callbacks=[callback], random_state=0)
    return model, lambda: model.partial_fit(X, Y)


def _again(model):
    if hasattr(model, "train"):
        return model.train(X, Y, 1, verbose=False)
    return model.partial_fit(X, Y)


KINDS = pytest.mark.parametrize("make", [_mlp, _reference, _classifier, _partial])


@KINDS
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_two_trainings_of_one_object_at_once_are_refused(make):
    inside, go_on = threading.Event(), threading.Event()

    def wait(epoch, logs):
        inside.set()
        assert go_on.wait(60)

    model, run = make(wait)
    thread = threading.Thread(target=run)
    thread.start()
    assert inside.wait(60)
    with pytest.raises(RuntimeError, match="is being trained, by another thread"):
        _again(model)
    assert model.predict(X).shape == (60,)  # which is allowed
    if hasattr(os, "fork") and make is _mlp:
        pid = os.fork()
        if not pid:  # nothing of the parent's trainings runs here
            model.callbacks = []
            os._exit(0 if _again(model) else 1)
        assert os.waitpid(pid, 0)[1] == 0
    go_on.set()
    thread.join()
    _again(model)


@KINDS
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_callback_cannot_train_its_own_object(make):
    def nest(epoch, logs):
        with pytest.raises(RuntimeError, match="whose callback this is"):
            _again(models[0])
        called.append(epoch)

    models, called = [], []
    model, run = make(nest)
    models.append(model)
    run()
    assert called


def test_an_error_in_a_callback_leaves_the_object_free():
    def fail(epoch, logs):
        raise KeyError("callback")

    network, run = _mlp(fail)
    with pytest.raises(KeyError, match="callback"):
        run()
    network.train(X, Y, 1, verbose=False)
