"""What a loss means by targets, predictions, scores and the figures of validation."""

from __future__ import annotations

import numpy as np
import pytest
from network_tools import N_FEATURES, NUMBERS, TARGETS, X, Y, make_network
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.metrics import r2_score

from fastmlp.reference import LOSSES


@pytest.mark.parametrize("loss", TARGETS)
def test_losses_predict_and_score_as_their_targets_are_meant(mlp_class, loss):
    y = TARGETS[loss]
    network = make_network(mlp_class, loss=loss, optimizer="adam", learning_rate=0.02, init="he")
    history = network.train(X, y, 30, verbose=False, validation_data=(X, y))
    outputs = network.forward(X)[-1]
    predicted = network.predict(X)
    assert_allclose(history.val_loss[-1], network.compute_loss(y, outputs), rtol=1e-12)
    assert history.mean_loss[-1] < 0.9 * history.mean_loss[0]
    if LOSSES[loss].targets == "labels":
        assert_array_equal(predicted, outputs.argmax(axis=1))
        assert network.score(X, y) == np.mean(predicted == y) == history.val_accuracy[-1]
    elif LOSSES[loss].targets == "flags":
        assert predicted.shape == y.shape
        assert set(np.unique(predicted)) == {0, 1}
        assert_array_equal(predicted, network.predict_proba(X) > 0.5)
        assert network.score(X, y) == (predicted == y).all(axis=1).mean()
        assert network.score(X, y) == history.val_accuracy[-1]
    else:
        assert_allclose(predicted, outputs, rtol=1e-12)
        assert network.score(X, y) == pytest.approx(r2_score(y, predicted))
        assert history.val_accuracy == []
        with pytest.raises(ValueError, match=f"loss is '{loss}', .*no probabilities: use predict"):
            network.predict_proba(X)


def test_the_validation_loss_is_scikit_learn_s_log_loss(mlp_class):
    from sklearn.metrics import log_loss

    network = make_network(mlp_class)
    history = network.train(X, Y, 1, verbose=False, validation_data=(X, Y))
    assert history.val_loss[0] == pytest.approx(log_loss(Y, network.predict_proba(X)), rel=1e-12)


def test_many_validation_rows_have_one_mean(mlp_class):
    x = np.tile(X, (30, 1))[:4100]  # more than a block, and no multiple of it
    y = np.tile(Y, 30)[:4100]
    network = make_network(mlp_class)
    history = network.train(X, Y, 1, verbose=False, validation_data=(x, y))
    p = network.predict_proba(x)[np.arange(4100), y]
    assert history.val_loss[0] == pytest.approx(-np.log(p).mean(), rel=1e-12)


def test_mean_loss_is_the_mean_over_all_batches(mlp_class):
    network = make_network(mlp_class, learning_rate=1e-12)  # which stays where it is
    expected = network.compute_loss(Y, network.forward(X)[-1])
    history = network.train(X, Y, 1, 40, verbose=False)
    assert history.mean_loss[0] == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("y", [NUMBERS[:, 0], NUMBERS[:, :1]])
def test_one_output_takes_and_gives_a_number_a_row(mlp_class, y):
    network = mlp_class(N_FEATURES, 8, 1, 0.1, loss="squared_error", random_state=0)
    history = network.train(X, y, 3, verbose=False, validation_data=(X, y))
    assert network.predict(X).shape == (len(X),)
    assert network.score(X, y) == pytest.approx(r2_score(y, network.predict(X)))
    assert len(history.val_loss) == 3
    binary = mlp_class(N_FEATURES, 8, 1, loss="binary_cross_entropy", random_state=0)
    binary.train(X, Y == 1, 1, verbose=False)
    assert binary.predict(X).shape == (len(X),)
    assert binary.predict_proba(X).shape == (len(X), 1)


def test_targets_alike_score_as_scikit_learn_has_it(mlp_class):
    network = mlp_class(N_FEATURES, 8, 2, loss="squared_error", random_state=0)
    for y in (np.ones((len(X), 2)), np.column_stack([np.ones(len(X)), NUMBERS[:, 0]])):
        assert network.score(X, y) == pytest.approx(r2_score(y, network.predict(X)))
    exact = network.predict(X)
    exact[:, 0] = exact[0, 0]
    network.w2[:, 0] = 0
    network.b2[0, 0] = exact[0, 0]
    assert network.score(X, exact) == 1


@pytest.mark.parametrize(
    ("settings", "y", "message"),
    [
        ({"loss": "squared_error"}, NUMBERS[:, 0], r"y_train has shape \(150,\): .*\(150, 3\)"),
        ({"loss": "squared_error"}, NUMBERS[:9], r"y_train has shape \(9, 3\): "),
        ({"loss": "squared_error"}, NUMBERS * np.nan, "y_train holds a missing value in row 0"),
        ({"loss": "squared_error", "dtype": "float32"}, NUMBERS * 1e300, "too large for float32"),
        ({"loss": "poisson"}, NUMBERS - 100, "y_train holds .*: give numbers from 0 on"),
        ({"loss": "binary_cross_entropy"}, NUMBERS + 2, "y_train holds .*: .* from 0 to 1"),
        ({"loss": "squared_error"}, None, "y_train is None"),
        ({"loss": "cross_entropy"}, NUMBERS, "y_train has shape .*: give one label a row"),
    ],
)  # fmt: skip
def test_targets_that_make_no_sense_are_refused(mlp_class, settings, y, message):
    network = make_network(mlp_class, **settings)
    before = network.w1
    with pytest.raises(ValueError, match=message):
        network.train(X, y, 1, verbose=False)
    assert network.w1 is before
    good = TARGETS[settings["loss"]]
    with pytest.raises(ValueError, match=message.replace("y_train", r"validation_data\[1\]")):
        network.train(X, good, 1, verbose=False, validation_data=(X, y))


def test_class_names_belong_to_classes(mlp_class):
    network = make_network(mlp_class, loss="squared_error")
    with pytest.raises(
        ValueError, match=r"class_names is .*: leave them out, as loss 'squared_err"
    ):
        network.train(X, NUMBERS, 1, class_names="abc", verbose=False)


def test_a_loss_beyond_the_dtype_is_infinite_without_a_warning(mlp_class):
    network = make_network(mlp_class, loss="squared_error", dtype="float32")
    history = network.train(X, NUMBERS, 1, verbose=False, validation_data=(X, NUMBERS * 1e30))
    assert history.val_loss == [np.inf]
