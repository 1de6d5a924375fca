"""A table's networks as ONNX graphs, run by onnxruntime."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest
from sklearn.exceptions import NotFittedError
from tables_tools import mixed_table

from fastmlp import TableClassifier, TableRegressor

X, LABELS, NUMBERS = mixed_table()
NEW, _, _ = mixed_table(seed=1)
THREE = np.where(NUMBERS > 2, "high", LABELS)


def run(path, model, table):
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return session.run(None, {"X": model.encoder_.transform(table)})


@pytest.mark.parametrize(
    "y",
    [LABELS, THREE, THREE == "high", np.searchsorted(["high", "no", "yes"], THREE)],
    ids=["two", "three", "booleans", "integers"],
)
def test_classifiers(y, tmp_path):
    model = TableClassifier(n_members=2, random_state=0).fit(X, y)
    model.temperature_ = 1.7  # one that shows
    model.to_onnx(tmp_path / "model.onnx")
    probabilities, label = run(tmp_path / "model.onnx", model, NEW)
    expected = model.predict_proba(NEW)
    assert probabilities.dtype == np.float32
    # Of two classes one's probability is 1 minus the other's: a last digit that differs counts.
    np.testing.assert_allclose(probabilities, expected, atol=1e-5 if len(set(y)) > 2 else 2e-3)
    two = np.sort(expected)[:, -2:]
    is_clear = two[:, 1] - two[:, 0] > 1e-2
    np.testing.assert_array_equal(label[is_clear], model.predict(NEW)[is_clear])


def test_probabilities_of_0_are_taken_for_a_little_more(tmp_path):
    model = TableClassifier(n_members=2, random_state=0).fit(X, LABELS)
    for member, bias in zip(model.members_, (200, -200), strict=True):
        member.intercepts_[-1][:] = bias
    model.to_onnx(tmp_path / "model.onnx")
    probabilities, _ = run(tmp_path / "model.onnx", model, NEW)
    np.testing.assert_allclose(probabilities, model.predict_proba(NEW), atol=1e-4)
    assert np.isfinite(probabilities).all()


@pytest.mark.parametrize("middle", [0, 1e9])
def test_regressors(middle, tmp_path):
    model = TableRegressor(n_members=3, random_state=0).fit(X, NUMBERS + middle)
    model.to_onnx(tmp_path / "model.onnx")
    for table in (NEW, NEW.assign(number=1e6), NEW.assign(number=-1e6)):
        (predictions,) = run(tmp_path / "model.onnx", model, table)
        assert predictions.shape == (len(table),)
        np.testing.assert_allclose(predictions, model.predict(table), rtol=0, atol=1e-4)


def test_what_is_refused(tmp_path):
    with pytest.raises(NotFittedError):
        TableRegressor().to_onnx(tmp_path / "model.onnx")
    model = TableRegressor(n_members=1, random_state=0, trees=True).fit(X, NUMBERS)
    with pytest.raises(ValueError, match="trees=True: trees are not written to ONNX"):
        model.to_onnx(tmp_path / "model.onnx")
    assert not (tmp_path / "model.onnx").exists()
