"""Labels as text and as words: numbers in any container are those numbers, words need names."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from network_tools import X, Y, assert_same_parameters, make_network
from numpy.testing import assert_array_equal

import fastmlp
from fastmlp import checks

NAMES = ("cat", "dog", "owl")
WORDS = [NAMES[label] for label in Y]
TEXT = {
    "list": lambda words: list(words),
    "tuple": lambda words: tuple(words),
    "unicode": lambda words: np.array(words),
    "bytes": lambda words: np.array(words).astype(bytes),
    "object": lambda words: np.array(words, object),
    "series": lambda words: pd.Series(words, index=range(len(words))[::-1]),
    "object series": lambda words: pd.Series(words, dtype=object),
    "pandas string": lambda words: pd.Series(words, dtype="string"),
    "category": lambda words: pd.Series(words, dtype="category"),
    "pandas array": lambda words: pd.array(words, dtype="string"),
    "categorical": lambda words: pd.Categorical(words),
}


@given(
    container=st.sampled_from([*TEXT]),
    labels=st.lists(st.integers(0, 12), min_size=1, max_size=20),
    form=st.sampled_from(["{}", "{}.0", " {} ", "0{}", "+{}"]),
)
def test_text_of_numbers_is_those_numbers(container, labels, form):
    y = TEXT[container]([form.format(label) for label in labels])
    assert_array_equal(checks.as_labels(y, len(labels), 13), labels)


@pytest.mark.parametrize("container", TEXT)
def test_training_on_text_and_on_words(mlp_class, container):
    plain, digits, words = (make_network(mlp_class) for _ in range(3))
    plain.train(X, Y, 2, verbose=False, validation_data=(X, Y))
    as_text = TEXT[container]([str(label) for label in Y])
    digits.train(X, as_text, 2, verbose=False, validation_data=(X, as_text))
    as_words = TEXT[container](WORDS)
    words.train(
        X, as_words, 2, verbose=False, validation_data=(X, as_words), class_names=list(NAMES)
    )
    for other in (digits, words):
        assert_same_parameters(plain, other, rtol=0, atol=0)
        assert other.history_.val_accuracy == plain.history_.val_accuracy
    assert words.class_names == NAMES
    assert plain.class_names is None
    assert words.score(X, as_words) == words.score(X, Y) == words.score(X, as_text)
    assert words.compute_loss(as_words, words.predict_proba(X)) > 0
    words.train(X, as_words, 1, verbose=False)  # the names are known by now


@pytest.mark.parametrize("container", TEXT)
def test_other_words_are_refused_by_name(mlp_class, container):
    network = make_network(mlp_class)
    odd = TEXT[container]([*WORDS[:-1], "zebra"])
    with pytest.raises(TypeError, match=r"^y_train holds .*, such as '(cat|dog|owl)' in row 0"):
        network.train(X, odd, verbose=False)
    before = network.w1.copy()
    with pytest.raises(
        ValueError, match=rf"^y_train .* 'zebra' in row {len(Y) - 1} \(.*class_names"
    ):
        network.train(X, odd, verbose=False, class_names=NAMES)
    assert network.class_names is None
    assert_array_equal(network.w1, before)


@pytest.mark.parametrize(
    ("y", "error", "message"),
    [
        (np.ma.masked_equal([0, 1, 2], 1), ValueError, "is masked in row 1"),
        (np.ma.masked_equal(["0", "1", "2"], "1"), ValueError, "is masked in row 1"),
        (pd.Series([0, None, 2], dtype="Int64"), ValueError, "missing value in row 1|holds nan"),
        (pd.Series(["0", None, "2"], dtype="string"), ValueError, "missing value in row 1"),
        (["0", "0.5", "1"], ValueError, "holds 0.5: labels must be whole"),
        (["0", "nan", "1"], ValueError, "holds nan: labels must be whole"),
        (["0", "3", "1"], ValueError, r"holds the label 3, outside 0\.\.2"),
        (["0", "-1", "1"], ValueError, r"holds the label -1, outside 0\.\.2"),
        (["0", "1_0", "1"], TypeError, "such as '1_0' in row 1"),
        (["0", "", "1"], TypeError, "such as '' in row 1"),
        (None, ValueError, "is None"),
        ({0, 1, 2}, TypeError, "is a set, which has no order"),
    ],
)
def test_what_is_no_label(y, error, message):
    with pytest.raises(error, match=f"^y .*{message}|^y {message}") as caught:
        checks.as_labels(y, 3, 3)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("names", "error", "message"),
    [
        ("abc", TypeError, "class_names is 'abc'"),
        (3, TypeError, "class_names is 3"),
        ([1, 2, 3], TypeError, "class_names holds 1"),
        (["a", "b"], ValueError, "class_names has 2 words for 3 classes"),
        (["a", "b", "a"], ValueError, "class_names holds 'a' twice"),
        (["a", "b", ""], ValueError, "class_names holds ''"),
    ],
)
def test_names_that_make_no_sense(mlp_class, names, error, message):
    with pytest.raises(error, match=f"^{message}"):
        make_network(mlp_class).train(X, Y, verbose=False, class_names=names)


def test_classes_that_are_named_by_numbers():
    """A number that names no class is no other class's index."""
    assert_array_equal(checks.as_labels(["7", "3"], 2, 2, class_names=("3", "7")), [1, 0])
    assert_array_equal(checks.as_labels([1, 0], 2, 2, class_names=("3", "7")), [1, 0])
    with pytest.raises(
        ValueError, match=r"label '1' in row 1 \(counted from 0\), which is none of"
    ):
        checks.as_labels(["7", "1"], 2, 2, class_names=("3", "7"))


def test_the_tutorials_functions_take_text():
    assert_array_equal(fastmlp.one_hot_encode(["2", "0"], 3), [[0, 0, 1], [1, 0, 0]])
