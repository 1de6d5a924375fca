"""`MLP.to_onnx`, run by onnxruntime; the estimators' is tested beside their files."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest

from fastmlp import MLP
from fastmlp.reference import ACTIVATIONS, LOSSES


@pytest.mark.parametrize("n_outputs", [1, 3])
@pytest.mark.parametrize("loss", LOSSES)
def test_losses(loss, n_outputs, tmp_path):
    x = np.random.RandomState(0).randint(0, 256, (40, 12), np.uint8)
    network = MLP(12, (9, 7), n_outputs, loss=loss, input_scale=255, random_state=0)
    network.to_onnx(tmp_path / "model.onnx")
    found = run(tmp_path / "model.onnx", x)
    has_labels = loss in ("cross_entropy", "binary_cross_entropy")
    assert list(found) == (["probabilities", "label"] if has_labels else ["predictions"])
    outputs = next(iter(found.values()))
    np.testing.assert_allclose(outputs, network.forward(x)[-1], rtol=1e-5, atol=1e-5)
    if has_labels:
        assert found["label"].dtype == np.int64
        np.testing.assert_array_equal(found["label"], network.predict(x))


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_activations(activation, tmp_path):
    x = np.random.RandomState(0).randn(40, 12)
    network = MLP(12, 9, 3, activation=activation, init="he", random_state=0)
    network.to_onnx(tmp_path / "model.onnx")
    found = run(tmp_path / "model.onnx", x)["probabilities"]
    np.testing.assert_allclose(found, network.predict_proba(x), atol=1e-5)


def test_weights_that_are_not_finite(tmp_path):
    network = MLP(4, 3, 2, random_state=0)
    network.w1[0, 0] = np.nan
    with pytest.raises(ValueError, match="w1"):
        network.to_onnx(tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


def run(path, x):
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(None, {"X": x.astype(np.float32)}), strict=True))
