"""Objects that version 0.1.0 has pickled, when modules stood elsewhere, come back."""

from __future__ import annotations

import base64
import pickle
import zlib
from typing import Any

import numpy as np
import pytest
from old_pickles import PICKLES, PREDICTED

import fastmlp
from fastmlp import reference

X = np.array([[0.0, 1], [1, 0], [1, 1]])
Y = np.array([0, 1, 1])


IN_NUMPY_2 = pytest.mark.skipif(
    np.lib.NumpyVersion(np.__version__) < "2.0.0",
    reason="NumPy 1 can't read arrays that NumPy 2 has pickled",
)


def restored(name: str) -> Any:
    return pickle.loads(zlib.decompress(base64.b85decode(PICKLES[name])))


@IN_NUMPY_2
@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("MLP", fastmlp.MLP),
        ("reference.MLP", reference.MLP),
        ("MLPClassifier", fastmlp.MLPClassifier),
        ("MLPRegressor", fastmlp.MLPRegressor),
    ],
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_objects_predict_as_then_and_go_on(name: str, kind: type) -> None:
    found = restored(name)
    assert type(found) is kind
    predict = found.predict if name == "MLPRegressor" else found.predict_proba
    np.testing.assert_allclose(predict(X), PREDICTED[name.removeprefix("reference.")], rtol=1e-12)
    if hasattr(found, "train"):
        found.train(X, Y, 1, verbose=False)
        assert len(found.history_.loss) == 1
    else:
        found.partial_fit(X, Y)
    assert type(pickle.loads(pickle.dumps(found))) is kind


def test_errors_come_back() -> None:
    error = restored("DivergenceError")
    assert isinstance(error, FloatingPointError)
    assert "the training diverged in epoch" in str(error)
