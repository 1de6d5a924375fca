"""Both engines are engines: each member of the Protocols, and both front ends on either."""

from __future__ import annotations

import inspect
import warnings
from typing import Any

import numpy as np
import pytest
from engine_tools import make_labels, make_parameters, make_rows
from estimator_tools import kind, load
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import ConvergenceWarning
from test_map import FILES, PACKAGE, imports_of

import fastmlp
from fastmlp import engine, kernels, reference
from fastmlp.estimators import trainers
from fastmlp.estimators.base import BaseMLP
from fastmlp.problem import Problem

ENGINES: dict[str, engine.Engine] = {"kernels": kernels, "reference": reference}
N_ROWS, SIZES = 50, (5, 7, 3)


def members(protocol: Any) -> set[str]:
    """What a Protocol asks for, by name."""
    names = {*vars(protocol), *inspect.get_annotations(protocol)}
    return {name for name in names if not name.startswith("_")}


class Recorder:
    """A trainer, and all that is seen of it while every member is used."""

    def __init__(self, made_by: engine.Engine, problem: Problem, **settings: Any) -> None:
        rng = np.random.RandomState(1)
        self.parameters = make_parameters(SIZES, "float64")
        self.order = rng.permutation(N_ROWS)
        x = made_by.read(rng.randn(N_ROWS, SIZES[0]), 3)
        self.y = make_labels(N_ROWS, SIZES[-1])
        self.trainer = made_by.Trainer(
            *self.parameters, x, self.y, problem=problem, batch_size=8, learning_rate=0.01,
            lambda_reg=0.02, n_threads=1, with_penalty=True, seed=4, **settings,
        )  # fmt: skip
        self.used: set[str] = set()
        self.seen: list[Any] = []

    def use(self, name: str, *arguments: Any) -> None:
        """Call a method; note what it returns, and what can be read afterwards."""
        self.used.add(name)
        self.seen.append(getattr(self.trainer, name)(*arguments))
        self.look()

    def assign(self, name: str, value: Any) -> None:
        """Assign an attribute."""
        self.used.add(name)
        setattr(self.trainer, name, value)

    def look(self) -> None:
        """Note figures and arrays as they are, without `export`."""
        trainer = self.trainer
        self.used |= {"mean_loss", "penalty", "n_steps", "outside", "states"}
        arrays = [*trainer.outside[0], *trainer.outside[1], *(a for s in trainer.states for a in s)]
        self.seen += [trainer.mean_loss, trainer.penalty, trainer.n_steps]
        self.seen += [array.copy() for array in arrays]


def use_all(recorder: Recorder) -> None:
    """Use every member, in an order in which each one shows."""
    order, trainer = recorder.order, recorder.trainer
    with trainer:
        recorder.use("epoch", order)
        recorder.use("export_states")
        recorder.use("export")
        recorder.use("mark")
        recorder.use("is_finite")
        recorder.use("epochs", np.array([order, order[::-1]]))
        recorder.use("export")
        recorder.use("go_back")
        recorder.use("epoch", order[::-1].copy())
        recorder.use("repeat")
        recorder.use("export")
        recorder.assign("learning_rate", np.array([0.01, 0.03, 0.02]))
        recorder.assign("lambda_reg", 0.3)
        recorder.assign("dropout", 0.4)
        recorder.use("epoch", order[:20])
        recorder.assign("learning_rate", 0.02)
        recorder.assign("lambda_reg", 0.1)
        recorder.assign("dropout", 0.1)
        recorder.use("repeat")  # with the numbers from before
        recorder.use("export")
        recorder.assign("outside", tuple(recorder.parameters.copy()))
        recorder.assign("states", [tuple(a + 1 for a in arrays) for arrays in trainer.states])
        recorder.assign("n_steps", 3)
        recorder.use("load")
        recorder.use("epoch", order)
        recorder.use("export")
        recorder.used |= {"sums", "go_on"}  # test_checkpoint_network.py compares what follows them
        assert trainer.sums() == {}  # between epochs
        trainer.go_on({}, N_ROWS)
        recorder.use("set_targets", recorder.y[::-1].copy())
        recorder.use("restart")
        recorder.use("epoch", order)
        recorder.use("export")


@pytest.mark.parametrize("engine", [kernels, reference])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_trainer_knows_whether_parameters_are_finite(engine, value):
    x, y = make_rows(20, 5, "float32"), make_labels(20, 3)
    for place in range(4):
        parameters = make_parameters((5, 18, 3), "float32")
        for a_value, expected in ((0.5, True), (value, False)):
            parameters.arrays()[place][..., -1] = a_value
            with engine.Trainer(*parameters, x, y) as trainer:
                trainer.load()
                assert trainer.is_finite() is expected


@pytest.mark.parametrize("settings", [{}, {"row_weights": np.arange(N_ROWS) % 3.0}, {"total": 9.0}])
@pytest.mark.parametrize("optimizer", ["sgd", "nesterov", "adamw", "gradient"])
def test_trainers_do_the_same_with_every_member(optimizer, settings):
    problem = Problem("tanh", optimizer=optimizer, dropout=0.2)
    recorders = [Recorder(made_by, problem, **settings) for made_by in ENGINES.values()]
    for recorder in recorders:
        use_all(recorder)
        assert recorder.used == members(engine.Trainer)
    for got, expected in zip(*(recorder.seen for recorder in recorders), strict=True):
        if expected is None:
            assert got is None
        else:
            assert_allclose(got, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", ENGINES)
def test_engines_have_what_the_protocol_says(name):
    assert {*members(engine.Engine), *members(engine.Tables)} <= {*ENGINES[name].__all__}


def test_predictions_are_the_same():
    parameters, x = make_parameters(SIZES, "float64"), np.random.RandomState(0).randn(9, SIZES[0])
    for as_labels in (False, True):
        got, expected = (
            made_by.predict(fastmlp, *parameters, x, None, 1, Problem(), as_labels, looks=True)
            for made_by in ENGINES.values()
        )
        assert_allclose(got.outputs, expected.outputs, rtol=1e-12)
        assert got[1:] == expected[1:] == (True, True)
    (got, is_finite), (expected, also_finite) = (
        made_by.predict_layers(fastmlp, *parameters, x, None, 1, Problem())
        for made_by in ENGINES.values()
    )
    assert is_finite is also_finite is True
    for one, other in zip(got, expected, strict=True):
        assert_allclose(one, other, rtol=1e-12)


FITS = {
    "sgd": {"solver": "sgd", "learning_rate": "invscaling", "learning_rate_init": 0.1},
    "adam": {"solver": "adam", "batch_size": 13},
    "adaptive": {
        "solver": "sgd", "momentum": 0, "learning_rate": "adaptive", "tol": 0.05,
        "n_iter_no_change": 2, "learning_rate_init": 0.01,
    },
    "lbfgs": {"solver": "lbfgs", "alpha": 1.0},
    "early stopping": {"early_stopping": True, "n_iter_no_change": 3},
    "dropout": {"dropout": 0.3, "hidden_layer_sizes": (9, 6), "activation": "silu"},
    "ahead": {"max_iter": 300, "hidden_layer_sizes": (3,), "tol": 1e-3},
}  # fmt: skip


def on_both(name: str, run: Any, monkeypatch: Any, **settings: Any) -> tuple[Any, Any]:
    """Estimators that `run` has trained, one on each engine; and compare them."""
    settings = {"hidden_layer_sizes": (8,), "max_iter": 12, "n_threads": 1} | settings
    x, y = load(name)
    fitted = []
    for made_by in ENGINES.values():
        monkeypatch.setattr(BaseMLP, "_engine", made_by)
        model = getattr(fastmlp, kind(name))(random_state=0, **settings)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            run(model, x, y)
        fitted.append((model, model.predict(x)))
    (ours, predicted), (slow, expected) = fitted
    for curve in ("loss_curve_", "validation_scores_", "validation_loss_curve_"):
        got, wanted = getattr(ours, curve, None), getattr(slow, curve, None)
        assert (got is None) == (wanted is None), curve
        if got is not None:
            assert_allclose(got, wanted, rtol=1e-9, err_msg=curve)
    assert (ours.n_iter_, ours.t_) == (slow.n_iter_, slow.t_)
    arrays = ([*model.coefs_, *model.intercepts_] for model in (ours, slow))
    for got, wanted in zip(*arrays, strict=True):
        assert_allclose(got, wanted, rtol=1e-9, atol=1e-9)
    if name == "diabetes":
        assert_allclose(predicted, expected, rtol=1e-9, atol=1e-9)
    else:
        assert_array_equal(predicted, expected)
    return ours, slow


@pytest.mark.parametrize("is_weighted", [False, True], ids=["", "weighted"])
@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize("name", ["digits", "multilabel", "diabetes"])
def test_estimators_run_on_either(name, fit, is_weighted, monkeypatch):
    def run(model, x, y):
        model.fit(x, y, np.arange(len(x)) % 3 * 0.7 if is_weighted else None)

    ours, _ = on_both(name, run, monkeypatch, **FITS[fit])
    if fit == "ahead":
        assert ours.n_iter_ > 50


@pytest.mark.parametrize("name", ["wine", "diabetes"])
def test_estimators_go_on_on_either(name, monkeypatch):
    """By partial_fit, in which the trainer is kept, and by a warm start of another solver."""

    def run(model, x, y):
        for part in (slice(0, 60), slice(60, 120), slice(0, 60)):
            keywords = {"classes": np.unique(y)} if kind(name) == "MLPClassifier" else {}
            model.partial_fit(x[part], y[part], **keywords)
        model.set_params(warm_start=True, max_iter=3).fit(x, y)

    on_both(name, run, monkeypatch)


def test_a_kept_trainer_is_one_of_its_engine(monkeypatch):
    x, y = load("diabetes")
    model = fastmlp.MLPRegressor(hidden_layer_sizes=(4,)).partial_fit(x[:50], y[:50])
    monkeypatch.setattr(BaseMLP, "_engine", reference)
    model.partial_fit(x[:50], y[:50])
    assert isinstance(trainers._kept.pop(model).trainer, reference.Trainer)


def test_front_ends_look_their_engine_up_in_one_place():
    for folder, home in {"estimators": "compiled", "network": "mlp"}.items():
        found = {
            file.stem
            for file in FILES
            if file.is_relative_to(PACKAGE / folder)
            and any(name.startswith("fastmlp.kernels") for name in imports_of(file))
        }
        assert found == {home}
