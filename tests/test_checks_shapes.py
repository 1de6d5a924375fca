"""Wrong shapes, and what is no array: the remedy in the message works when it is followed."""

from __future__ import annotations

import copy
import itertools
import re

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal

from fastmlp import checks

X = np.random.RandomState(0).rand(6, 4)
Y = np.array([0, 1, 2, 0, 1, 2])

SHAPES = {  # that hold rows of 784 pixels, or of 12
    "(784,)": np.zeros(784),
    "(28, 28)": np.zeros((28, 28)),
    "(1, 28, 28)": np.zeros((1, 28, 28)),
    "(1, 28, 28, 1)": np.zeros((1, 28, 28, 1)),
    "(5, 28, 28)": np.zeros((5, 28, 28)),
    "(5, 28, 28, 1)": np.zeros((5, 28, 28, 1)),
    "(28, 28, 5)": np.zeros((28, 28, 5)),
    "(784, 5)": np.zeros((784, 5)),
    "(3920,)": np.zeros(3920),
    "list": [0.0] * 784,
    "nested list": np.zeros((28, 28)).tolist(),
    "frame": pd.DataFrame(np.zeros((28, 28))),
    "series": pd.Series(np.zeros(784)),
    "series of rows": pd.Series([np.zeros(784)] * 3),
    "generator": (row for row in np.zeros((3, 784))),
    "map": map(np.asarray, np.zeros((3, 784))),
    "values": {0: np.zeros(784), 1: np.zeros(784)}.values(),
    "dict of columns": {f"pixel{i}": [0.0, 0.0] for i in range(784)},
}


@pytest.mark.parametrize("shape", SHAPES)
def test_the_remedy_for_a_wrong_shape_works_when_followed(mlp_class, shape):
    network = mlp_class(784, 2, 3, random_state=0)
    x = copy.copy(SHAPES[shape]) if shape not in ("generator", "map", "values") else SHAPES[shape]
    if shape in ("generator", "map"):
        x = iter([*itertools.repeat(np.zeros(784), 3)])
    with pytest.raises((TypeError, ValueError), match=r"^x (is|has|holds) ") as caught:
        network.predict(x)
    assert "\n" not in str(caught.value)
    remedy = re.search(r"as (in )?((np|pd|x)\S.*?)( makes.*)?$", str(caught.value))[2]
    rows = eval(remedy, {"x": x, "np": np, "pd": pd})
    assert network.predict(rows).shape == (len(rows),)


@pytest.mark.parametrize("shape", [(5, 28, 28, 3), (28, 27), (5, 783), (783,), (0,), (2, 0, 2)])
def test_no_remedy_where_none_leads_to_rows(mlp_class, shape):
    with pytest.raises(ValueError, match=r"^x has ") as caught:
        mlp_class(784, 2, 3, random_state=0).predict(np.zeros(shape))
    assert "\n" not in str(caught.value)
    assert "reshape" not in str(caught.value)


@pytest.mark.parametrize("x", [None, {1, 2}, frozenset([1]), "train.csv", object(), 3.0])
def test_what_is_no_array_is_named(mlp_class, x):
    for y in (x, [0]):
        rows = x if y is not x else np.zeros((1, 784))
        with pytest.raises((TypeError, ValueError), match=r"^[xy]_train (is|has|holds) ") as caught:
            mlp_class(784, 2, 3, random_state=0).train(rows, y, verbose=False)
        assert "\n" not in str(caught.value)
        assert "generator" not in str(caught.value)


@pytest.mark.parametrize(
    "y",
    [
        Y.reshape(6, 1),
        Y.reshape(1, 6),
        np.eye(3)[Y],
        np.eye(3)[Y].tolist(),
        pd.DataFrame(Y),
        pd.DataFrame(np.eye(3)[Y]),
    ],
)
def test_the_remedy_for_wrong_labels_works_when_followed(mlp_class, y):
    with pytest.raises(ValueError, match=r"^y_train has shape .* as in ") as caught:
        mlp_class(4, 5, 3, random_state=0).train(X, y, verbose=False)
    remedy = str(caught.value).split("as in ")[1]
    labels = eval(remedy, {"y_train": y, "np": np})
    assert_array_equal(checks.as_labels(labels, 6, 3), Y)
