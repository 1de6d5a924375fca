"""Fits and predictions whose data are changed meanwhile, each in a process of its own.

What is wrong here reads and writes foreign memory: a crash has to fail a test, and end no others.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp
from estimator_tools import quiet

import fastmlp
from fastmlp import kernels, reference
from fastmlp.problem import TUTORIAL, Problem

N_ROWS, N_FEATURES, N_CLASSES = 200, 8, 3
NETWORKS = {"MLP": fastmlp.MLP, "reference.MLP": reference.MLP}
ENGINES = {"kernels": kernels, "reference": reference}


def run_apart(call: str) -> str:
    """Evaluate a call of this module's functions in a process of its own; return what it prints."""
    done = subprocess.run(
        [sys.executable, "-c", f"from changing_tools import *; {call}"],
        cwd=Path(__file__).parent, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, f"{done.returncode}: {done.stdout[-500:]}\n{done.stderr[-2000:]}"
    return done.stdout


class Case:
    """Rows and targets, to train on and to validate with; arrays that a callback may change."""

    def __init__(self, form: str = "dense", targets: str = "labels") -> None:
        rng = np.random.RandomState(0)
        x = rng.rand(N_ROWS, N_FEATURES) * (rng.rand(N_ROWS, N_FEATURES) < 0.5)
        labels = rng.randint(0, N_CLASSES, N_ROWS)
        numbers = rng.rand(N_ROWS, N_CLASSES)
        self.y = labels if targets == "labels" else numbers
        self.y_val = self.y.copy()
        self.x = x if form == "dense" else sp.csr_array(x).asformat(form)
        self.x_val = self.x.copy()
        self.weights = rng.rand(N_ROWS)


def _fill(*parts: str, value: float) -> Callable[[Case], None]:
    def change(case: Case) -> None:
        for part in parts:
            owner, _, name = part.partition(".")
            array = getattr(getattr(case, owner), name) if name else getattr(case, owner)
            array[...] = value

    return change


def _reshape(case: Case) -> None:
    case.x.shape = case.x.shape[::-1]


# By name: the format of X, the kind of targets, and what a callback does.
CHANGES: dict[str, tuple[str, str, Callable[[Case], None]]] = {
    "labels, huge": ("dense", "labels", _fill("y", "y_val", value=10**12)),
    "labels, a bit too large": ("dense", "labels", _fill("y", "y_val", value=N_CLASSES)),
    "labels, negative": ("dense", "labels", _fill("y", "y_val", value=-1)),
    "labels, others": ("dense", "labels", _fill("y", "y_val", value=0)),
    "targets": ("dense", "numbers", _fill("y", "y_val", value=0.5)),
    "weights": ("dense", "labels", _fill("weights", value=7)),
    "indices, huge": ("csr", "labels", _fill("x.indices", "x_val.indices", value=10**8)),
    "indices, negative": ("csr", "labels", _fill("x.indices", "x_val.indices", value=-1)),
    "indptr": ("csr", "labels", _fill("x.indptr", "x_val.indptr", value=10**9)),
    "indices of csc": ("csc", "labels", _fill("x.indices", "x_val.indices", value=10**8)),
    "the shape of x": ("dense", "labels", _reshape),
}


def fit(front: str, case: Case, callback: Any, n_threads: int) -> list[Any]:
    """Return all that a training leads to, down to the bit."""
    settings = {"n_threads": n_threads, "random_state": 0}
    is_labels = case.y.ndim == 1
    if front in NETWORKS:
        loss = "cross_entropy" if is_labels else "squared_error"
        network = NETWORKS[front](N_FEATURES, 64, N_CLASSES, loss=loss, **settings)
        history = network.train(
            case.x, case.y, 3, 32, verbose=False, callbacks=[callback],
            validation_data=(case.x_val, case.y_val),
        )  # fmt: skip
        return [*network.weights, *network.biases, history.mean_loss, history.val_loss]
    kind = fastmlp.MLPClassifier if is_labels else fastmlp.MLPRegressor
    solver = "lbfgs" if front == "lbfgs" else "adam"
    model = kind(
        hidden_layer_sizes=(64,), max_iter=3, batch_size=32, solver=solver, callbacks=[callback],
        **settings,
    )  # fmt: skip
    rows = {"X_val": case.x_val, "y_val": case.y_val, "sample_weight": case.weights}
    quiet(model, case.x, case.y, **rows)
    losses = model.history_.loss, model.validation_loss_curve_
    return [*model.coefs_, *model.intercepts_, *losses]


def change_in_callbacks(front: str, n_threads: int) -> None:
    """A callback changes what the training was given: it goes on as if nothing were."""
    for name, (form, targets, change) in CHANGES.items():
        print(name, flush=True)
        case = Case(form, targets)
        got = fit(front, case, lambda *_, case=case, change=change: change(case), n_threads)
        expected = fit(front, Case(form, targets), lambda *_: None, n_threads)
        for ours, theirs in zip(got, expected, strict=True):
            np.testing.assert_array_equal(ours, theirs)


def change_after_the_first_look(front: str) -> None:
    """Another thread changes a sparse X as soon as it has been looked at."""
    looks = {"csr": "indices indptr", "csc": "indices indptr", "bsr": "indices indptr",
             "dia": "offsets", "lil": "rows", "coo": "coords"}  # fmt: skip
    for form, parts in looks.items():
        for part in parts.split():
            if form == "coo" and not hasattr(sp.coo_array, "coords"):
                continue  # before SciPy 1.13
            print(form, part, flush=True)
            case = Case()
            plain = getattr(sp, f"{form}_array")(case.x)
            expected, got = (_results(front, x, case.y) for x in (plain, flickering(plain, part)))
            for ours, theirs in zip(got, expected, strict=True):
                np.testing.assert_array_equal(ours, theirs)


def flickering(matrix: Any, part: str) -> Any:
    """A copy of a sparse matrix, of which `part` is rubbish after the first look at it."""
    good = getattr(matrix, part)
    if part == "rows":
        bad: Any = good.copy()
        bad[:] = [[10**8] * len(columns) for columns in good]
    elif part == "coords":
        bad = tuple(np.full_like(numbers, 10**8) for numbers in good)
    else:
        bad = np.full_like(good, 10**8)
    left = [2 if part == "coords" else 1]  # looks: at the rows, and at the columns

    class Flickering(type(matrix)):
        pass

    def look(self: Any) -> Any:
        left[0] -= 1
        return good if left[0] >= 0 else bad

    copy = matrix.copy()
    copy.__class__ = Flickering
    setattr(Flickering, part, property(look, lambda self, value: None))
    return copy


def _results(front: str, x: Any, y: Any) -> list[Any]:
    """What comes of the first and only use of X: a fit; or of rows to predict, after another."""
    known = Case().x
    if front.startswith("split"):
        return [
            part.toarray() if sp.issparse(part) else part
            for part in fastmlp.data.train_val_split(x, y, 0.3)
        ]
    if front.endswith("predict"):
        if front.startswith("MLP"):
            return [fastmlp.MLP(N_FEATURES, 4, 3, random_state=0).predict_proba(x)]
        model = quiet(fastmlp.MLPClassifier((4,), max_iter=1, random_state=0), known, y)
        return [model.predict_proba(x)]
    if front == "MLP":
        network = fastmlp.MLP(N_FEATURES, 4, 3, random_state=0)
        network.train(x, y, 2, verbose=False)
        return [*network.weights, *network.biases]
    return quiet(fastmlp.MLPClassifier((4,), max_iter=2, random_state=0), x, y).coefs_


class Rubbish(np.random.RandomState):
    """Leaves one number in an order that is none of a row."""

    number = 0

    def shuffle(self, x: Any) -> None:
        super().shuffle(x)
        x[len(x) // 2] = self.number

    def permutation(self, x: Any) -> Any:
        order = super().permutation(x)
        order[len(order) // 2] = self.number
        return order


def order_by_rubbish(number: int) -> None:
    """Orders that hold the number of no row are refused, by all who ask for them."""
    case = Case()
    Rubbish.number = number
    kinds = [{}, {"batch_size": 7}, {"solver": "sgd"}, {"max_iter": 30}]
    calls = [
        lambda kind=kind: fastmlp.MLPClassifier((4,), random_state=Rubbish(0), **kind).fit(
            case.x, case.y
        )
        for kind in kinds
    ]
    calls.append(
        lambda: fastmlp.MLPClassifier((4,), random_state=Rubbish(0)).partial_fit(
            case.x, case.y, classes=[0, 1, 2]
        )
    )
    if number > 0:  # NumPy counts other rows from the end
        calls += [
            lambda network=network: network(N_FEATURES, 4, 3, random_state=Rubbish(0)).train(
                case.x, case.y, 2, verbose=False
            )
            for network in NETWORKS.values()
        ]
    for call in calls:
        try:
            call()
        except ValueError as error:
            print(error)


def misuse(name: str) -> None:
    """Call an engine as nobody does who has checked before; print what it says."""
    engine = ENGINES[name]
    labels = Case().y
    sparse = [Case("csr").x for _ in range(2)]
    sparse[0].indices[1] = N_FEATURES
    sparse[1].indptr[-1] += 1
    calls = [
        {"order": np.arange(1, N_ROWS + 1)},
        {"order": np.arange(-1, N_ROWS - 1)},
        {"y": np.where(np.arange(N_ROWS) == 7, N_CLASSES, labels)},
        {"y": np.where(np.arange(N_ROWS) == 7, -1, labels)},
        {"y": labels[1:]},
        {"y": np.zeros((N_ROWS, N_CLASSES - 1))},
        {"x": sparse[0]},
        {"x": sparse[1]},
    ]
    for call in calls:
        print(_refusal(lambda call=call: _epoch(engine, **call)))
    if name == "kernels":  # NumPy and SciPy say it themselves
        for x in (sparse[0], Case().x[:, 1:].copy(), Case().x[:, ::-1], Case().x.astype("i8")):
            refusals = {
                _refusal(lambda x=x: kernels.predict_proba(*_parameters(), x)),
                _refusal(lambda x=x: kernels.forward(*_parameters(), x)),
                _refusal(lambda x=x: _epoch(engine, x=x)),
            }
            print(*refusals)
        print(_refusal(lambda: _epoch(engine, problem=Problem(loss="squared_error"))))
    with engine.Trainer(*_parameters(), Case().x, labels) as trainer:
        _refusal(lambda: trainer.epoch(np.arange(N_ROWS) * 10**9))
        if name == "kernels":
            _refusal(lambda: trainer.set_targets(labels + 1))
            _refusal(lambda: trainer.set_targets(np.zeros((N_ROWS, N_CLASSES))))
        print(trainer.epoch(np.arange(N_ROWS)) == _epoch(engine))


def _refusal(call: Callable[[], Any]) -> str:
    try:
        call()
    except ValueError as error:
        return str(error).split(":")[0]
    return "nothing"


def _parameters() -> tuple[list[Any], list[Any]]:
    network = fastmlp.MLP(N_FEATURES, 4, N_CLASSES, random_state=0)
    return network.weights, network.biases


def _epoch(
    engine: Any, x: Any = None, y: Any = None, order: Any = None, problem: Problem = TUTORIAL
) -> float:
    case = Case()
    x, y = case.x if x is None else x, case.y if y is None else y
    with engine.Trainer(*_parameters(), x, y, problem=problem) as trainer:
        return trainer.epoch(np.arange(N_ROWS) if order is None else order)
