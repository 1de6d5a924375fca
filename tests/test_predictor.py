"""A predictor that is kept: other rows, other numbers of them, other parameters."""

from __future__ import annotations

import weakref

import numpy as np
import pytest
from engine_tools import make_parameters, make_rows

from fastmlp import kernels

SIZES = (24, 17, 3)


@pytest.mark.parametrize("kind", ["float32", "float64", "uint8"])
@pytest.mark.parametrize("skips", [False, True])
@pytest.mark.parametrize("n_threads", [None, 2])
def test_any_rows_one_call_after_the_other(kind, skips, n_threads):
    settings = {"input_scale": 255.0 if kind == "uint8" else None, "n_threads": n_threads}
    parameters = make_parameters(SIZES, "float32")
    predictor = kernels.Predictor(
        *parameters, make_rows(1, SIZES[0], kind), skip_zeros=skips, **settings
    )
    for n_rows in (1, 300, 128, 5000, 129, 0, 2):
        x = make_rows(n_rows, SIZES[0], kind, density=0.3, seed=n_rows)
        parameters = make_parameters(SIZES, "float32", seed=n_rows)
        predictor.load(*parameters)
        x.flags.writeable = False
        got = predictor(x)
        assert got.shape == (n_rows, 3)
        if n_rows:
            np.testing.assert_array_equal(got, kernels.predict_proba(*parameters, x, **settings))


def test_rows_are_let_go_of():
    parameters = make_parameters(SIZES, "float32")
    x = make_rows(500, SIZES[0], "float32")
    predictor = kernels.Predictor(*parameters, x)
    predictor(x)
    assert predictor.is_finite(x)
    x[497, 5] = np.nan
    predictor(x)
    assert not predictor.is_finite(x)
    held = weakref.ref(x)
    del x
    assert held() is None
