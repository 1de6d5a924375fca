"""What the documentation of the estimators shows, run."""

from __future__ import annotations

import doctest
import importlib
import inspect
import re
import warnings
from pathlib import Path

import pytest

from fastmlp import MLPClassifier, MLPRegressor

PAGE = Path(__file__).parents[1] / "docs" / "coming-from-scikit-learn.md"
CODE = re.compile(r"(<!-- not run -->\n)?```python\n(.*?)```", re.DOTALL)


def test_the_page(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    blocks = CODE.findall(PAGE.read_text())
    names: dict[str, object] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for not_run, code in blocks:
            if not not_run:
                exec(compile(code, PAGE.name, "exec"), names)
    assert len(blocks) == 5
    assert names["search"].score(names["test"], names["y_test"]) > 0.95
    assert "val_score" in capsys.readouterr().out
    assert {path.name for path in tmp_path.iterdir()} == {
        "history.png", "churn.safetensors", "churn.onnx"
    }  # fmt: skip
    assert list(names["same"].classes_) == ["leaves", "stays"]


@pytest.mark.parametrize("name", ["classifier", "regressor", "fit_many"])
def test_docstrings(name):
    module = importlib.import_module(f"fastmlp.estimators.{name}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = doctest.testmod(module)
    assert found.attempted >= 5
    assert found.failed == 0


@pytest.mark.parametrize("estimator_class", [MLPClassifier, MLPRegressor])
def test_each_parameter_is_documented_with_its_default(estimator_class):
    text = estimator_class.__doc__
    for name, parameter in inspect.signature(estimator_class).parameters.items():
        line = re.search(rf"^{name} : .*default=(.*)$", text, re.MULTILINE)
        assert line, name
        assert eval(line[1]) == parameter.default, name
    assert "<" not in text.split("Examples")[0]


@pytest.mark.parametrize("estimator_class", [MLPClassifier, MLPRegressor])
def test_each_parameter_of_ours_is_on_the_page(estimator_class):
    import sklearn.neural_network

    theirs = inspect.signature(getattr(sklearn.neural_network, estimator_class.__name__)).parameters
    for name in inspect.signature(estimator_class).parameters:
        assert name in theirs or f"| `{name}` |" in PAGE.read_text(), name
