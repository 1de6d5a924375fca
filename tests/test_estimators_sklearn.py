"""Our estimators among scikit-learn's tools."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
import warnings
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn
from estimator_tools import load, quiet
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, DataConversionWarning, NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

import fastmlp
from fastmlp import MLPClassifier, MLPRegressor

both = pytest.mark.parametrize("estimator_class", [MLPClassifier, MLPRegressor])
CANNOT_RUN = {  # what scikit-learn's own classes skip here too
    "check_array_api_input",  # wants an environment variable
    "check_classifiers_multilabel_output_format_decision_function",
}


@both
def test_check_estimator(estimator_class):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = check_estimator(estimator_class(), on_skip=None)
    assert {one["check_name"] for one in results if one["status"] != "passed"} <= CANNOT_RUN
    assert len(results) > 50


@both
def test_parameters_are_theirs_and_ours_come_last(estimator_class):
    import inspect

    theirs = inspect.signature(getattr(sklearn.neural_network, estimator_class.__name__)).parameters
    ours = inspect.signature(estimator_class).parameters
    assert list(ours)[: len(theirs)] == list(theirs)
    for name, parameter in theirs.items():
        assert (ours[name].default, ours[name].kind) == (parameter.default, parameter.kind)
    more = list(ours.values())[len(theirs) :]
    assert all(parameter.kind == inspect.Parameter.KEYWORD_ONLY for parameter in more)
    assert repr(estimator_class(alpha=1.0)) == f"{estimator_class.__name__}(alpha=1.0)"


def test_copies_predict_the_same(tmp_path):
    x, y = load("wine")
    fitted = quiet(MLPClassifier(max_iter=5, random_state=0), x, y)
    expected = fitted.predict_proba(x)
    joblib.dump(fitted, tmp_path / "model.joblib")
    copies = [pickle.loads(pickle.dumps(fitted)), copy.deepcopy(fitted)]
    for other in (*copies, joblib.load(tmp_path / "model.joblib")):
        np.testing.assert_array_equal(other.predict_proba(x), expected)
        np.testing.assert_array_equal(  # the optimiser's state comes along
            other.partial_fit(x, y).coefs_[0], copy.deepcopy(fitted).partial_fit(x, y).coefs_[0]
        )
    assert clone(fitted).get_params() == fitted.get_params()
    with pytest.raises(NotFittedError):
        clone(fitted).predict(x)


@pytest.mark.parametrize("backend", ["loky", "threading", "sequential"])
def test_searches(backend):
    x, y = load("iris")
    model = MLPClassifier(max_iter=30, random_state=0, learning_rate_init=0.05)
    search = GridSearchCV(model, {"alpha": [1e-4, 1000.0]}, cv=3, n_jobs=2)
    with warnings.catch_warnings(), joblib.parallel_backend(backend):
        warnings.simplefilter("ignore")
        search.fit(x, y)
        scores = cross_val_score(search.best_estimator_, x, y, n_jobs=2, cv=3)
    assert search.best_params_ == {"alpha": 1e-4}
    assert scores.min() > 0.9


@pytest.mark.slow
def test_search_on_a_dask_cluster():
    from dask.distributed import Client, LocalCluster

    x, y = load("iris")
    search = GridSearchCV(MLPClassifier(max_iter=20, random_state=0), {"alpha": [1e-4, 10.0]}, cv=3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = search.fit(x, y).cv_results_["mean_test_score"]
        with (
            LocalCluster(
                n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
            ) as cluster,
            Client(cluster),
            joblib.parallel_backend("dask", scatter=[x, y]),  # as docs/searches.md has it
        ):
            search.fit(x, y)
    np.testing.assert_array_equal(search.cv_results_["mean_test_score"], expected)


def test_pipeline_transforms_held_out_rows():
    x, y = load("wine")
    order = np.random.RandomState(0).permutation(len(x))
    x, y = x[order] * 1000 + 5, y[order]
    with sklearn.config_context(enable_metadata_routing=True):
        model = MLPClassifier(max_iter=10, random_state=0, early_stopping=True)
        model.set_fit_request(X_val=True, y_val=True)
        pipeline = make_pipeline(StandardScaler(), model)
        pipeline.transform_input = ["X_val"]
        quiet(pipeline, x[:120], y[:120], X_val=x[120:], y_val=y[120:])
    fitted = pipeline[-1]
    outputs = fitted.predict(pipeline[0].transform(x[120:]))
    assert max(fitted.validation_scores_) == np.mean(outputs == y[120:])


def test_sample_weight_is_routed():
    x, y = load("wine")
    weights = np.where(y == 0, 5.0, 0.1)
    with sklearn.config_context(enable_metadata_routing=True):
        model = MLPClassifier(max_iter=5, random_state=0).set_fit_request(sample_weight=True)
        scaler = StandardScaler().set_fit_request(sample_weight=False)
        pipeline = quiet(make_pipeline(scaler, model), x, y, sample_weight=weights)
    scaled = StandardScaler().fit_transform(x)
    direct = quiet(MLPClassifier(max_iter=5, random_state=0), scaled, y, sample_weight=weights)
    np.testing.assert_array_equal(pipeline[-1].coefs_[0], direct.coefs_[0])


@both
def test_feature_names(estimator_class):
    x, y = load("wine")
    table = pd.DataFrame(x, columns=[f"column {i}" for i in range(x.shape[1])])
    monitored = "accuracy" if estimator_class is MLPClassifier else "r2"
    for settings in ({}, {"early_stopping": True}, {"early_stopping": True, "monitor": monitored}):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            warnings.simplefilter("ignore", ConvergenceWarning)
            fitted = estimator_class(max_iter=3, **settings).fit(table, y)
            fitted.predict(table)
        assert list(fitted.feature_names_in_) == list(table.columns)
        with pytest.warns(UserWarning, match="does not have valid feature names"):
            fitted.predict(x)
        with pytest.raises(ValueError, match="feature names should match"):
            fitted.predict(table[table.columns[::-1]])
    for rows in (x[:, :5].copy(), np.asfortranarray(x[:, :5])):  # read as it is, or copied
        fitted = quiet(estimator_class(max_iter=3), table, y)
        quiet(fitted, rows, y)
        assert not hasattr(fitted, "feature_names_in_")
        assert fitted.n_features_in_ == 5
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            fitted.predict(rows)


def test_column_of_labels():
    x, y = load("wine")
    with pytest.warns(DataConversionWarning, match="A column-vector y was passed"):
        fitted = quiet(MLPClassifier(max_iter=2, random_state=0), x, y.reshape(-1, 1))
    assert fitted.predict(x).shape == y.shape
    with pytest.warns(DataConversionWarning, match="A column-vector y was passed"):
        quiet(MLPRegressor(max_iter=2, random_state=0), x, y.reshape(-1, 1))


def test_progress_bar_and_scoring_monitor(capsys):
    from sklearn.callback import ProgressBar, ScoringMonitor

    x, y = load("wine")
    for solver in ("adam", "lbfgs"):
        monitor = ScoringMonitor(scoring="accuracy")
        fitted = MLPClassifier(max_iter=4, random_state=0, solver=solver)
        quiet(fitted.set_callbacks(monitor, ProgressBar()), x, y)
        scores = [row["accuracy"] for row in monitor.get_logs().data if row["task_name"] == "epoch"]
        assert len(scores) >= 4
        assert scores[3] == fitted.score(x, y)
        assert scores[0] != scores[3]


def test_a_callback_of_theirs_stops():
    class Stop:
        def setup(self, estimator, context): ...
        def teardown(self, estimator, context): ...
        def on_fit_task_begin(self, estimator, context): ...
        def on_fit_task_end(self, estimator, context):
            return context.task_name == "epoch" and context.task_id == 2

    x, y = load("wine")
    assert MLPClassifier().set_callbacks(Stop()).fit(x, y).n_iter_ == 3


def test_threads_fit_and_predict_at_a_time():
    x, y = load("wine")
    fitted = quiet(MLPClassifier(max_iter=5, random_state=0), x, y)
    expected = fitted.predict_proba(x[:3])
    with joblib.parallel_backend("threading", n_jobs=4):
        for found in joblib.Parallel()(
            joblib.delayed(fitted.predict_proba)(x[:3]) for _ in range(40)
        ):
            np.testing.assert_array_equal(found, expected)


def test_without_scikit_learn():
    code = (
        "import sys; sys.modules['sklearn'] = None\n"
        "import fastmlp\n"
        "from fastmlp import *\n"
        "assert MLP(2, 3, 2).w1.shape == (2, 3)\n"
        "for name in ('MLPClassifier', 'MLPRegressor'):\n"
        "    try:\n"
        "        getattr(fastmlp, name)\n"
        "    except ImportError as error:\n"
        "        print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.count("pip install 'fastmlp[sklearn]'") == 2


def test_import_does_not_import_scikit_learn():
    code = "import sys, fastmlp; from fastmlp import *; print('sklearn' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
    assert "MLPClassifier" in dir(fastmlp)


@pytest.mark.slow
def test_conformance():
    """scikit-learn's own tests of its MLPs pass with our classes: `nox -s conformance`."""
    here = Path(__file__).parent
    command = [
        sys.executable, "-m", "pytest", "-c", "/dev/null", "-q", "-p", "swapped_classes",
        "-p", "no:cacheprovider", "--pyargs", "sklearn.neural_network.tests.test_mlp",
    ]  # fmt: skip
    import os

    paths = [str(here / "conformance"), str(here.parent), os.environ.get("PYTHONPATH", "")]
    env = os.environ | {"PYTHONPATH": os.pathsep.join(paths)}
    done = subprocess.run(command, capture_output=True, text=True, env=env, cwd=here)
    assert done.returncode == 0, done.stdout[-3000:]
    assert "53 passed, 6 deselected" in done.stdout


def test_a_search_shows_its_fits(capsys):
    from sklearn.callback import ProgressBar

    x, y = load("iris")
    search = GridSearchCV(MLPClassifier(max_iter=3, random_state=0), {"alpha": [0.1, 1.0]}, cv=2)
    quiet(search.set_callbacks(ProgressBar(max_propagation_depth=None)), x, y)
    assert "MLPClassifier" in capsys.readouterr().out
