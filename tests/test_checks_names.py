"""Names that are not known: the error says which one was meant."""

from __future__ import annotations

import inspect
import re

import pytest
from network_tools import X, Y, make_network

from fastmlp import MLP, checks, reference
from fastmlp.checks.names import SYNONYMS, nearest
from fastmlp.problem import SETTINGS, TUTORIAL


class Own(MLP):
    """As a user may derive it."""


@pytest.mark.parametrize(
    ("argument", "given", "meant"),
    [
        ("loss", "mse", "squared_error"),
        ("loss", "MSE", "squared_error"),
        ("loss", "MSELoss", "squared_error"),
        ("loss", "Mean-Squared Error", "squared_error"),
        ("loss", "crossentropy", "cross_entropy"),
        ("loss", "categorical_crossentropy", "cross_entropy"),
        ("loss", "BCE", "binary_cross_entropy"),
        ("loss", "sigmoid", "binary_cross_entropy"),
        ("loss", "poison", "poisson"),
        ("activation", "sigmoid", "logistic"),
        ("activation", "swish", "silu"),
        ("activation", "ReLU", "relu"),
        ("activation", "LeakyReLU", "leaky_relu"),
        ("activation", ("relu", "Tanh"), "tanh"),
        ("activation", "linear", "identity"),
        ("optimizer", "Adam", "adam"),
        ("optimizer", "AdamW", "adamw"),
        ("optimizer", "SGD", "sgd"),
        ("optimizer", "NAG", "nesterov"),
        ("init", "kaiming", "he"),
    ],
)
def test_values_that_are_like_another(argument, given, meant):
    hidden = (4, 4) if isinstance(given, tuple) else 4
    with pytest.raises(ValueError, match=f"{argument} is .*; did you mean '{meant}'\\?$"):
        MLP(3, hidden, 2, **{argument: given})


@pytest.mark.parametrize("given", ["L1", "mae", "huber", "", "?", "x" * 100_000])
def test_values_that_are_like_none(given):
    known = ", ".join(map(repr, reference.LOSSES))
    with pytest.raises(ValueError, match=f": give one of {known}$"):
        MLP(3, 4, 2, loss=given)


def test_values_of_other_types():
    for value in (None, 3, ["relu", 3], b"relu"):
        with pytest.raises(TypeError, match=r"activation is .*: give one of 'identity'"):
            MLP(3, (4, 4), 2, activation=value)


KEYWORDS = {
    "lr": "did you mean learning_rate?",
    "learning_rate_init": "did you mean learning_rate?",
    "hidden_layer_sizes": "did you mean hidden_size?",
    "hidden_sizes": "did you mean hidden_size?",
    "n_features": "did you mean input_size?",
    "n_classes": "did you mean output_size?",
    "seed": "did you mean random_state?",
    "solver": "did you mean optimizer?",
    "activations": "did you mean activation?",
    "alpha": "did you mean lambda_reg, of {}.train?",
    "weight_decay": "did you mean lambda_reg, of {}.train?",
    "max_iter": "did you mean epochs, of {}.train?",
    "n_epochs": "did you mean epochs, of {}.train?",
    "batch_size": "give it to {}.train",
    "validation_split": "give train validation_data=(x, y)",
    "frobnicate": "give some of input_size, hidden_size, ",
}
TRAIN_KEYWORDS = {
    "lr": "did you mean learning_rate, of {}?",
    "n_epochs": "did you mean epochs?",
    "max_iter": "did you mean epochs?",
    "alpha": "did you mean lambda_reg?",
    "X_val": "did you mean validation_data?",
    "X": "did you mean x_train?",
    "validation_split": "give train validation_data=(x, y), rows as fastmlp.data.train_val_split",
    "validation_fraction": "give train validation_data=(x, y)",
    "callback": "did you mean callbacks?",
    "random_state": "give it to {}",
    "frobnicate": "give some of x_train, y_train, ",
}
CLASSES = pytest.mark.parametrize("kind", [MLP, reference.MLP, Own])


@CLASSES
@pytest.mark.parametrize("name", KEYWORDS)
def test_arguments_that_the_constructor_does_not_have(kind, name):
    remedy = KEYWORDS[name].format(kind.__name__)
    message = f"^{kind.__name__} got an unexpected keyword argument '{name}': {re.escape(remedy)}"
    with pytest.raises(TypeError, match=message):
        kind(12, 8, 3, **{name: 1})
    with pytest.raises(TypeError, match=message):
        kind(**{name: 1})  # of two mistakes, the one that has a remedy


@CLASSES
@pytest.mark.parametrize("name", TRAIN_KEYWORDS)
def test_arguments_that_train_does_not_have(kind, name):
    network = make_network(kind)
    remedy = TRAIN_KEYWORDS[name].format(kind.__name__)
    message = f"^{kind.__name__}.train got an unexpected .*'{name}': {re.escape(remedy)}"
    before = network.w1
    with pytest.raises(TypeError, match=message):
        network.train(X, Y, verbose=False, **{name: 1})
    assert network.w1 is before


@CLASSES
def test_arguments_that_are_missing_or_too_many(kind):
    name = kind.__name__
    with pytest.raises(TypeError, match=f"^{name}: missing a required argument: 'hidden_size'"):
        kind(12)
    with pytest.raises(TypeError, match=f"^{name}: too many .*; by position .*, learning_rate$"):
        kind(12, 8, 3, 0.1, "relu")
    with pytest.raises(TypeError, match=rf"^{name}.train: missing .*'x_train'"):
        make_network(kind).train()


@pytest.mark.parametrize("method", ["__init__", "train"])
def test_signatures_and_docstrings_stay(method):
    found = getattr(MLP, method)
    inner = inspect.unwrap(found)
    assert inner is not found
    assert inspect.signature(found) == inspect.signature(inner)
    assert found.__doc__ == inner.__doc__
    assert "lambda_reg" in inspect.signature(MLP.train).parameters
    assert [*inspect.signature(MLP).parameters][:4] == [
        "input_size", "hidden_size", "output_size", "learning_rate"
    ]  # fmt: skip


def test_the_constructor_has_the_settings_with_their_defaults():
    parameters = inspect.signature(MLP).parameters
    defaults = {name: parameters[name].default for name in SETTINGS}
    assert defaults == vars(TUTORIAL)
    assert [name for name in parameters if name in SETTINGS] == [*SETTINGS]


def test_an_error_from_within_is_left_as_it_is():
    class Odd(MLP):
        @checks.telling_names("__init__")
        def train(self, x):
            return x + "1"

    with pytest.raises(TypeError, match="unsupported operand"):
        Odd.train(object(), 1)


def test_synonyms_are_found_and_meant():
    """Each is written as it is looked up, and stands for what there is."""
    tables = [reference.ACTIVATIONS, reference.LOSSES, reference.OPTIMIZERS, ("tutorial", "he")]
    methods = (MLP.__init__, MLP.train)
    known = {*[name for table in tables for name in table]}
    known |= {name for method in methods for name in inspect.signature(method).parameters}
    for synonym, meant in SYNONYMS.items():
        assert synonym == re.sub(r"[^a-z0-9]", "", synonym.lower())
        assert set(meant) <= known
        assert all(nearest(synonym, [one]) == one for one in meant)
