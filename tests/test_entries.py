"""Every activation, loss and optimiser: the kernels' entries against the reference's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from engine_tools import Run, assert_close, assert_same_bits, make_parameters, make_rows

from fastmlp import kernels, reference
from fastmlp.problem import Problem

both_dtypes = pytest.mark.parametrize("dtype", ["float32", "float64"])
ACTIVATIONS, LOSSES = sorted(reference.ACTIVATIONS), sorted(reference.LOSSES)
OPTIMIZERS = sorted(reference.OPTIMIZERS)
# Without kinks, at which rounding decides which slope is taken.
SMOOTH = [name for name in ACTIVATIONS if "relu" not in name]


def make_targets(loss: str, n_rows: int, n_outputs: int, dtype: str, labels: bool = True) -> Any:
    """Targets that make sense for a loss."""
    rng, entry = np.random.RandomState(7), reference.LOSSES[loss]
    if entry.targets == "labels":
        y = rng.randint(0, n_outputs, n_rows).astype(np.intp)
        return y if labels else (0.9 * np.eye(n_outputs)[y] + 0.1 / n_outputs).astype(dtype)
    if entry.targets == "flags":
        return rng.randint(0, 2, (n_rows, n_outputs)).astype(dtype)
    if np.isfinite(entry.lowest):
        return (entry.lowest + rng.poisson(1.5, (n_rows, n_outputs))).astype(dtype)
    return rng.randn(n_rows, n_outputs).astype(dtype)


def run(
    engine: Any, parameters: Any, x: Any, y: Any, dtype: str | None = None, **settings: Any
) -> Any:
    """Some epochs of an engine's Trainer, and all that comes out."""
    trained = parameters.copy(dtype)
    if y.ndim == 2 and dtype is not None:
        y = y.astype(dtype)
    settings = {"batch_size": 50, "learning_rate": 0.02, "lambda_reg": 0.01} | settings
    rng, losses = np.random.RandomState(3), []
    with engine.Trainer(*trained, x, y, **settings) as trainer:
        for _ in range(3):
            last = trainer.epoch(rng.permutation(len(y)))
            losses += [last, trainer.mean_loss, trainer.penalty]
        trainer.export()
    states = [state for states in trainer.states for state in states]
    return Run(trained, losses), states, trainer.n_steps


def check(
    dtype: str,
    sizes: tuple[int, ...],
    loss: str,
    x: Any,
    y: Any,
    factor: float = 400,
    **settings: Any,
) -> Any:
    parameters = make_parameters(sizes, dtype, seed=1)
    more = "float64" if dtype == "float32" else "longdouble"
    got, states, n_steps = run(kernels, parameters, x, y, n_threads=1, **settings)
    expected, expected_states, expected_steps = run(reference, parameters, x, y, more, **settings)
    assert n_steps == expected_steps
    for values, wanted in zip(
        [*got.parameters.arrays(), *states],
        [*expected.parameters.arrays(), *expected_states],
        strict=True,
    ):
        assert_close(values, wanted, dtype, factor)
    assert_close(got.losses, expected.losses, dtype, factor)
    for keywords in ({"skip_zeros": True}, {"n_threads": 2}, {"n_threads": 3, "skip_zeros": True}):
        again, again_states, _ = run(kernels, parameters, x, y, **settings, **keywords)
        assert_same_bits(again, got)
        for values, wanted in zip(again_states, states, strict=True):
            np.testing.assert_array_equal(values, wanted)
    return got


def test_both_engines_have_the_same_entries():
    assert kernels.ACTIVATIONS.keys() == reference.ACTIVATIONS.keys()
    assert kernels.LOSSES.keys() == reference.LOSSES.keys()
    assert kernels.OPTIMIZERS.keys() == reference.OPTIMIZERS.keys()
    for name, optimizer in kernels.OPTIMIZERS.items():
        assert optimizer.n_states == reference.OPTIMIZERS[name].n_states
    for name, activation in kernels.ACTIVATIONS.items():
        assert activation.of_output == reference.ACTIVATIONS[name].of_output


@both_dtypes
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_activations(dtype, activation):
    sizes = (20, 33, 17, 5)
    x, y = make_rows(150, 20, "float64", 0.5), make_targets("cross_entropy", 150, 5, dtype)
    check(dtype, sizes, "cross_entropy", x, y, problem=Problem(activation=activation))


@both_dtypes
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("n_outputs", [1, 3, 20])
def test_losses(dtype, loss, n_outputs):
    x = make_rows(150, 20, dtype, 0.5)
    for labels in (True, False)[reference.LOSSES[loss].targets != "labels" :]:
        y = make_targets(loss, 150, n_outputs, dtype, labels)
        problem = Problem(activation="tanh", loss=loss)
        check(dtype, (20, 9, n_outputs), loss, x, y, problem=problem, batch_size=64)


@both_dtypes
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("batch_size", [50, 200])
def test_optimizers(dtype, optimizer, batch_size):
    x, y = make_rows(400, 20, "uint8", 0.3), make_targets("cross_entropy", 400, 5, dtype)
    problem = Problem(activation="tanh", optimizer=optimizer, epsilon=1e-3)
    settings = {"batch_size": batch_size, "input_scale": 255.0, "with_penalty": True}
    check(dtype, (20, 33, 5), "cross_entropy", x, y, problem=problem, **settings)


@both_dtypes
@pytest.mark.parametrize("activation", ["relu", "tanh", "silu"])
def test_dropout(dtype, activation):
    x, y = make_rows(150, 20, dtype), make_targets("cross_entropy", 150, 5, dtype)
    problem = Problem(activation=activation, dropout=0.4)
    check(dtype, (20, 33, 17, 5), "cross_entropy", x, y, problem=problem, seed=11)


@both_dtypes
def test_dropout_may_change_between_epochs(dtype):
    """The engines agree, and the share counts."""
    x, y = make_rows(150, 20, dtype), make_targets("cross_entropy", 150, 5, dtype)
    problem, start = Problem(dropout=0.4), make_parameters((20, 33, 17, 5), dtype)
    found = []
    for engine, shares in (
        (kernels, (0.4, 0.1, 0)),
        (reference, (0.4, 0.1, 0)),
        (kernels, (0.4,) * 3),
    ):
        trained = start.copy()
        with engine.Trainer(*trained, x, y, problem=problem, batch_size=50, seed=3) as trainer:
            assert trainer.dropout == 0.4
            for share in shares:
                trainer.dropout = share
                assert trainer.dropout == share
                trainer.epoch(np.arange(150))
            trainer.export()
        found.append(trained)
    for got, expected in zip(found[0].arrays(), found[1].arrays(), strict=True):
        assert_close(got, expected, dtype, 400)
    assert not np.array_equal(found[0].weights[0], found[2].weights[0])


@both_dtypes
@pytest.mark.parametrize("loss", LOSSES)
def test_row_weights(dtype, loss):
    rng = np.random.RandomState(0)
    row_weights = rng.randint(0, 3, 150) * rng.rand(150)
    row_weights[rng.permutation(150)[:20]] = 0
    x, y = make_rows(150, 20, dtype), make_targets(loss, 150, 3, dtype)
    settings = {"row_weights": row_weights, "l2_by_rows": True, "with_penalty": True}
    problem = Problem(activation="tanh", loss=loss, optimizer="momentum")
    check(dtype, (20, 9, 3), loss, x, y, problem=problem, **settings)
    # Batches of one row: those of weight 0 take no step.
    check(dtype, (20, 9, 3), loss, x[:40], y[:40], problem=problem, batch_size=1,
          row_weights=row_weights[:40], learning_rate=0.002)  # fmt: skip


@both_dtypes
@pytest.mark.parametrize("is_weighted", [False, True])
def test_total_gives_the_gradient_of_all_rows(dtype, is_weighted):
    weights = np.random.RandomState(0).rand(150) if is_weighted else None
    total = 150.0 if weights is None else float(weights.sum())
    x, y = make_rows(150, 20, dtype), make_targets("cross_entropy", 150, 5, dtype)
    settings = {"row_weights": weights, "problem": Problem(activation="tanh", optimizer="gradient")}
    check(dtype, (20, 9, 5), "cross_entropy", x, y, total=total, **settings)
    parameters = make_parameters((20, 9, 5), dtype, seed=1)
    chunks, of_chunks, _ = run(kernels, parameters, x, y, total=total, **settings)
    _, of_all, _ = run(kernels, parameters, x, y, batch_size=150, **settings)
    for values, wanted in zip(of_chunks, of_all, strict=True):
        assert_close(values, wanted, dtype, 4000)
    probabilities = reference.predict_proba(*parameters.copy("f8"), x, problem=settings["problem"])
    rows = -np.log(probabilities[np.arange(150), y])
    assert chunks.losses[1] == pytest.approx(np.average(rows, weights=weights), rel=1e-5)


@both_dtypes
@pytest.mark.parametrize("optimizer", ["sgd", "nesterov", "adam", "adamw"])
def test_a_rate_for_each_step(dtype, optimizer):
    x, y = make_rows(150, 20, dtype), make_targets("cross_entropy", 150, 5, dtype)
    problem = Problem(activation="tanh", optimizer=optimizer)
    rates = np.array([0.02, 0.0, 0.005])
    falling = check(dtype, (20, 9, 5), "cross_entropy", x, y, problem=problem, learning_rate=rates)
    level = check(dtype, (20, 9, 5), "cross_entropy", x, y, problem=problem)
    assert falling.losses != level.losses
    same = np.full(3, 0.02)
    assert_same_bits(
        check(dtype, (20, 9, 5), "cross_entropy", x, y, problem=problem, learning_rate=same), level
    )


@both_dtypes
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("batch_size", [70, 30])  # one step; a short one after two whole ones
@pytest.mark.parametrize("is_weighted", [False, True])
def test_epochs_together(dtype, optimizer, batch_size, is_weighted):
    x, y = make_rows(70, 20, dtype), make_targets("cross_entropy", 70, 5, dtype)
    parameters = make_parameters((20, 33, 5), dtype, seed=1)
    orders = np.array([np.random.RandomState(i).permutation(70) for i in range(6)])
    settings = {
        "problem": Problem(activation="tanh", optimizer=optimizer, dropout=0.2),
        "batch_size": batch_size,
        "with_penalty": True, "lambda_reg": 0.5, "l2_by_rows": True,
    }  # fmt: skip
    n_steps = 6 * -(-70 // batch_size)
    if is_weighted:
        row_weights = np.linspace(0.5, 2, 70).astype(dtype)
        row_weights[orders[2]] *= np.arange(70) // 30 != 1  # no weight in a batch of that epoch
        settings["row_weights"] = row_weights
        n_steps -= batch_size == 30
    runs = []
    for engine in (kernels, kernels, reference):
        trained = parameters.copy()
        with engine.Trainer(*trained, x, y, **settings) as trainer:
            trainer.mark()
            trainer.epochs(orders[::-1])  # in vain
            trainer.go_back()
            assert trainer.n_steps == 0
            if runs:
                losses, penalties, last = trainer.epochs(orders)
            else:
                figures = []
                for order in orders:
                    last_loss = trainer.epoch(order)
                    figures.append((trainer.mean_loss, trainer.penalty, last_loss))
                losses, penalties, last = np.array(figures).T
            trainer.export()
            assert trainer.n_steps == n_steps
        runs.append((trained, losses, penalties, last))
    one_by_one, together, of_reference = runs
    for a, b, c in zip(*(run[0].arrays() for run in runs), strict=True):
        np.testing.assert_array_equal(a, b)
        assert_close(b, c, dtype, 4000)
    for part in (1, 3):
        np.testing.assert_array_equal(one_by_one[part], together[part])
    for part in (1, 2, 3):
        np.testing.assert_allclose(together[part], of_reference[part], rtol=1e-4)
        np.testing.assert_allclose(together[part], one_by_one[part], rtol=1e-12)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_combination(activation, loss):
    """Each activation with each loss and each optimiser, for an epoch."""
    x, y = make_rows(90, 12, "float64", 0.5), make_targets(loss, 90, 3, "float64")
    parameters = make_parameters((12, 9, 3), "float64", seed=2)
    for optimizer in OPTIMIZERS:
        problem = Problem(activation=activation, loss=loss, optimizer=optimizer, epsilon=1e-3)
        settings = {"problem": problem, "batch_size": 40, "learning_rate": 0.005, "n_threads": 1}
        got, states, _ = run(kernels, parameters, x, y, **settings)
        expected, wanted, _ = run(reference, parameters, x, y, "longdouble", **settings)
        pairs = [(got.parameters.arrays(), expected.parameters.arrays()), (states, wanted)]
        for ours, theirs in pairs:
            for values, expected_values in zip(ours, theirs, strict=True):
                assert_close(values, expected_values, "float64", 300)
        assert_close(got.losses, expected.losses, "float64", 300)


@pytest.mark.parametrize("seed", range(30))
def test_random_combinations(seed):
    """Any entries, an activation a layer, dtypes, kinds of X, dropout and weights of rows."""
    rng = np.random.RandomState(seed)
    dtype = str(rng.choice(["float32", "float64"]))
    kind = str(rng.choice(["uint8", "float32", "float64", "csr"]))
    loss, optimizer = str(rng.choice(LOSSES)), str(rng.choice(OPTIMIZERS))
    hidden = tuple(int(n) for n in rng.choice([1, 3, 8, 17, 33, 70], rng.randint(0, 4)))
    problem = Problem(
        activation=tuple(str(name) for name in rng.choice(SMOOTH, len(hidden))),
        loss=loss,
        optimizer=optimizer,
        dropout=float(rng.choice([0.0, 0.3])) if hidden else 0.0,
        epsilon=1e-3,
    )
    n_rows, n_outputs = int(rng.choice([40, 150, 300])), int(rng.choice([1, 3, 17]))
    n_features = int(rng.choice([5, 16, 30]))
    x = make_rows(n_rows, n_features, kind, float(rng.choice([0.2, 1.0])), seed)
    y = make_targets(loss, n_rows, n_outputs, dtype, labels=bool(rng.randint(2)))
    settings = {
        "batch_size": int(rng.choice([1, 20, 64, 130, 300])),
        "learning_rate": 0.002,
        "input_scale": 255.0,
        "l2_by_rows": bool(rng.randint(2)),
        "with_penalty": bool(rng.randint(2)),
        "row_weights": rng.rand(n_rows) if rng.randint(2) else None,
    }
    sizes = (n_features, *hidden, n_outputs)
    check(dtype, sizes, loss, x, y, factor=1500, problem=problem, **settings)
