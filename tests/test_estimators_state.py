"""What one call leaves to the next, in random orders of calls, against scikit-learn."""

from __future__ import annotations

import copy
import pickle
import warnings
from unittest.mock import patch

import numpy as np
import pytest
import sklearn.neural_network
from estimator_tools import load, quiet
from sklearn.neural_network import _multilayer_perceptron as theirs

import fastmlp
from fastmlp import MLPClassifier

SEEDS = range(20)  # by hand: thousands
READ_ANEW = {  # by each call, in both libraries
    "alpha": [0.0, 1e-3, 1.0],
    "batch_size": ["auto", 5, 16],
    "max_iter": [1, 5, 40],
    "shuffle": [True, False],
    "tol": [0.0, 1e-3, 0.3, 10.0],
    "n_iter_no_change": [1, 2, np.inf],
}
KEPT = {  # by scikit-learn, from when its optimiser was made, or not meant to be changed there
    "solver": ["sgd", "adam", "lbfgs"],
    "learning_rate": ["constant", "invscaling", "adaptive", "adaptive"],
    "learning_rate_init": [0.1, 0.02, 1e-3, 2e-6],
    "power_t": [0.5, 0.2],
    "momentum": [0.9, 0.5, 0.0],
    "nesterovs_momentum": [True, False],
    "beta_1": [0.9, 0.5],
    "beta_2": [0.999, 0.9],
    "epsilon": [1e-8, 1e-3],
    "warm_start": [True, False],
    "early_stopping": [False, False, True],
}
COPIES = (lambda model: model, copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model)))


class OnPurpose:
    """Turns scikit-learn's classes into what fastmlp means to be.

    A setting of the optimiser takes effect when it is set, and another solver begins with an
    optimiser of its own. A warm start goes on with the optimiser; only a rate that has run out is
    set back. Early stopping can be turned on and off between calls, and the weights that a call
    began with may be its best. When lbfgs begins anew, nothing is left of other solvers' runs.
    """

    def _initialize(self, *args):
        for name in ("_optimizer", *CURVES):
            self.__dict__.pop(name, None)
        super()._initialize(*args)

    def _fit_stochastic(self, *args):
        self.__dict__ = dict.fromkeys(CURVES) | self.__dict__
        if self.loss_curve_ is None:
            self.loss_curve_, self._no_improvement_count = [], 0
        if self.early_stopping:
            self.validation_scores_ = self.validation_scores_ or []
            if self.best_validation_score_ is None:
                self.best_loss_, self.best_validation_score_ = None, -np.inf
        elif self.best_loss_ is None:
            self.best_loss_, self.best_validation_score_ = np.inf, None
        self._best_coefs = [w.copy() for w in self.coefs_]
        self._best_intercepts = [b.copy() for b in self.intercepts_]
        kept, is_partial = self.__dict__.pop("_optimizer", None), args[-1]

        def make(kind, *settings):
            optimizer = kind(*settings)
            optimizer.iteration_ends(self.t_)  # 'invscaling' goes by the rows seen
            if kind is type(kept):
                self._hand_on(kept, optimizer, is_partial)
            return optimizer

        sgd, adam = theirs.SGDOptimizer, theirs.AdamOptimizer
        with (
            patch.object(theirs, "SGDOptimizer", lambda *settings: make(sgd, *settings)),
            patch.object(theirs, "AdamOptimizer", lambda *settings: make(adam, *settings)),
        ):
            super()._fit_stochastic(*args)

    def _hand_on(self, kept, optimizer, is_partial):
        if self.solver == "adam":
            optimizer.t, optimizer.ms, optimizer.vs = kept.t, kept.ms, kept.vs
            return
        if kept.momentum > 0:
            optimizer.velocities = kept.velocities
        is_same = kept.learning_rate_init == optimizer.learning_rate_init
        was_adaptive = kept.lr_schedule == optimizer.lr_schedule == "adaptive"
        if is_same and was_adaptive and (is_partial or kept.learning_rate > 1e-6):
            optimizer.learning_rate = kept.learning_rate


CURVES = ("loss_curve_", "best_loss_", "validation_scores_", "best_validation_score_")


class Both:
    """An estimator of each library, with a generator of its own, that are called alike."""

    def __init__(self, rng, name, bases):
        self.theirs = type(name, (*bases, getattr(sklearn.neural_network, name)), {})()
        self.ours = getattr(fastmlp, name)()
        self.generators = [np.random.RandomState(0) for _ in range(2)]
        self.log = []
        self.set(hidden_layer_sizes=(4,), activation="tanh", max_iter=5)
        self.set(solver="sgd", learning_rate="adaptive", tol=1.0, n_iter_no_change=1)
        self.set_generators()

    def set(self, **settings):
        self.log.append(settings)
        self.ours.set_params(**settings)
        self.theirs.set_params(**settings)

    def set_generators(self):
        self.log.append("generators")
        self.ours.random_state, self.theirs.random_state = self.generators

    def copy(self, duplicate):
        self.log.append("copy")
        generator = self.ours.random_state
        self.ours = duplicate(self.ours).set_params(random_state=generator)

    def call(self, name, *args, **keywords):
        self.log.append(name)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            getattr(self.ours, name)(*args, **keywords)
            getattr(self.theirs, name)(*args, **keywords)
        self.compare()

    def compare(self):
        for name in (*COUNTS, *NUMBERS):
            one, other = (as_vector(getattr(m, name, None)) for m in (self.ours, self.theirs))
            rtol, atol = (0, 0) if name in COUNTS else (1e-6, 1e-9)
            np.testing.assert_allclose(one, other, rtol, atol, err_msg=f"{name} after {self.log}")
        states = [generator.get_state() for generator in self.generators]
        assert str(states[0]) == str(states[1]), self.log


COUNTS = ("n_iter_", "t_", "n_layers_", "_no_improvement_count")
NUMBERS = ("coefs_", "intercepts_", "loss_", *CURVES)


def as_vector(value):
    parts = [] if value is None else value if isinstance(value, list) else [value]
    return np.concatenate([np.ravel(part) for part in (*parts, [])])


def some(rng, choices, most):
    """Values of some settings, `most` of them at most."""
    names = rng.permutation(list(choices))[: rng.randint(most + 1)]
    return {str(name): choices[name][rng.randint(len(choices[name]))] for name in names}


def run(seed, bases=()):
    """Call both libraries at random; without `bases`, only what is the same in both."""
    rng = np.random.RandomState(seed)
    name = ("MLPClassifier", "MLPRegressor")[rng.randint(2)]
    x, y = rng.randn(40, 3), np.arange(40) % rng.randint(2, 4)
    classes = {"classes": np.unique(y)} if name == "MLPClassifier" else {}
    both = Both(rng, name, bases)
    for _ in range(8):
        begins_anew = rng.randint(4) == 0
        settings = some(rng, READ_ANEW, 3)
        if bases or begins_anew:
            settings |= some(rng, KEPT, 5)
        if not bases:
            settings["warm_start"] = False
            settings["solver"] = settings.get("solver", both.ours.solver).replace("lbfgs", "sgd")
        if settings.get("solver", both.ours.solver) == "lbfgs":
            settings["max_iter"] = 4  # later ones amplify rounding
        if rng.randint(8) == 0:
            settings["random_state"] = int(rng.randint(5))
        both.set(**settings)
        if rng.randint(8) == 0:
            both.set_generators()
        both.copy(COPIES[rng.randint(len(COPIES))])
        start = rng.randint(10)
        rows = slice(start, start + rng.randint(20, 31))
        weights = rng.randint(1, 4, 40)[rows] if rng.randint(5) == 0 else None
        if (
            begins_anew
            or both.ours.early_stopping
            or both.ours.solver == "lbfgs"
            or (bases and rng.randint(3) == 0)
        ):
            both.call("fit", x[rows], y[rows], weights)
        else:
            both.call("partial_fit", x[rows], y[rows], weights, **classes)


@pytest.mark.parametrize("seed", SEEDS)
def test_it_is_scikit_learns(seed):
    run(seed)


@pytest.mark.parametrize("seed", SEEDS)
def test_what_differs_on_purpose_is_all_that_does(seed):
    run(seed, bases=(OnPurpose,))


def run_out(**settings):
    """A fit that has ended because its rate was too small, and its data."""
    x, y = load("wine")
    model = MLPClassifier(
        solver="sgd", learning_rate="adaptive", learning_rate_init=0.5, momentum=0.5, tol=1.0,
        n_iter_no_change=1, batch_size=20, random_state=0, **settings,
    )  # fmt: skip
    return model.fit(x, y), x, y


@pytest.mark.parametrize("settings", [
    {}, {"momentum": 0.0}, {"nesterovs_momentum": False}, {"alpha": 1.0}, {"solver": "sgd"},
], ids=str)  # fmt: skip
def test_a_rate_that_has_run_out_stays_so(settings, tmp_path):
    model, x, y = run_out()
    model.save(tmp_path / "model")
    copies = [f(model) for f in (copy.copy, *COPIES)] + [MLPClassifier.load(tmp_path / "model")]
    for other in copies:
        before = other.coefs_
        other.set_params(**settings).partial_fit(x, y)
        moved = max(np.abs(a - b).max() for a, b in zip(before, other.coefs_, strict=True))
        assert 0 < moved < 1e-4


@pytest.mark.parametrize("settings", [
    {"learning_rate": "constant"}, {"learning_rate_init": 0.4}, {"solver": "adam"},
], ids=str)  # fmt: skip
def test_a_rate_begins_anew_where_it_is_set_anew(settings):
    model, x, y = run_out()
    before = model.set_params(**settings).coefs_[0]
    assert np.abs(before - model.partial_fit(x, y).coefs_[0]).max() > 1e-3


def test_a_warm_start_of_what_has_run_out():
    model, x, y = run_out(warm_start=True)
    before, n_epochs = model.coefs_[0], model.n_iter_
    assert np.abs(before - model.fit(x, y).coefs_[0]).max() > 1e-3
    assert model.n_iter_ > n_epochs / 2  # which it takes the rate to run out


def test_a_rate_set_anew_is_scaled_by_the_rows_seen():
    x, y = load("wine")
    model = MLPClassifier(solver="sgd", learning_rate="invscaling", momentum=0, random_state=0)
    quiet(model, x, y)
    other = copy.deepcopy(model).set_params(learning_rate_init=2e-3).partial_fit(x, y)
    before, after = model.coefs_[0], model.partial_fit(x, y).coefs_[0]
    np.testing.assert_allclose(other.coefs_[0] - before, 2 * (after - before), rtol=1e-6)


def test_a_rate_beyond_the_range_of_numbers_is_0():
    x, y = load("wine")
    model = MLPClassifier(solver="sgd", learning_rate="invscaling", max_iter=3, random_state=0)
    model.set_params(power_t=1e308)
    before = quiet(model, x, y).coefs_[0]
    np.testing.assert_array_equal(model.set_params(momentum=0).partial_fit(x, y).coefs_[0], before)


def test_a_damaged_rate(tmp_path):
    path = tmp_path / "model"
    run_out()[0].save(path)
    content = path.read_bytes()
    rate = content.split(b'"learning_rate":"', 1)[1].split(b'"')[0]
    for damaged in (b"-1", b"0.5", b"NaN", b"null"):
        path.write_bytes(content.replace(rate, damaged.ljust(len(rate))))
        with pytest.raises(ValueError, match="is damaged"):
            MLPClassifier.load(path)
