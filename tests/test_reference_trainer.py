"""The reference's Trainer: its batches, weights of rows, dropout, states, figures of an epoch."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from reference_tools import random_batch, random_net, random_targets
from scipy.sparse import csr_matrix

from fastmlp import reference
from fastmlp.problem import Problem
from fastmlp.reference import LOSSES, OPTIMIZERS, Trainer, keep_mask

SIZES = (4, 6, 5, 3)
N_ROWS = 23
TINY = np.finfo(np.float64).tiny


def dense_case(loss="squared_error", dtype=np.float64):
    weights, biases = random_net(SIZES, dtype)
    x, _ = random_batch(N_ROWS, SIZES[0], SIZES[-1], dtype)
    return weights, biases, x, random_targets(loss, N_ROWS, SIZES[-1], dtype)


def trained(*case, epochs=3, **settings):
    """Parameters and losses of a few epochs, in the orders of a fixed stream."""
    weights, biases, x, y = case
    weights, biases = [w.copy() for w in weights], [b.copy() for b in biases]
    rng = np.random.RandomState(5)
    with Trainer(weights, biases, x, y, **{"batch_size": 8, **settings}) as trainer:
        losses = [trainer.epoch(rng.permutation(len(y))) for _ in range(epochs)]
        trainer.export()
    return [*weights, *biases], losses, trainer


def assert_same(got, expected):
    for one, other in zip(got, expected, strict=True):
        assert_array_equal(one, other)


def test_epoch_takes_every_row_once_and_returns_the_last_batch_loss():
    """Seven rows in batches of three: three steps, the last one on a single row."""
    weights, biases = random_net((4, 3, 2))
    x, labels = random_batch(7, 4, 2)
    trainer = reference.Trainer(weights, biases, x, labels, batch_size=3)
    order = np.array([6, 0, 5, 1, 4, 2, 3])
    w, b = [a.copy() for a in weights], [a.copy() for a in biases]
    weights[0][:] = 9  # not seen without load
    loss = trainer.epoch(order)
    assert_array_equal(weights[0], np.full((4, 3), 9))  # not written before export

    for rows in ([6, 0, 5], [1, 4, 2], [3]):
        activations = reference.forward(w, b, x[rows])
        expected_loss = reference.cross_entropy(activations[-1], labels[rows])
        dw, db = reference.backward(w, x[rows], labels[rows], activations)
        w, b = reference.update(w, b, dw, db, 0.01, 0.001)
    assert loss == expected_loss
    trainer.export()
    for got, expected in zip([*weights, *biases], [*w, *b], strict=True):
        assert_array_equal(got, expected)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "nesterov", "adam", "adamw"])
def test_losses_fall(loss, optimizer):
    problem = Problem(("tanh", "silu"), loss, optimizer)
    case = dense_case(loss)
    _, losses, _ = trained(*case, epochs=80, problem=problem, batch_size=N_ROWS, learning_rate=0.01)
    assert losses[-1] < losses[0]
    assert np.all(np.isfinite(losses))


@pytest.mark.parametrize("dtype", [np.float32, np.longdouble])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_dtype_is_the_weights(dtype, optimizer):
    problem = Problem("gelu", "poisson", optimizer, dropout=0.25)
    case = dense_case("poisson", dtype)
    row_weights = np.linspace(0, 1, N_ROWS)
    _, losses, trainer = trained(*case, problem=problem, row_weights=row_weights)
    weights, biases, states = trainer.parameters
    for array in [*weights, *biases, *(a for one in states for a in one)]:
        assert array.dtype == dtype
    assert all(isinstance(loss, float) for loss in losses)


def test_a_row_of_weight_two_counts_as_two_rows_and_of_zero_as_none():
    weights, biases, x, y = dense_case()
    repeats = np.arange(N_ROWS) % 3
    several = np.repeat(np.arange(N_ROWS), repeats)
    settings = {"batch_size": 2 * N_ROWS, "l2_by_rows": True, "problem": Problem("tanh", "poisson")}
    y = np.abs(y)
    expected, losses, other = trained(weights, biases, x[several], y[several], **settings)
    got, got_losses, trainer = trained(
        weights, biases, x, y, row_weights=repeats.astype(float), **settings
    )
    for one, another in zip(got, expected, strict=True):
        assert_allclose(one, another, rtol=1e-12)
    assert_allclose(got_losses, losses, rtol=1e-12)
    assert_allclose(trainer.mean_loss, other.mean_loss, rtol=1e-12)


def test_weights_of_one_change_nothing():
    case = dense_case()
    expected, losses, _ = trained(*case, problem=Problem(loss="squared_error"))
    got, got_losses, _ = trained(
        *case, problem=Problem(loss="squared_error"), row_weights=np.ones(N_ROWS)
    )
    assert_same(got, expected)
    assert_allclose(got_losses, losses, rtol=1e-14)


def test_a_batch_without_weight_takes_no_step():
    weights, biases, x, y = dense_case()
    row_weights = np.ones(N_ROWS)
    row_weights[8:] = 0  # the second and the third batch
    problem = Problem(loss="squared_error", optimizer="adam", dropout=0.2)
    trainer = Trainer(weights, biases, x, y, problem=problem, batch_size=8, row_weights=row_weights)
    loss = trainer.epoch(np.arange(N_ROWS))
    assert trainer.n_steps == 1
    short = Trainer(weights, biases, x[:8], y[:8], problem=problem, batch_size=8)
    assert loss == pytest.approx(short.epoch(np.arange(8)), rel=1e-14)
    assert trainer.mean_loss == loss
    assert_same(trainer.parameters[0], short.parameters[0])

    before = trainer.parameters
    assert np.isnan(trainer.epoch(np.arange(8, N_ROWS)))
    assert np.isnan(trainer.mean_loss)
    assert trainer.n_steps == 1
    assert trainer.parameters is before


def test_l2_by_rows_divides_the_strength_by_each_batchs_rows():
    case = dense_case()
    expected, _, _ = trained(
        *case, batch_size=N_ROWS, lambda_reg=0.1 / N_ROWS, problem=Problem(loss="squared_error")
    )
    got, _, _ = trained(
        *case,
        batch_size=N_ROWS,
        lambda_reg=0.1,
        l2_by_rows=True,
        problem=Problem(loss="squared_error"),
    )
    assert_same(got, expected)


def test_mean_loss_and_penalty_are_those_before_each_step():
    weights, biases, x, y = dense_case()
    problem = Problem("tanh", "squared_error")
    row_weights = np.random.RandomState(0).rand(N_ROWS)
    settings = {"problem": problem, "learning_rate": 0.1, "lambda_reg": 0.3}
    trainer = Trainer(
        weights, biases, x, y, batch_size=8, row_weights=row_weights, with_penalty=True, **settings
    )
    order = np.random.RandomState(1).permutation(N_ROWS)
    last = trainer.epoch(order)
    total = penalty = 0.0
    single = Trainer(weights, biases, x, y, batch_size=8, row_weights=row_weights, **settings)
    for start in range(0, N_ROWS, 8):
        rows = order[start : start + 8]
        now_w, now_b, _ = single.parameters
        p = reference.forward(now_w, now_b, x[rows], None, problem)[-1]
        losses = LOSSES["squared_error"].rows(p, y[rows], TINY) * row_weights[rows]
        # Batches count by their rows, whatever those weigh.
        total += losses.sum() / row_weights[rows].sum() * len(rows)
        penalty += 0.15 * sum((w**2).sum() for w in now_w) * len(rows)
        assert_allclose(single.epoch(rows), losses.sum() / row_weights[rows].sum(), rtol=1e-13)
    assert_allclose(last, losses.sum() / row_weights[rows].sum(), rtol=1e-13)
    assert_allclose(trainer.mean_loss, total / N_ROWS, rtol=1e-13)
    assert_allclose(trainer.penalty, penalty / N_ROWS, rtol=1e-13)
    assert single.penalty == 0


@pytest.mark.parametrize("optimizer", ["momentum", "nesterov", "adam", "adamw", "gradient"])
def test_states_and_steps_continue_in_another_trainer(optimizer):
    weights, biases, x, y = dense_case()
    problem = Problem("tanh", "squared_error", optimizer, dropout=0.3)
    orders = [np.random.RandomState(i).permutation(N_ROWS) for i in range(4)]
    whole = Trainer(weights, biases, x, y, problem=problem, batch_size=8, seed=9)
    for order in orders:
        whole.epoch(order)

    first = Trainer(weights, biases, x, y, problem=problem, batch_size=8, seed=9)
    for order in orders[:2]:
        first.epoch(order)
    first.export()
    assert first.n_steps == 6
    second = Trainer(weights, biases, x, y, problem=problem, batch_size=8, seed=9)
    second.states, second.n_steps = first.states, first.n_steps
    second.load()
    for order in orders[2:]:
        second.epoch(order)
    assert second.n_steps == whole.n_steps == 12
    for one, other in zip(second.parameters[:2], whole.parameters[:2], strict=True):
        assert_same(one, other)
    for one, other in zip(second.parameters[2], whole.parameters[2], strict=True):
        assert len(one) == OPTIMIZERS[optimizer].n_states
        assert_same(one, other)


def test_states_have_the_parameters_order_and_are_written_in_place():
    weights, biases, x, y = dense_case()
    problem = Problem("tanh", "squared_error", "adam")
    trainer = Trainer(weights, biases, x, y, problem=problem)
    shapes = [a.shape for a in (*weights, *biases)]
    assert [tuple(a.shape for a in one) for one in trainer.states] == [(s, s) for s in shapes]
    held = trainer.states[0][0]
    trainer.epoch(np.arange(N_ROWS))
    assert not held.any()
    trainer.export()
    assert held.all()
    assert_same([held], [trainer.parameters[2][0][0]])


def test_gradient_optimizer_stores_the_gradient_of_the_mean_loss():
    weights, biases, x, y = dense_case("binary_cross_entropy")
    problem = Problem("logistic", "binary_cross_entropy", "gradient")
    trainer = Trainer(weights, biases, x, y, problem=problem, batch_size=N_ROWS)
    trainer.epoch(np.arange(N_ROWS))
    trainer.export()
    activations = reference.forward(weights, biases, x, None, problem)
    dw, db = reference.backward(weights, x, y, activations, problem)
    assert_same([one[0] for one in trainer.states], [*dw, *db])
    assert_same(trainer.parameters[0], weights)


def test_dropout_takes_the_bits_of_seed_step_and_layer():
    weights, biases, x, y = dense_case()
    problem = Problem("tanh", "squared_error", "gradient", dropout=0.5)
    trainer = Trainer(weights, biases, x, y, problem=problem, batch_size=N_ROWS, seed=11)
    trainer.n_steps = 4
    loss = trainer.epoch(np.arange(N_ROWS))
    masks = [keep_mask(11, 5, layer, N_ROWS, SIZES[layer], 0.5) for layer in (1, 2)]
    a1 = np.tanh(x @ weights[0] + biases[0]) * masks[0] * 2
    a2 = np.tanh(a1 @ weights[1] + biases[1]) * masks[1] * 2
    p = a2 @ weights[2] + biases[2]
    assert_allclose(loss, 0.5 * ((p - y) ** 2).mean(), rtol=1e-13)
    got = trainer.parameters[2][2][0]
    assert_allclose(got, a2.T @ (p - y) / N_ROWS, rtol=1e-12, atol=1e-15)


def test_floor_is_the_least_probability():
    weights, biases = [np.array([[1000.0, 0.0]])], [np.zeros((1, 2))]
    x, y = np.ones((1, 1)), np.array([1])
    for floor, expected in [(None, -np.log(TINY)), (1e-3, -np.log(1e-3))]:
        trainer = Trainer(weights, biases, x, y, floor=floor)
        assert_allclose(trainer.epoch(np.arange(1)), expected)


def test_sparse_rows_and_pixels_equal_dense_rows():
    weights, biases, _, y = dense_case()
    pixels = np.random.RandomState(0).randint(0, 3, (N_ROWS, SIZES[0])).astype(np.uint8)
    settings = {"problem": Problem("silu", "squared_error", "adam"), "input_scale": 3.0}
    expected, _, _ = trained(weights, biases, pixels / 3.0, y, **settings)
    for x in (pixels, csr_matrix(pixels)):
        got, _, _ = trained(weights, biases, x, y, **settings)
        assert_same(got, expected)


def test_predictions_and_activations_of_a_problem():
    weights, biases, x, _ = dense_case()
    problem = Problem(("identity", "leaky_relu"), "poisson", dropout=0.5)
    a1 = x @ weights[0] + biases[0]
    z2 = a1 @ weights[1] + biases[1]
    a2 = np.maximum(z2, 0.01 * z2)
    p = np.exp(a2 @ weights[2] + biases[2])
    for got, expected in zip(
        reference.forward(weights, biases, x, None, problem), (a1, a2, p), strict=True
    ):
        assert_allclose(got, expected, rtol=1e-13)
    assert_allclose(reference.predict_proba(weights, biases, x, problem=problem), p, rtol=1e-13)


def test_problem_has_one_activation_for_all_hidden_layers_or_one_each():
    assert Problem("tanh").activations(4) == ("tanh",) * 3
    assert Problem("tanh").activations(1) == ()
    assert Problem(("tanh", "relu")).activations(3) == ("tanh", "relu")
    with pytest.raises(ValueError, match=r"^activation is \('tanh', 'relu'\): give one name"):
        Problem(("tanh", "relu")).activations(4)
