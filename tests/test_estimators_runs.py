"""A run as it goes: who is told of it, what ends it, what it leaves, what the next one takes up."""

from __future__ import annotations

import io
import time

import numpy as np
import pytest
from estimator_tools import load, quiet, same_weights

import fastmlp
from fastmlp import MLPClassifier, MLPRegressor


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


def test_max_seconds_do_not_count_compiling(monkeypatch):
    from fastmlp import kernels
    from fastmlp.kernels import kept

    x, y = load("wine")
    original = kernels.Trainer, kept.Predictor
    n_predictors = []

    def compiling(*args, **keywords):
        time.sleep(0.6)
        return original[0](*args, **keywords)

    def compiling_too(*args, **keywords):
        n_predictors.append(None)
        time.sleep(0.6)
        return original[1](*args, **keywords)

    quiet(MLPClassifier(max_iter=1), x, y, X_val=x, y_val=y)  # all is compiled
    monkeypatch.setattr(kernels, "Trainer", compiling)
    monkeypatch.setattr(kept, "Predictor", compiling_too)
    fitted = quiet(MLPClassifier(max_iter=2, max_seconds=0.5), x, y, X_val=x, y_val=y)
    assert fitted.n_iter_ == 2
    assert len(n_predictors) == 1


@pytest.mark.parametrize(("answer", "n_epochs"), [(np.True_, 1), (1, 3), ("stop", 3), (None, 3)])
def test_callbacks_that_return_true_stop(answer, n_epochs):
    x, y = load("wine")
    fitted = MLPClassifier(max_iter=3, callbacks=[lambda epoch, logs: answer])
    assert quiet(fitted, x, y).n_iter_ == n_epochs


def test_history():
    x, y = load("wine")
    fitted = quiet(MLPClassifier(max_iter=4, early_stopping=True, random_state=0), x, y)
    assert isinstance(fitted.history_, fastmlp.History)
    table = fitted.history_.to_frame()
    assert list(table.columns) == ["loss", "val_loss", "val_score", "seconds"]
    assert list(table["loss"]) == fitted.loss_curve_
    assert list(table["val_score"]) == fitted.validation_scores_
    assert fitted.history_.best_epoch == np.argmax(fitted.validation_scores_) + 1
    figure = fitted.history_.plot()
    assert len(figure.axes) == 2
    for axes in figure.axes:
        assert axes.texts[-1].get_text() == f"kept: epoch {fitted.history_.best_epoch}"
    plain = quiet(MLPRegressor(max_iter=4), x, y)
    assert list(plain.history_.to_frame().columns) == ["loss", "seconds"]
    assert plain.history_.best_epoch is None
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


def test_nothing_is_left_of_another_solvers_run():
    x, y = load("wine")
    model = quiet(MLPClassifier(max_iter=2), x, y, X_val=x, y_val=y)
    quiet(model.set_params(solver="lbfgs"), x, y, X_val=x, y_val=y)
    assert len(model.validation_scores_) == len(model.validation_loss_curve_) == 2
    assert not hasattr(model, "loss_curve_")
    quiet(model, x, y)
    assert not hasattr(model, "validation_scores_")


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


def interrupt_stretch(number, monkeypatch):
    """Have Ctrl-C be pressed before the stretch of steps of that number, from 1."""
    from fastmlp import kernels

    original, n_stretches = kernels.Trainer._run, []

    def interrupted(self, *args):
        n_stretches.append(args)
        if len(n_stretches) == number:
            raise KeyboardInterrupt
        return original(self, *args)

    monkeypatch.setattr(kernels.Trainer, "_run", interrupted)


@pytest.mark.parametrize("settings", [
    {}, {"early_stopping": True}, {"learning_rate": "cosine"}, {"solver": "lbfgs"},
], ids=str)  # fmt: skip
def test_interrupt_within_an_epoch(settings, monkeypatch):
    x, y = load("wine")
    settings = settings | {"random_state": 0, "batch_size": 50}
    quiet(MLPClassifier(max_iter=2, **settings), x, y)  # all is compiled
    interrupt_stretch(4, monkeypatch)
    model = MLPClassifier(**settings)
    with pytest.warns(UserWarning, match="Training interrupted by user"):
        model.fit(x, y)
    assert model.n_iter_ >= 1
    assert model.n_iter_ == len(model.history_.loss)
    assert model.predict(x).shape == y.shape


def test_interrupt_within_the_first_epoch_keeps_its_steps(monkeypatch):
    x, y = load("wine")
    settings = {"random_state": 0, "batch_size": 10, "solver": "sgd"}
    start = quiet(MLPClassifier(max_iter=1, learning_rate_init=1e-12, **settings), x, y)
    interrupt_stretch(2, monkeypatch)
    model = MLPClassifier(**settings)
    with pytest.warns(UserWarning, match="Training interrupted by user"):
        model.fit(x, y)
    assert np.abs(model.coefs_[0] - start.coefs_[0]).max() > 1e-6
