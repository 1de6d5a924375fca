"""What the documentation of fastmlp.dask shows, and a search's line on dask, run on a cluster."""

from __future__ import annotations

import doctest
import importlib
import inspect
import re
import warnings
from pathlib import Path

import pytest
from dask_tools import _limit, client, cluster  # noqa: F401
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV
from test_docstrings import documented, real

from fastmlp import MLPClassifier, MLPRegressor
from fastmlp.dask import DaskMLPClassifier, DaskMLPRegressor

DOCS = Path(__file__).parents[1] / "docs"
CODE = re.compile(r"```python\n(.*?)```", re.DOTALL)
CLASSES = [DaskMLPClassifier, DaskMLPRegressor]


def run(page: str, cluster, names):  # noqa: F811
    """Run the blocks of a page that connect to a cluster, with the address of this one."""
    found = [code for code in CODE.findall((DOCS / page).read_text()) if "Client(" in code]
    for code in found:
        assert '"scheduler:8786"' in code
        code = code.replace('"scheduler:8786"', repr(cluster.scheduler_address))
        exec(compile(code, page, "exec"), names)
    names["client"].close()
    assert len(found) == 1
    return names


def test_the_page(cluster, capsys):  # noqa: F811
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Stochastic Optimizer")
        names = run("many-machines.md", cluster, {})
    assert float(capsys.readouterr().out) > 0.8
    assert type(names["local"]) is MLPClassifier


def test_a_search_on_many_machines(cluster):  # noqa: F811
    import joblib

    X, y = load_iris(return_X_y=True)  # noqa: N806
    model = MLPClassifier(max_iter=20, random_state=0, n_threads=1)
    search = GridSearchCV(model, {"alpha": [1e-4, 1e-2]}, cv=3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = search.fit(X, y).cv_results_["mean_test_score"].tolist()
        run("searches.md", cluster, {"search": search, "joblib": joblib, "X": X, "y": y})
    assert search.cv_results_["mean_test_score"].tolist() == expected


@pytest.mark.parametrize("name", ["classifier", "regressor"])
def test_docstrings(name):
    module = importlib.import_module(f"fastmlp.dask.{name}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = doctest.testmod(module)
    assert found.attempted >= 5
    assert found.failed == 0


@pytest.mark.parametrize("kind", CLASSES)
def test_each_parameter_is_documented_with_its_default(kind):
    for name, parameter in inspect.signature(kind).parameters.items():
        line = re.search(rf"^{name} : .*default=(.*)$", kind.__doc__, re.MULTILINE)
        assert line, name
        assert eval(line[1]) == parameter.default, name
    assert "<" not in kind.__doc__.split("Examples")[0]


@pytest.mark.parametrize("kind", CLASSES)
def test_methods_are_documented_with_their_parameters(kind):
    for name, method in inspect.getmembers(kind, inspect.isfunction):
        if not name.startswith("_") and method.__module__.startswith("fastmlp.dask"):
            names = [part for n in documented(inspect.getdoc(method)) for part in [n]]
            assert names == real(method), name


@pytest.mark.parametrize(
    ("kind", "local"), [(DaskMLPClassifier, MLPClassifier), (DaskMLPRegressor, MLPRegressor)]
)
def test_parameters_are_those_of_the_local_class_and_four_more(kind, local):
    theirs, ours = (inspect.signature(c).parameters for c in (local, kind))
    assert [*ours][: len(theirs)] == [*theirs]
    assert all(ours[name] == theirs[name] for name in theirs)
    assert [*ours][len(theirs) :] == ["client", "n_shards", "rounds_per_epoch", "lr_scaling"]
