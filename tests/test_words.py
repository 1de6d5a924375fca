"""What messages make of values and names that are long, or that a terminal would act upon."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from estimator_tools import quiet

from fastmlp import MLP, MLPClassifier, checks
from fastmlp.network.model_file import Model, write_model
from fastmlp.parameters import Parameters
from fastmlp.words import LONGEST_VALUE, printable, shortened, shown

LONG = "x" * 100_000


class Stubborn:
    def __repr__(self) -> str:
        raise RuntimeError


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("relu", "'relu'"),
        (None, "None"),
        (0.1, "0.1"),
        (("tanh", "relu"), "('tanh', 'relu')"),
        ("a\x1b\u202e\n", r"'a\x1b\u202e\n'"),
        (np.eye(2), "array([[1., 0.], [0., 1.]])"),
    ],
)
def test_a_value_is_shown_as_repr_has_it_in_one_line(value: object, text: str) -> None:
    assert shown(value) == text


def test_a_number_that_python_does_not_write_is_called_what_it_is() -> None:
    assert shown(10**5000) == "<int>"
    with pytest.raises(ValueError, match=r"^output_size is <int>: give"):
        MLP(4, 3, -(10**5000))


@pytest.mark.parametrize(
    "value",
    [LONG, LONG.encode(), [LONG] * 9, [[list(range(99))] * 99] * 99, {LONG: LONG}, Stubborn()],
)
def test_a_long_value_is_shown_short(value: object) -> None:
    assert len(shown(value)) <= LONGEST_VALUE


X, Y = np.arange(8.0).reshape(4, 2), np.array([0, 1, 0, 1])


def fitted() -> Any:
    return quiet(MLPClassifier((3,), max_iter=1), X, Y)


def with_setting(model: Any, **settings: Any) -> Any:
    for name, value in settings.items():
        setattr(model, name, value)
    return model


CALLS: dict[str, Callable[[], Any]] = {
    "count": lambda: MLP(LONG, 3, 2),
    "number": lambda: MLP(4, 3, 2, learning_rate=[LONG]),
    "name": lambda: MLP(4, 3, 2, activation=LONG),
    "names": lambda: MLP(4, 3, 2, activation=[LONG, LONG]),
    "dtype": lambda: MLP(4, 3, 2, dtype=LONG),
    "seed": lambda: MLP(4, 3, 2, random_state=LONG),
    "callbacks": lambda: checks.as_callables([[LONG]], "callbacks"),
    "class names": lambda: checks.as_class_names([[LONG], "a"], 2),
    "twice": lambda: checks.as_class_names([LONG, LONG], 2),
    "label": lambda: checks.as_labels([LONG, "0"], 2, 2),
    "foreign label": lambda: checks.as_labels([LONG, "a"], 2, 2, class_names=["a", LONG + "y"]),
    "cell": lambda: checks.as_numeric([[LONG, object()]], "x"),
    "column": lambda: checks.as_numeric(pd.DataFrame({LONG: ["a"], "b": [1.0]}), "x"),
    "keyword": lambda: MLP(4, 3, 2, **{LONG: 1}),
    "rate in a file": lambda: with_setting(MLP(4, 3, 2), learning_rate=LONG).save("m"),
    "output": lambda: with_setting(fitted(), out_activation_=LONG).predict(X),
    "output, trained": lambda: with_setting(fitted(), out_activation_=LONG, warm_start=True).fit(
        X, Y
    ),
    "setting": lambda: with_setting(fitted(), momentum=LONG).predict(X),
    "settings": lambda: with_setting(fitted(), beta_1=[LONG]).predict(X),
    "alpha": lambda: with_setting(fitted(), alpha=LONG).partial_fit(X, Y),
    "rate": lambda: with_setting(fitted(), learning_rate_init=LONG).partial_fit(X, Y),
    "solver": lambda: MLPClassifier(solver=LONG).fit(X, Y),
    "other solver": lambda: with_setting(fitted(), solver=LONG).predict(X),
    "no partial_fit": lambda: MLPClassifier(solver=LONG)._has_partial_fit(),
    "activation": lambda: MLPClassifier(activation=[LONG]).fit(X, Y),
    "sizes": lambda: MLPClassifier([-1] * 9999).fit(X, Y),
    "layers": lambda: with_setting(fitted(), hidden_layer_sizes=[1] * 9999, warm_start=True).fit(
        X, Y
    ),
    "monitor": lambda: MLPClassifier(monitor=LONG).fit(X, Y),
    "score": lambda: MLPClassifier(
        early_stopping=True, validation_fraction=0.5, monitor=lambda *_: LONG
    ).fit(X, Y),
    "other classes": lambda: with_setting(fitted(), warm_start=True).fit(X, [LONG, *"abc"]),
    "other class": lambda: fitted().partial_fit(X, [LONG, *"abc"]),
    "times": lambda: MLPClassifier().fit(pd.DataFrame({LONG: X[:, 0].astype("M8[s]")}), Y),
    "model file": lambda: write_model(
        Model(Parameters([np.eye(2)], [np.zeros((1, 2))]), 0.1, None, (LONG, LONG)), "m"
    ),
}


@pytest.mark.parametrize("call", CALLS)
def test_no_error_is_as_long_as_what_it_speaks_of(call: str) -> None:
    with pytest.raises((TypeError, ValueError, AttributeError)) as caught:
        CALLS[call]()
    assert len(str(caught.value)) < 1000


def test_what_a_terminal_would_act_upon_is_escaped() -> None:
    assert printable("zéro → [b]0[/b] C:\\new 数") == "zéro → [b]0[/b] C:\\new 数"
    assert printable("\x1b[31m\x07\n\r\t\x7f") == r"\x1b[31m\x07\n\r\t\x7f"
    assert printable("\x9b0m \x85") == r"\x9b0m \x85"
    assert printable("\u202egpj.exe\u2069 \u2028") == r"\u202egpj.exe\u2069 \u2028"
    assert printable("caf\udce9") == r"caf\xe9"


def test_a_long_text_loses_its_middle() -> None:
    assert shortened("a" * 30, 30) == "a" * 30
    short = shortened("a" * 500 + "b" * 500, 100)
    assert len(short) == 100
    assert short.startswith("aaa")
    assert " [...] " in short
    assert short.endswith("bbb")
