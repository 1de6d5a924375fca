"""An entry of each kind from a module outside the package, and the cache's key for it."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnxruntime
import outside_entries
import pytest
from engine_tools import make_rows
from estimator_tools import load, quiet
from network_tools import NUMBERS, X, assert_same_parameters, make_network
from test_entries import check, make_targets

import fastmlp
from fastmlp import MLPClassifier, MLPRegressor, kernels, reference
from fastmlp.problem import Problem

TABLES = ("ACTIVATIONS", "LOSSES", "OPTIMIZERS")


@pytest.fixture
def entries() -> Iterator[None]:
    """The outside entries, for as long as a test takes."""
    before = {(e, t): dict(getattr(e, t)) for e in (kernels, reference) for t in TABLES}
    outside_entries.add()
    yield
    for (engine, table), values in before.items():
        getattr(engine, table).clear()
        getattr(engine, table).update(values)


@pytest.mark.usefixtures("entries")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_outside_entries(dtype):
    problem = Problem(activation="shrink", loss="absolute", optimizer="rmsprop", epsilon=1e-3)
    x, y = make_rows(150, 20, dtype, 0.5), make_targets("squared_error", 150, 3, dtype)
    check(dtype, (20, 17, 3), "absolute", x, y, problem=problem, learning_rate=0.001)


@pytest.mark.usefixtures("entries")
def test_networks_take_them(tmp_path):
    settings = {"activation": "shrink", "loss": "absolute", "optimizer": "rmsprop", "init": "he"}
    networks = [make_network(kind, **settings) for kind in (fastmlp.MLP, fastmlp.reference.MLP)]
    for network in networks:
        history = network.train(X, NUMBERS, 20, verbose=False, validation_data=(X, NUMBERS))
        assert history.val_loss[-1] < 0.5 * history.val_loss[0]
        with pytest.raises(ValueError, match="give numbers from -100 on"):
            network.train(X, NUMBERS - 200, 1, verbose=False)
    assert_same_parameters(*networks, rtol=1e-5)
    networks[0].save(tmp_path / "model")
    loaded = fastmlp.MLP.load(tmp_path / "model")
    np.testing.assert_array_equal(loaded.predict(X), networks[0].predict(X))
    assert loaded.problem == networks[0].problem


@pytest.mark.usefixtures("entries")
@pytest.mark.parametrize("estimator_class", [MLPClassifier, MLPRegressor])
def test_estimators_take_them(estimator_class, tmp_path):
    settings = {"activation": "shrink", "max_iter": 30, "random_state": 0}
    x, y = load("wine")
    if estimator_class is MLPRegressor:
        settings |= {"loss": "absolute", "early_stopping": True}
        x, y = load("diabetes")
        with pytest.raises(ValueError, match=r"y holds .* with loss='absolute': give y >= -100"):
            MLPRegressor("absolute").fit(x, y - 200)
    model = quiet(estimator_class(**settings, solver="rmsprop"), x, y)
    assert model.loss_curve_[-1] < 0.9 * model.loss_curve_[0]
    model.save(tmp_path / "model")
    np.testing.assert_array_equal(
        estimator_class.load(tmp_path / "model").predict(x), model.predict(x)
    )
    outputs = model.predict_proba(x) if hasattr(model, "predict_proba") else model.predict(x)
    model.to_onnx(tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(
        str(tmp_path / "model.onnx"), providers=["CPUExecutionProvider"]
    )
    found = session.run(None, {"X": x.astype(np.float32)})[0]
    np.testing.assert_allclose(found.reshape(outputs.shape), outputs, rtol=1e-4, atol=1e-5)


@pytest.mark.usefixtures("entries")
def test_regressors_take_losses_of_numbers_only(monkeypatch):
    monkeypatch.setitem(
        reference.LOSSES, "unnamed", reference.LOSSES["absolute"]._replace(out_activation=None)
    )
    for loss in ("cross_entropy", "binary_cross_entropy", "unnamed", "none"):
        with pytest.raises(ValueError, match=r"'loss' parameter .* 'absolute'}"):
            MLPRegressor(loss).fit(X, NUMBERS)


def test_help_and_docstrings_name_them():
    done = script(
        """
        import outside_entries
        outside_entries.add()
        import fastmlp
        for kind in (fastmlp.MLP, fastmlp.MLPRegressor):
            assert "'shrink' (0.25 z below 0)" in " ".join(kind.__doc__.split()), kind.__doc__
            assert "- 'absolute': numbers from -100 on.\\n" in kind.__doc__, kind.__doc__
            assert "'rmsprop'" in kind.__doc__, kind.__doc__
        from fastmlp.cli import app
        app(["train", "--help"])
        """,
        COLUMNS="200",
    )
    assert ", shrink." in done
    assert "rmsprop." in done


def script(text: str, folder: Path = Path(__file__).parent, **env: str) -> str:
    """What a process of its own prints that finds the outside entries in a folder."""
    paths = [str(folder), str(Path(__file__).parent)]
    done = subprocess.run(
        [sys.executable, "-c", f"import sys\nsys.path[:0] = {paths}\n{textwrap.dedent(text)}"],
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"} | env,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


SCRIPT = """
import outside_entries
outside_entries.add()
from engine_tools import make_parameters, make_rows
from fastmlp import kernels
from fastmlp.problem import Problem
parameters = make_parameters((20, 17, 3), "float32")
activations = kernels.forward(*parameters, make_rows(1, 20), problem=Problem(activation="shrink"))
print(float(activations[0].min()))
"""


def test_an_edited_entry_is_compiled_anew(tmp_path):
    """Its source is part of the cache's key: a second process gives the new result."""
    source = Path(outside_entries.__file__).read_text()
    results = []
    for slope in ("0.25", "0.5", "0.25"):
        (tmp_path / "outside_entries.py").write_text(
            source.replace("SLOPE = 0.25", f"SLOPE = {slope}")
        )
        results.append(float(script(SCRIPT, tmp_path, FASTMLP_CACHE_DIR=str(tmp_path / "cache"))))
    assert results[0] < 0
    np.testing.assert_allclose(results[1], 2 * results[0], rtol=1e-6)
    assert results[2] == results[0]
