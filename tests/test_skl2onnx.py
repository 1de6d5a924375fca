"""Pipelines that skl2onnx converts, compared with Python and with scikit-learn's classes."""

from __future__ import annotations

import sys

import numpy as np
import onnxruntime
import pandas as pd
import pytest
from estimator_tools import load, quiet
from sklearn import neural_network
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import VotingClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import fastmlp
from fastmlp import MLPClassifier, MLPRegressor, register_skl2onnx

NAMES = {
    "strings": np.array(["a", "b", "é"]),
    "two strings": np.array(["no", "yes"], object),
    "numbers": np.array([-3, 5, 70]),
    "booleans": np.array([False, True]),
    "floats": np.array([1.0, 2.0, 5.0]),
}


class Own(MLPClassifier):
    """A user's."""


def search(model=None):
    """A search of one candidate, of the class itself or of another's."""
    return GridSearchCV(model or MLPClassifier(random_state=0), {"max_iter": [2]}, cv=2)


@pytest.fixture(autouse=True)
def skl2onnx():
    """Without what other tests have registered."""
    found = pytest.importorskip("skl2onnx")
    from skl2onnx._parse import sklearn_parsers_map
    from skl2onnx._supported_operators import sklearn_operator_name_map

    for known in (sklearn_operator_name_map, sklearn_parsers_map):
        for kind in [kind for kind in known if issubclass(kind, (MLPClassifier, MLPRegressor))]:
            del known[kind]
    return found


@pytest.mark.parametrize("options", [{}, {"zipmap": False}], ids=["maps", "tensors"])
@pytest.mark.parametrize("name", NAMES)
def test_pipelines_of_tables(skl2onnx, name, options):
    """Inputs, outputs, their names, types and order are those with scikit-learn's class."""
    rng = np.random.RandomState(0)
    table = pd.DataFrame(
        {"age": rng.randn(90) * 9 + 40, "size": rng.rand(90), "plan": rng.choice(["x", "y"], 90)}
    ).astype({"age": np.float32, "size": np.float32})
    y = NAMES[name][np.arange(90) % len(NAMES[name])]
    kinds = {"age": "Float", "size": "Float", "plan": "String"}
    types = [
        (column, getattr(skl2onnx.common.data_types, f"{kind}TensorType")([None, 1]))
        for column, kind in kinds.items()
    ]
    signatures = []
    for kind in (MLPClassifier, neural_network.MLPClassifier):
        columns = ColumnTransformer(
            [("numbers", StandardScaler(), ["age", "size"]), ("words", OneHotEncoder(), ["plan"])]
        )
        model = kind(max_iter=9, learning_rate_init=0.05, random_state=0)
        pipeline = quiet(make_pipeline(columns, model), table, y)
        given = {id(model): options} if options else None
        made = skl2onnx.convert_sklearn(pipeline, initial_types=types, options=given)
        session = onnxruntime.InferenceSession(
            made.SerializeToString(), providers=["CPUExecutionProvider"]
        )
        signatures.append([(out.name, out.type) for out in session.get_outputs()])
        feed = {column: table[[column]].to_numpy() for column in table}
        label, probabilities = session.run(None, feed)
        if not options:
            probabilities = np.array([list(row.values()) for row in probabilities])
        np.testing.assert_allclose(probabilities, pipeline.predict_proba(table), atol=1e-4)
        np.testing.assert_array_equal(label, pipeline.predict(table))
    assert signatures[0] == signatures[1]


@pytest.mark.parametrize(
    "options",
    [{}, {"zipmap": "columns"}, {"zipmap": False, "output_class_labels": True}],
    ids=["maps", "columns", "labels"],
)
@pytest.mark.parametrize("wrap", [Own, search], ids=["a subclass", "a search"])
def test_the_first_conversion_is_as_the_second(skl2onnx, wrap, options):
    """The class is registered at the first, in the midst of it."""
    x, y = load("wine")
    models = [wrap(), wrap(), search(neural_network.MLPClassifier())]
    made = []
    for model in [quiet(models[0], x, y), models[0], quiet(models[2], x, y)]:
        made.append(skl2onnx.to_onnx(model, x[:1], options={id(model): options}))
    one, two, theirs = ([(out.name, out.type) for out in each.graph.output] for each in made)
    assert one == two
    assert [name for name, _ in one] == [name for name, _ in theirs]
    assert [node.op_type for node in made[0].graph.node] == [
        node.op_type for node in made[1].graph.node
    ]


def test_ensembles(skl2onnx):
    """skl2onnx asks nothing of what is in them, so it must be told before."""
    x, y = load("wine")
    members = [("mlp", MLPClassifier(max_iter=9, random_state=0))]
    model = quiet(VotingClassifier(members, voting="soft", flatten_transform=False), x, y)
    with pytest.raises(KeyError, match="MLPClassifier"):
        converted(skl2onnx, model, x, np.float32, zipmap=False)
    register_skl2onnx()
    label, probabilities = converted(skl2onnx, model, x, np.float32, zipmap=False)
    np.testing.assert_allclose(probabilities, model.predict_proba(x), atol=1e-5)
    np.testing.assert_array_equal(label, model.predict(x))


def test_labels_that_do_not_exclude_each_other(skl2onnx):
    x, y = load("multilabel")
    model = quiet(MLPClassifier(max_iter=20, random_state=0), x, y)
    label, probabilities = converted(skl2onnx, model, x, np.float32, zipmap=False)
    np.testing.assert_allclose(probabilities, model.predict_proba(x), atol=1e-5)
    np.testing.assert_array_equal(label, model.predict(x))


@pytest.mark.parametrize("n_outputs", [1, 3])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_regressors(skl2onnx, dtype, n_outputs):
    rng = np.random.RandomState(0)
    x, y = rng.randn(60, 5), rng.poisson(2.0, (60, n_outputs)).astype(float)
    model = MLPRegressor("poisson", activation="tanh", max_iter=5, random_state=0)
    pipeline = quiet(make_pipeline(StandardScaler(), model), x, y.squeeze())
    (found,) = converted(skl2onnx, pipeline, x, dtype)
    assert found.dtype == dtype
    assert found.shape == (60, n_outputs)
    tolerance = 1e-5 if dtype is np.float32 else 1e-9
    np.testing.assert_allclose(found.squeeze(), pipeline.predict(x), rtol=tolerance)


def test_classes_without_a_form(skl2onnx):
    x, y = load("wine")
    model = quiet(MLPClassifier(max_iter=2), x, y)
    model.classes_ = np.array([0.5, 1.5, 2.5])
    with pytest.raises(ValueError, match="skl2onnx has whole numbers and strings only"):
        converted(skl2onnx, model, x, np.float32, zipmap=False)


def test_without_the_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "skl2onnx", None)
    with pytest.raises(ImportError, match="pip install skl2onnx"):
        fastmlp.register_skl2onnx()


def converted(skl2onnx, model, x, dtype, **options):
    x = x.astype(dtype)
    made = skl2onnx.to_onnx(model, x[:1], options={id(model): options} if options else None)
    session = onnxruntime.InferenceSession(
        made.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return session.run(None, {"X": x})
