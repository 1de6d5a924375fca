"""MLPClassifier.fit and MLPRegressor.fit go on to the bits of a fit that was left alone."""

from __future__ import annotations

import copy
import warnings

import numpy as np
import pytest
import scipy.sparse as sp
from checkpoint_tools import Ended, assert_same, ending, keep_always, until_done, within
from estimator_tools import quiet
from sklearn.exceptions import ConvergenceWarning

from fastmlp import MLPClassifier, MLPRegressor
from fastmlp.training.run import Run

RNG = np.random.RandomState(0)
X = RNG.rand(420, 12)
PIXELS = RNG.randint(0, 256, X.shape).astype(np.uint8) * (X < 0.4)
SCORES = X @ RNG.randn(12, 4) + 0.3 * RNG.randn(420, 4)
NAMES = np.array(["ant", "bee", "cat", "dog"])[SCORES.argmax(axis=1)]
NUMBERS = SCORES[:, :2]
WEIGHTS = RNG.randint(0, 3, 420) * 0.7
EPOCHS = 4


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.ckpt"


def everything(model, stream=None):
    """All that a fit leaves."""
    names = [n for n in vars(model) if n.endswith("_") and n not in ("history_", "classes_")]
    found = {name: getattr(model, name) for name in names}
    return found | {
        "history": model.history_.columns(),
        "optimizer": list(model._optimizer_state),
        "stream": stream.get_state(legacy=False) if stream else None,
    }


ONE_BY_ONE = {"max_seconds": 1e9}  # epochs, however short
STOPPING = {"early_stopping": True, "n_iter_no_change": 2, "max_iter": 12,
            "learning_rate_init": 0.05}  # fmt: skip


def make(kind=MLPClassifier, **settings):
    settings = {
        "hidden_layer_sizes": (10,), "max_iter": EPOCHS, "batch_size": 20, "random_state": 1
    } | settings  # fmt: skip
    return kind(**settings)


CLASSES = ({}, {"X": X, "y": NAMES})
REGRESSION = ({"kind": MLPRegressor}, {"X": X, "y": NUMBERS})
CASES = {
    "adam, dropout": ({"dropout": 0.2}, CLASSES[1]),
    "sgd, adaptive": (
        {"solver": "sgd", "learning_rate": "adaptive", "tol": 10.0, "n_iter_no_change": 1,
         "max_iter": 8}, CLASSES[1],
    ),
    "sgd, invscaling": ({"solver": "sgd", "learning_rate": "invscaling"}, CLASSES[1]),
    "adamw, cosine": ({"solver": "adamw", "learning_rate": "cosine"}, CLASSES[1]),
    "early stopping": (
        {"early_stopping": True, "n_iter_no_change": 2, "max_iter": 12,
         "learning_rate_init": 0.05}, CLASSES[1],
    ),
    "weights": (
        {"class_weight": "balanced"}, CLASSES[1] | {"sample_weight": WEIGHTS},
    ),
    "sparse": ({"dtype": "float32"}, {"X": sp.csr_array(PIXELS / 255), "y": NAMES}),
    "pixels, in parts": ({"batch_size": 170}, {"X": PIXELS, "y": NAMES}),
    "regressor": (REGRESSION[0] | {"dropout": 0.1}, REGRESSION[1]),
    "regressor, early stopping": (
        REGRESSION[0] | {"early_stopping": True, "solver": "sgd", "n_iter_no_change": 2},
        REGRESSION[1],
    ),
    "X_val": ({}, CLASSES[1] | {"X_val": X[:50], "y_val": NAMES[:50]}),
    "no shuffle": ({"shuffle": False}, CLASSES[1]),
    "multilabel": ({}, {"X": X, "y": (SCORES > 0).astype(int)}),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_the_bits_are_those_of_a_fit_left_alone(case, path, monkeypatch):
    """It ends in the middle of epochs, and goes on with other numbers of threads.

    The generator is the caller's, and is found in another state by each process.
    """
    keep_always(monkeypatch)
    settings, data = CASES[case]
    settings = settings | ONE_BY_ONE
    stream = np.random.RandomState(5)
    alone = quiet(make(**settings | {"random_state": stream}), **data)
    expected = everything(alone, stream)
    used = iter([1, 2, 3] * 1000)

    def go_on(**checkpoint):
        stream = np.random.RandomState(None if checkpoint["resume"] else 5)
        model = make(**settings | {"random_state": stream, "n_threads": next(used)})
        return everything(quiet(model, **data, **checkpoint), stream)

    found, ends = until_done(go_on, path, monkeypatch, after=2 if "parts" in case else 11)
    assert len(ends) > 2
    assert within(ends)
    assert_same(found, expected)


def test_short_epochs_are_still_taken_together(path, monkeypatch):
    """A checkpoint is written between blocks of them."""
    settings = {"max_iter": 600, "batch_size": 420, "tol": 1e-3}
    alone = make(**settings).fit(X, NAMES)
    assert alone.n_iter_ < 600
    keep_always(monkeypatch)
    blocks = []
    take = monkeypatch.setattr
    from fastmlp.training.epochs import Epochs

    original = Epochs._take_block
    take(Epochs, "_take_block", lambda self, n: (blocks.append(n), original(self, n))[1])
    found, ends = until_done(
        lambda **checkpoint: make(**settings).fit(X, NAMES, **checkpoint), path, monkeypatch, 4
    )
    assert len(ends) > 2
    assert max(blocks) > 1
    assert_same(everything(found), everything(alone))


def test_a_fit_that_has_ended_is_read(path, monkeypatch):
    model = make(tol=10.0, n_iter_no_change=2, max_iter=50).fit(X, NAMES, checkpoint=path)
    assert model.n_iter_ == 4
    before = path.read_bytes()
    again = make(tol=10.0, n_iter_no_change=2, max_iter=60)
    with monkeypatch.context() as patch:
        patch.setattr("fastmlp.kernels.Trainer.epoch", lambda *_: pytest.fail("an epoch"))
        again.fit(X, NAMES, checkpoint=path, resume=True)
    assert_same(everything(again), everything(model))
    assert (again.predict(X) == model.predict(X)).all()
    assert path.read_bytes() == before


def test_max_iter_counts_all_epochs(path):
    longer = quiet(make(max_iter=7), X, NAMES)
    quiet(make(), X, NAMES, checkpoint=path)
    with pytest.warns(ConvergenceWarning, match="Maximum iterations"):
        make().fit(X, NAMES, checkpoint=path, resume=True)
    again = quiet(make(max_iter=7), X, NAMES, checkpoint=path, resume=True)
    assert_same(everything(again), everything(longer))
    with pytest.raises(ValueError, match=r"max_iter is 5, of all epochs, and .* holds 7"):
        quiet(make(max_iter=5), X, NAMES, checkpoint=path, resume=True)
    quiet(make(learning_rate="cosine"), X, NAMES, checkpoint=path)
    with pytest.raises(ValueError, match="max_iter was 4, and is 5"):
        quiet(make(learning_rate="cosine", max_iter=5), X, NAMES, checkpoint=path, resume=True)


OTHERS = {
    "class was 'MLPClassifier'": (REGRESSION[0], REGRESSION[1]),
    "alpha was 0.0001": ({"alpha": 0.1}, CLASSES[1]),
    "hidden_layer_sizes": ({"hidden_layer_sizes": (9,)}, CLASSES[1]),
    "random_state was 1, and is 2": ({"random_state": 2}, CLASSES[1]),
    "X was 'float64": ({}, CLASSES[1] | {"X": X.astype(np.float32)}),
    "y was": ({}, CLASSES[1] | {"y": NAMES[::-1]}),
    "classes was": ({}, CLASSES[1] | {"y": np.char.add(NAMES, "s")}),
    "sample_weight was None": ({}, CLASSES[1] | {"sample_weight": WEIGHTS}),
    "X_val was None": ({}, CLASSES[1] | {"X_val": X, "y_val": NAMES}),
}


@pytest.mark.parametrize("message", OTHERS)
def test_another_fit_is_refused_by_what_differs(message, path):
    quiet(make(), X, NAMES, checkpoint=path)
    settings, data = OTHERS[message]
    model = make(**settings)
    with pytest.raises(ValueError, match=rf"of another training: {message}"):
        model.fit(**data, checkpoint=path, resume=True)
    assert not hasattr(model, "coefs_")


def test_lbfgs_has_no_checkpoint(path):
    with pytest.raises(ValueError, match=r"checkpoint is given with solver='lbfgs'"):
        make(solver="lbfgs").fit(X, NAMES, checkpoint=path)
    assert not path.exists()


def test_arguments_that_make_no_sense_are_refused_and_change_nothing():
    model = quiet(make(), X, NAMES)
    coefs = model.coefs_
    with pytest.raises(ValueError, match="resume is True without"):
        model.fit(X, NAMES, resume=True)
    assert model.coefs_ is coefs


def test_an_interrupted_fit_goes_on_where_it_was(path, monkeypatch):
    """In the same session, from a warm start, too, whatever the object has learnt since."""
    keep_always(monkeypatch)
    settings = {"warm_start": True, "dropout": 0.2, "early_stopping": True, "max_iter": 6}
    alone = quiet(make(**settings), X, NAMES)
    model = make(**settings)

    def interrupt(self):
        if self.state.epoch == 3:
            raise KeyboardInterrupt
        begin(self)

    begin = Run.begin_epoch
    with monkeypatch.context() as patch:
        patch.setattr(Run, "begin_epoch", interrupt)
        with pytest.warns(UserWarning, match="interrupted by user"):
            model.fit(X, NAMES, checkpoint=path, checkpoint_seconds=1e-9)
    quiet(model, X, NAMES, checkpoint=path, resume=True)
    assert_same(everything(model), everything(alone))
    # The second fit begins where the first one has ended, and is a training of its own.
    start = copy.deepcopy(alone)
    quiet(alone, X, NAMES)
    with monkeypatch.context() as patch:
        ending(patch, after=40)
        with pytest.raises(Ended):
            quiet(model, X, NAMES, checkpoint=path, checkpoint_seconds=1e-9)
    quiet(start, X, NAMES, checkpoint=path, resume=True)
    assert_same(everything(start), everything(alone))


def test_time_counts_on(path, monkeypatch):
    """Where time has ended a fit, more of it goes on."""
    settings = {"max_iter": 100_000, "tol": 0.0, "n_iter_no_change": np.inf}
    model = make(max_seconds=0.2, **settings).fit(X, NAMES, checkpoint=path)
    n_epochs = model.n_iter_
    again = make(max_seconds=0.2, **settings).fit(X, NAMES, checkpoint=path, resume=True)
    assert again.n_iter_ == n_epochs
    assert_same(again.coefs_, model.coefs_)
    again = make(max_seconds=0.4, **settings).fit(X, NAMES, checkpoint=path, resume=True)
    assert again.n_iter_ > n_epochs
    assert_same(again.loss_curve_[:n_epochs], model.loss_curve_)
    assert 0.2 < sum(again.history_.seconds) < 4


def test_callbacks_are_kept_and_others_warned_of(path, monkeypatch):
    keep_always(monkeypatch)

    class Counting:
        def __init__(self):
            self.losses = []

        def __call__(self, epoch, logs):
            self.losses.append(logs["loss"])

        def state_dict(self):
            return {"losses": self.losses}

        def load_state_dict(self, kept):
            self.losses = list(kept["losses"])

    counting = []

    def go_on(**checkpoint):
        counting.append(Counting())
        return quiet(make(callbacks=[counting[-1]]), X, NAMES, **checkpoint)

    model, ends = until_done(go_on, path, monkeypatch, after=11)
    assert len(ends) > 2
    assert counting[-1].losses == model.loss_curve_
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        make(callbacks=[print]).fit(X, NAMES, checkpoint=path)
    assert sum("nothing of the callbacks print:" in str(w.message) for w in said) == 1
