"""What our estimators have that scikit-learn's have not."""

from __future__ import annotations

import io
import math
import time
import tracemalloc
import warnings

import numpy as np
import pytest
from estimator_tools import load, quiet
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.metrics import f1_score, make_scorer
from sklearn.utils.class_weight import compute_sample_weight

import fastmlp
from fastmlp import MLPClassifier, MLPRegressor, reference

DIVERGED = (
    "Solver produced non-finite parameter weights. The input data may contain large values and "
    "need to be preprocessed."
)


def same_weights(one, other):
    return all(np.array_equal(a, b) for a, b in zip(one.coefs_, other.coefs_, strict=True))


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize("name", ["wine", "cancer", "multilabel"])
@pytest.mark.parametrize("given", ["balanced", {0: 3.0, 1: 0.5}])
def test_class_weight(name, given, solver):
    x, y = load(name)
    if name == "multilabel" and given == "balanced":
        columns = [compute_sample_weight("balanced", column) for column in y.T]
        weights = np.prod(columns, axis=0)
    elif name == "multilabel":
        weights = np.prod(np.where(y[:, :2] == 1, [3.0, 0.5], 1.0), axis=1)
    else:
        full = given if given == "balanced" else {2: 1.0, **given}
        full = {k: v for k, v in full.items() if k in y} if isinstance(full, dict) else full
        weights = compute_sample_weight(full, y)
    settings = {"max_iter": 5, "random_state": 0, "solver": solver}
    ours = quiet(MLPClassifier(class_weight=given, **settings), x, y)
    expected = quiet(MLPClassifier(**settings), x, y, sample_weight=weights)
    for a, b in zip(ours.coefs_, expected.coefs_, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)
    plain = quiet(MLPClassifier(**settings), x, y)
    assert not same_weights(ours, plain)


def test_class_weight_counts_in_validation():
    x, y = load("wine")
    settings = {"max_iter": 4, "random_state": 0, "class_weight": {0: 10.0, 1: 1.0, 2: 0.0}}
    fitted = quiet(MLPClassifier(**settings), x, y, X_val=x, y_val=y)
    weights = np.array([10.0, 1.0, 0.0])[y]
    right = fitted.predict(x) == y
    assert fitted.validation_scores_[-1] == pytest.approx(np.average(right, weights=weights))
    loss = -np.log(fitted.predict_proba(x)[np.arange(len(y)), y])
    assert fitted.validation_loss_curve_[-1] == pytest.approx(np.average(loss, weights=weights))


def test_class_weight_refused():
    x, y = load("wine")
    with pytest.raises(ValueError, match="'balanced' is not supported for partial_fit"):
        MLPClassifier(class_weight="balanced").partial_fit(x, y, classes=[0, 1, 2])
    with pytest.raises(ValueError, match=r"class_weight names \['zero'\], which are no classes"):
        MLPClassifier(class_weight={"zero": 2}).fit(x, y)
    MLPClassifier(class_weight={0: 2}).partial_fit(x, y, classes=[0, 1, 2])


def test_dropout():
    x, y = load("wine")
    settings = {"max_iter": 3, "random_state": 0, "hidden_layer_sizes": (20, 10)}
    fitted = quiet(MLPClassifier(dropout=0.5, **settings), x, y)
    assert not same_weights(fitted, quiet(MLPClassifier(**settings), x, y))
    assert same_weights(fitted, quiet(MLPClassifier(dropout=0.5, **settings), x, y))
    other = quiet(MLPClassifier(dropout=0.5, **settings | {"random_state": 1}), x, y)
    assert not same_weights(fitted, other)
    np.testing.assert_array_equal(fitted.predict_proba(x), fitted.predict_proba(x))
    with pytest.raises(ValueError, match=r"dropout is 0\.5 with solver='lbfgs'"):
        MLPClassifier(dropout=0.5, solver="lbfgs").fit(x, y)


@pytest.mark.parametrize("activation", ["leaky_relu", "silu", "gelu", ("tanh", "gelu")])
def test_activations(activation):
    x, y = load("wine")
    settings = {"max_iter": 3, "random_state": 0, "hidden_layer_sizes": (20, 10)}
    fitted = quiet(MLPClassifier(activation=activation, **settings), x, y)
    names = (activation,) * 2 if isinstance(activation, str) else activation
    a = x
    for w, b, name in zip(fitted.coefs_, fitted.intercepts_, [*names, "last"], strict=True):
        a = a @ w + b
        a = reference.softmax(a) if name == "last" else reference.ACTIVATIONS[name].function(a)
    np.testing.assert_allclose(fitted.predict_proba(x), a, rtol=1e-9)
    with pytest.raises(ValueError, match="give one name for all hidden layers"):
        MLPClassifier(activation=("tanh",), hidden_layer_sizes=(5, 5)).fit(x, y)
    with pytest.raises(ValueError, match="activation holds 'swish'"):
        MLPClassifier(activation=("swish",)).fit(x, y)


def test_adamw_decays_apart_from_the_gradient():
    x, y = load("wine")
    settings = {"max_iter": 3, "random_state": 0, "alpha": 50.0}
    fitted = {s: quiet(MLPClassifier(solver=s, **settings), x, y) for s in ("adam", "adamw")}
    assert not same_weights(fitted["adam"], fitted["adamw"])
    without = quiet(MLPClassifier(solver="adamw", **settings | {"alpha": 0.0}), x, y)
    plain = quiet(MLPClassifier(solver="adam", **settings | {"alpha": 0.0}), x, y)
    np.testing.assert_allclose(without.coefs_[0], plain.coefs_[0])


@pytest.mark.parametrize("solver", ["sgd", "adam", "adamw"])
def test_cosine(solver):
    x, y = load("wine")
    settings = {"max_iter": 3, "random_state": 0, "batch_size": 50, "learning_rate": "cosine"}
    seen = []
    fitted = MLPClassifier(
        solver=solver, callbacks=[lambda epoch, logs: seen.append(logs)], **settings
    )
    quiet(fitted, x, y)
    assert not same_weights(
        fitted,
        quiet(MLPClassifier(solver=solver, **settings | {"learning_rate": "constant"}), x, y),
    )
    if solver == "sgd":  # by hand, in NumPy
        from fastmlp.estimators.initial import draw_parameters
        from fastmlp.problem import Problem

        generator = np.random.RandomState(0)
        weights, biases = draw_parameters([13, 100, 3], "relu", generator, np.dtype("f8"))
        trainer = reference.Trainer(
            weights, biases, x, y, problem=Problem(optimizer="nesterov"), batch_size=50,
            lambda_reg=1e-4, l2_by_rows=True,
        )  # fmt: skip
        order = np.arange(len(x))
        for epoch in range(3):
            indices = np.arange(len(x))
            generator.shuffle(indices)
            order = order[indices]
            steps = np.arange(4 * epoch, 4 * epoch + 4)
            trainer.learning_rate = 0.001 * 0.5 * (1 + np.cos(np.pi * steps / 12))
            trainer.epoch(order)
        trainer.export()
        np.testing.assert_allclose(fitted.coefs_[0], weights[0], rtol=1e-9)
    with pytest.raises(ValueError, match="learning_rate is 'cosine'"):
        MLPClassifier(learning_rate="cosine").partial_fit(x, y, classes=[0, 1, 2])


@pytest.mark.parametrize("name", ["wine", "cancer", "multilabel"])
def test_label_smoothing(name):
    x, y = load(name)
    settings = {"max_iter": 1, "random_state": 0, "shuffle": False, "alpha": 0, "batch_size": 1000}
    fitted = []
    for smoothing in (0.0, 0.3):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fitted.append(MLPClassifier(label_smoothing=smoothing, **settings).fit(x, y))
    plain, smooth = fitted
    assert plain.loss_ != smooth.loss_
    # The loss of the first step, whose weights are the same: from those of a network not trained.
    start = MLPClassifier(learning_rate_init=1e-300, **settings)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        p = start.fit(x, y).predict_proba(x)
    if name == "wine":
        targets = np.eye(3)[y] * 0.7 + 0.1
        expected = -(targets * np.log(p)).sum(axis=1).mean()
    else:
        p = p[:, 1:] if name == "cancer" else p
        targets = y.reshape(len(y), -1) * 0.7 + 0.15
        expected = -(targets * np.log(p) + (1 - targets) * np.log(1 - p)).sum(axis=1).mean()
    assert smooth.loss_ == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_callbacks(solver):
    x, y = load("wine")
    seen = []

    def look(epoch, logs):
        seen.append((epoch, dict(logs), fitted.coefs_[0].copy(), fitted.n_iter_))
        return epoch == 3

    fitted = MLPClassifier(callbacks=[look], random_state=0, solver=solver)
    fitted.fit(x, y, X_val=x, y_val=y)
    assert [one[0] for one in seen] == [one[3] for one in seen] == [1, 2, 3]
    assert fitted.n_iter_ == 3
    assert set(seen[0][1]) == {"loss", "seconds", "rows_per_second", "val_loss", "val_score"}
    assert seen[2][1]["val_score"] == fitted.score(x, y)
    np.testing.assert_array_equal(seen[2][2], fitted.coefs_[0])
    assert not np.array_equal(seen[1][2], seen[2][2])
    with pytest.raises(TypeError, match="callbacks holds 3"):
        MLPClassifier(callbacks=[3]).fit(x, y)


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_max_seconds(solver):
    x, y = load("wine")
    fitted = MLPClassifier(
        max_iter=100_000, tol=0, max_seconds=0.02, solver=solver, n_iter_no_change=10**6,
        max_fun=10**8, callbacks=[lambda epoch, logs: time.sleep(0.011)],
    ).fit(x, y)  # fmt: skip
    assert 1 <= fitted.n_iter_ <= 2


def test_n_threads_reaches_the_engine(monkeypatch):
    from fastmlp import kernels

    asked = []
    original = kernels.Trainer

    def trainer(*args, **keywords):
        asked.append(keywords["n_threads"])
        return original(*args, **keywords)

    monkeypatch.setattr(kernels, "Trainer", trainer)
    x, y = load("wine")
    one = quiet(MLPClassifier(n_threads=1, max_iter=3, random_state=0), x, y)
    two = quiet(MLPClassifier(n_threads=2, max_iter=3, random_state=0, solver="adam"), x, y)
    assert asked == [1, 2]
    assert same_weights(one, two)


def test_dtype():
    x, y = load("wine")
    pixels = np.random.RandomState(0).randint(0, 256, (90, 10)).astype(np.uint8)
    for features, setting, wanted in [
        (x, "auto", "f8"), (x.astype("f4"), "auto", "f4"), (x.astype("f2"), "auto", "f4"),
        (x, "float32", "f4"), (x.astype("f4"), "float64", "f8"), (pixels, "auto", "f8"),
        (pixels, "float32", "f4"), (pixels.astype(int), "auto", "f8"),
    ]:  # fmt: skip
        fitted = quiet(MLPClassifier(dtype=setting, max_iter=2), features, y[: len(features)])
        assert {a.dtype for a in fitted.coefs_} == {np.dtype(wanted)}, (features.dtype, setting)
        assert fitted.predict_proba(features).dtype == np.dtype(wanted)
    as_bytes = quiet(MLPClassifier(max_iter=2, random_state=0), pixels, y[:90])
    as_floats = quiet(MLPClassifier(max_iter=2, random_state=0), pixels.astype(float), y[:90])
    assert same_weights(as_bytes, as_floats)


def test_monitor():
    x, y = load("cancer")
    settings = {"max_iter": 6, "random_state": 0, "early_stopping": True}
    by_loss = quiet(MLPClassifier(monitor="loss", **settings), x, y)
    assert by_loss.validation_scores_ == [-loss for loss in by_loss.validation_loss_curve_]
    assert by_loss.best_validation_score_ == max(by_loss.validation_scores_)
    plain = quiet(MLPClassifier(**settings), x, y)
    for monitor in ("accuracy", lambda model, x, y: model.score(x, y)):
        same = quiet(MLPClassifier(monitor=monitor, **settings), x, y)
        assert same.validation_scores_ == pytest.approx(plain.validation_scores_)
    other = quiet(MLPClassifier(monitor=make_scorer(f1_score), **settings), x, y)
    assert other.validation_scores_ != pytest.approx(plain.validation_scores_)
    regressor = quiet(MLPRegressor(monitor="loss", **settings), *load("diabetes"))
    assert regressor.best_validation_score_ < 0


def test_stratify():
    x, y = load("wine")
    rare = np.where(np.arange(len(y)) < 3, "rare", "often")
    settings = {"max_iter": 1, "random_state": 0, "early_stopping": True}

    def held_out(setting, targets):
        seen = []

        def look(model, x_val, y_val):
            seen.append(y_val)
            return 0.0

        quiet(MLPClassifier(stratify=setting, monitor=look, **settings), x, targets)
        return seen[0]

    shares = np.bincount(y) / len(y)
    for setting, targets, is_even in [
        ("auto", y == 1, True), (True, y, True), ("auto", y, False), (False, y == 1, False),
    ]:  # fmt: skip
        found = np.bincount(held_out(setting, targets).astype(int)) / 18
        wanted = shares if targets.dtype.kind == "i" else np.bincount(targets) / len(y)
        assert bool(np.abs(found - wanted).max() < 0.5 / 18 + 1e-9) is is_even
    with pytest.raises(ValueError, match=r"have only 1 member.*stratify=False, or .* X_val"):
        MLPClassifier(stratify=True, early_stopping=True).fit(x, np.where(np.arange(178) < 1, 5, y))
    assert len(held_out(False, rare)) == 18


def test_rows_of_ones_own_to_validate_with():
    x, y = load("wine")
    order = np.random.RandomState(0).permutation(len(x))
    x, y = x[order], y[order]
    held = {"X_val": x[120:], "y_val": y[120:]}
    settings = {"max_iter": 8, "random_state": 0}
    recorded = quiet(MLPClassifier(**settings), x[:120], y[:120], **held)
    plain = quiet(MLPClassifier(**settings), x[:120], y[:120])
    assert same_weights(recorded, plain)
    assert plain.validation_scores_ is plain.validation_loss_curve_ is None
    assert len(recorded.validation_scores_) == len(recorded.validation_loss_curve_) == 8
    assert recorded.validation_scores_[-1] == recorded.score(x[120:], y[120:])
    assert recorded.best_loss_ == plain.best_loss_
    early = quiet(MLPClassifier(early_stopping=True, **settings), x[:120], y[:120], **held)
    assert early.loss_curve_ == plain.loss_curve_  # no row of X is held out
    assert early.best_validation_score_ == max(recorded.validation_scores_)
    assert early.score(x[120:], y[120:]) == early.best_validation_score_
    lbfgs = quiet(MLPClassifier(solver="lbfgs", **settings), x[:120], y[:120], **held)
    assert len(lbfgs.validation_scores_) == lbfgs.n_iter_
    with pytest.raises(ValueError, match="X_val and y_val are a pair"):
        MLPClassifier().fit(x, y, X_val=x)
    with pytest.raises(ValueError, match="X_val and y_val: `y` has classes not in"):
        MLPClassifier().fit(x, y, X_val=x, y_val=y + 1)
    with pytest.raises(ValueError, match="X_val and y_val: X has 2 features"):
        MLPClassifier().fit(x, y, X_val=x[:, :2], y_val=y)


def test_warm_start_keeps_the_optimizers_state():
    x, y = load("wine")
    for settings in ({"solver": "adam"}, {"solver": "sgd", "learning_rate": "invscaling"}):
        whole = MLPClassifier(max_iter=6, random_state=np.random.RandomState(0), **settings)
        quiet(whole, x, y)
        parts = MLPClassifier(
            max_iter=3, warm_start=True, random_state=np.random.RandomState(0), **settings
        )
        quiet(quiet(parts, x, y), x, y)
        assert parts.loss_curve_ == pytest.approx(whole.loss_curve_, rel=1e-12)
        np.testing.assert_allclose(parts.coefs_[0], whole.coefs_[0], rtol=1e-9, atol=1e-12)
        assert parts.n_iter_ == 3


def test_warm_start_of_another_network():
    x, y = load("wine")
    fitted = quiet(MLPClassifier(max_iter=2, warm_start=True), x, y)
    with pytest.raises(ValueError, match=r"the network has layers of \[13, 100, 3\]"):
        fitted.set_params(hidden_layer_sizes=5).fit(x, y)
    fitted.set_params(hidden_layer_sizes=100, solver="lbfgs")
    quiet(fitted, x, y)
    quiet(fitted.set_params(solver="adam", early_stopping=True), x, y)
    assert fitted.best_validation_score_ > 0


def test_history():
    x, y = load("wine")
    fitted = quiet(MLPClassifier(max_iter=4, early_stopping=True, random_state=0), x, y)
    assert isinstance(fitted.history_, fastmlp.History)
    table = fitted.history_.to_frame()
    assert list(table.columns) == ["loss", "val_loss", "val_score", "seconds"]
    assert list(table["loss"]) == fitted.loss_curve_
    assert list(table["val_score"]) == fitted.validation_scores_
    assert len(fitted.history_.plot().axes) == 2
    plain = quiet(MLPRegressor(max_iter=4), x, y)
    assert list(plain.history_.to_frame().columns) == ["loss", "seconds"]
    assert len(plain.history_.plot().axes) == 1


def test_bar_in_a_terminal(monkeypatch):
    import rich.console

    out = io.StringIO()
    terminal = rich.console.Console(file=out, force_terminal=True, width=100)
    monkeypatch.setattr(rich.console, "Console", lambda: terminal)
    x, y = load("wine")
    quiet(MLPClassifier(max_iter=3, verbose=True, early_stopping=True), x, y)
    assert "3/3" in out.getvalue()
    assert "validation" in out.getvalue()
    assert "Iteration" not in out.getvalue()


@pytest.mark.parametrize("solver", ["sgd", "lbfgs"])
def test_divergence(solver):
    x, y = load("diabetes")
    settings = {"solver": solver, "activation": "identity", "learning_rate_init": 1e3}
    if solver == "lbfgs":
        x = x * 1e300
    model = MLPRegressor(**settings)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(ValueError, match=DIVERGED) as caught:
            model.fit(x, y)
    assert "epoch" in str(caught.value)
    assert "StandardScaler" in str(caught.value)
    assert not hasattr(model, "coefs_")
    with pytest.raises(NotFittedError):
        model.predict(x)


def test_only_the_loss_is_not_finite():
    x, y = load("diabetes")
    model = MLPRegressor(learning_rate_init=1e-300, dtype="float32")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(ValueError, match=f"{DIVERGED} In epoch 1 the loss"):
            model.fit(x, y * 1e30)


def test_divergence_in_partial_fit_keeps_the_weights():
    x, y = load("diabetes")
    model = MLPRegressor(solver="sgd", activation="identity").partial_fit(x, y)
    before = [w.copy() for w in model.coefs_]
    with pytest.raises(ValueError, match=DIVERGED):
        model.set_params(batch_size=1).partial_fit(x * 1e200, y)
    for a, b in zip(model.coefs_, before, strict=True):
        np.testing.assert_array_equal(a, b)


def test_divergence_under_early_stopping():
    x, y = load("diabetes")
    model = MLPRegressor(
        solver="sgd", activation="identity", learning_rate_init=1.0, early_stopping=True
    )
    with pytest.warns(ConvergenceWarning, match="diverged, and the best weights before are kept"):
        model.fit(x, y)
    assert math.isnan(model.validation_scores_[-1])
    assert all(np.isfinite(w).all() for w in model.coefs_)


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_interrupt(solver):
    x, y = load("wine")

    def interrupt(epoch, logs):
        if epoch == 2:
            raise KeyboardInterrupt

    fitted = MLPClassifier(callbacks=[interrupt], random_state=0, solver=solver)
    with pytest.warns(UserWarning, match="Training interrupted by user"):
        fitted.fit(x, y)
    whole = quiet(MLPClassifier(max_iter=2, random_state=0, solver=solver), x, y)
    assert same_weights(fitted, whole)
    assert fitted.n_iter_ == 2


@pytest.mark.parametrize("settings", [
    {}, {"early_stopping": True}, {"learning_rate": "cosine"}, {"solver": "lbfgs"},
], ids=str)  # fmt: skip
def test_interrupt_within_an_epoch(settings, monkeypatch):
    from fastmlp import kernels

    x, y = load("wine")
    settings = settings | {"random_state": 0, "batch_size": 50}
    quiet(MLPClassifier(max_iter=2, **settings), x, y)  # all is compiled
    original, n_stretches = kernels.Trainer._run, []

    def interrupted(self, *args):
        n_stretches.append(args)
        if len(n_stretches) == 8:
            raise KeyboardInterrupt
        return original(self, *args)

    monkeypatch.setattr(kernels.Trainer, "_run", interrupted)
    model = MLPClassifier(**settings)
    with pytest.warns(UserWarning, match="Training interrupted by user"):
        model.fit(x, y)
    assert model.n_iter_ >= 1
    assert model.n_iter_ == len(model.history_.loss)
    assert model.predict(x).shape == y.shape


def test_memory_mapped_rows_are_not_copied(tmp_path, monkeypatch):
    from fastmlp import kernels

    rng = np.random.RandomState(0)
    np.save(tmp_path / "x.npy", rng.randn(300, 7))
    x, y = np.load(tmp_path / "x.npy", mmap_mode="r"), rng.randint(0, 3, 300)
    seen = []
    original = kernels.Trainer

    def trainer(weights, biases, features, *args, **keywords):
        seen.append(features)
        return original(weights, biases, features, *args, **keywords)

    monkeypatch.setattr(kernels, "Trainer", trainer)
    for settings in ({}, {"early_stopping": True}, {"dtype": "float32"}, {"solver": "lbfgs"}):
        quiet(MLPClassifier(max_iter=2, **settings), x, y)
        assert np.shares_memory(seen[-1], x)


def test_arrays_read_before_never_change():
    x, y = load("wine")
    model = quiet(MLPClassifier(max_iter=2, warm_start=True), x, y)
    kept, values = model.coefs_[0], model.coefs_[0].copy()
    quiet(model, x, y)
    np.testing.assert_array_equal(kept, values)
    assert not np.array_equal(model.coefs_[0], values)


def test_assigned_weights_are_used():
    x, y = load("wine")
    model = quiet(MLPClassifier(max_iter=2), x, y)
    model.predict(x[:1])
    model.coefs_[-1][...] = 0
    model.intercepts_[-1][...] = [0, 0, 5]
    assert set(model.predict(x[:3])) == {2}
    assert set(model.predict(x)) == {2}
    model.coefs_[0] = np.zeros((3, 3))
    with pytest.raises(ValueError, match=r"coefs_\[0\] has shape \(3, 3\)"):
        model.predict(x)


def test_bad_weights_of_rows():
    x, y = load("wine")
    with pytest.raises(ValueError, match="sample_weight"):
        MLPClassifier().fit(x, y, sample_weight=-np.ones(len(x)))
    with pytest.raises(ValueError, match="at least one non-zero"):
        MLPClassifier().fit(x, y, sample_weight=np.zeros(len(x)))


def test_negative_counts():
    with pytest.raises(ValueError, match="loss='poisson': give y >= 0"):
        MLPRegressor(loss="poisson").fit([[1.0], [2.0]], [1.0, -1.0])


def test_predictions_take_bounded_memory():
    x, y = load("iris")
    model = quiet(MLPClassifier((500, 500), max_iter=1, n_threads=1), x, y)
    rows = np.zeros((50_000, 4))
    model.predict_proba(rows[:300])
    tracemalloc.start()
    model.predict_proba(rows)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10e6  # one layer's activations for all rows: 200 MB


def test_a_fit_that_fails_changes_no_weight():
    x, y = load("wine")
    model = quiet(MLPClassifier(max_iter=2), x, y)
    before = [w.copy() for w in model.coefs_]
    with pytest.raises(ValueError, match="X_val and y_val"):
        model.fit(x, y, X_val=x[:, :3], y_val=y)
    with pytest.raises(ValueError, match="validation set is too small"):
        model.set_params(early_stopping=True, validation_fraction=0.001).fit(x, y)
    for a, b in zip(model.coefs_, before, strict=True):
        np.testing.assert_array_equal(a, b)


def test_nothing_is_left_of_another_solvers_run():
    x, y = load("wine")
    model = quiet(MLPClassifier(max_iter=2), x, y, X_val=x, y_val=y)
    quiet(model.set_params(solver="lbfgs"), x, y, X_val=x, y_val=y)
    assert len(model.validation_scores_) == len(model.validation_loss_curve_) == 2
    assert not hasattr(model, "loss_curve_")
    quiet(model, x, y)
    assert not hasattr(model, "validation_scores_")


def test_batches_without_weight_take_no_step():
    x, y = load("wine")
    weights = np.where(np.arange(len(x)) % 3 == 0, 0.0, 2.0)
    settings = {"max_iter": 3, "random_state": 0, "shuffle": False, "batch_size": 1}
    weighted = quiet(MLPClassifier(**settings), x, y, sample_weight=weights)
    kept = weights > 0
    fewer = quiet(MLPClassifier(**settings), x[kept], y[kept], sample_weight=weights[kept])
    np.testing.assert_allclose(weighted.loss_curve_, fewer.loss_curve_, rtol=1e-12)
    np.testing.assert_allclose(weighted.coefs_[0], fewer.coefs_[0], rtol=1e-12)
