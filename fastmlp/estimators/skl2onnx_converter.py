"""Has skl2onnx convert pipelines that end in these classes, as those of scikit-learn's MLPs."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import is_classifier

from fastmlp.estimators.classifier import MLPClassifier
from fastmlp.estimators.outputs import layers_of
from fastmlp.estimators.regressor import MLPRegressor
from fastmlp.export.onnx_nodes import add_both_classes, add_label, add_network

# Of scikit-learn's class, so that the outputs are the same, too.
CLASSIFIER_OPTIONS = {
    "zipmap": [True, False, "columns"],
    "output_class_labels": [False, True],
    "nocl": [True, False],
}


def register_skl2onnx() -> None:
    """Have skl2onnx convert `MLPClassifier` and `MLPRegressor`, in pipelines too.

    What it writes is what it writes of scikit-learn's classes of these names: a classifier's label,
    then its probabilities; its options (``zipmap``, ``output_class_labels``) are the same.

    Raises
    ------
    ImportError
        Without the package skl2onnx.

    Examples
    --------
    >>> from fastmlp import register_skl2onnx
    >>> from skl2onnx import to_onnx  # doctest: +SKIP
    >>> register_skl2onnx()  # doctest: +SKIP
    >>> to_onnx(pipeline, X[:1])  # doctest: +SKIP
    """
    try:
        from skl2onnx import update_registered_converter
    except ImportError as error:
        raise ImportError(
            "register_skl2onnx needs the package skl2onnx: pip install skl2onnx"
        ) from error
    update_registered_converter(
        MLPClassifier, "FastmlpMLPClassifier", _shape, _convert, options=CLASSIFIER_OPTIONS
    )
    update_registered_converter(MLPRegressor, "FastmlpMLPRegressor", _shape, _convert)


def _shape(operator: Any) -> None:
    """Declare the outputs' types and shapes."""
    from skl2onnx.common import shape_calculator
    from skl2onnx.common.data_types import Int64TensorType

    estimator = operator.raw_operator
    n_rows = operator.inputs[0].get_first_dimension()
    if not is_classifier(estimator):
        shape_calculator.calculate_linear_regressor_output_shapes(operator)
        operator.outputs[0].type.shape = [n_rows, layers_of(estimator).n_outputs]
        return
    shape_calculator.calculate_linear_classifier_output_shapes(operator)
    if estimator._labels.is_multilabel:
        operator.outputs[0].set_type(Int64TensorType([n_rows, len(estimator.classes_)]))


def _convert(scope: Any, operator: Any, container: Any) -> None:
    """Add the nodes."""
    estimator = operator.raw_operator
    graph = _Nodes(scope, container, operator.inputs[0].type)
    layers = layers_of(estimator)
    x = graph.add("Cast", operator.inputs[0].full_name, to=graph.kind)
    value = add_network(graph, layers, x)
    names = operator.output_full_names
    if not is_classifier(estimator):
        graph.add("Identity", value, name=names[0])
        return
    label, probabilities = names
    value = add_both_classes(graph, value, layers.n_outputs)
    graph.add("Identity", value, name=probabilities)
    if estimator._labels.is_multilabel:
        above = graph.add("Greater", probabilities, 0.5)
        graph.add("Cast", above, name=label, to=_kinds().INT64)
    else:
        add_label(graph, probabilities, _classes(estimator.classes_), name=label)


class _Nodes:
    """The graph that skl2onnx builds, to add to; in double precision if the input is."""

    def __init__(self, scope: Any, container: Any, input_type: Any) -> None:
        from skl2onnx.common.data_types import DoubleTensorType

        self._scope, self._container = scope, container
        is_double = isinstance(input_type, DoubleTensorType)
        self.dtype: Any = np.float64 if is_double else np.float32
        self.kind = _kinds().DOUBLE if is_double else _kinds().FLOAT

    def constant(self, values: Any) -> str:
        """Add an array; return its name."""
        from onnx.helper import np_dtype_to_tensor_dtype

        values = np.asarray(values)
        name: str = self._scope.get_unique_variable_name("constant")
        flat = values.ravel()
        content = [word.encode() for word in flat] if values.dtype == object else flat
        kind = np_dtype_to_tensor_dtype(values.dtype)
        self._container.add_initializer(name, kind, list(values.shape), content)
        return name

    def add(self, kind: str, *inputs: str | float, name: str = "", **settings: Any) -> str:
        """Add a node with one output; return the output's name. Numbers become constants."""
        name = name or self._scope.get_unique_variable_name("value")
        names = [x if isinstance(x, str) else self.constant(self.dtype(x)) for x in inputs]
        node = self._scope.get_unique_operator_name(kind)
        self._container.add_node(kind, names, name, name=node, **settings)
        return name


def _kinds() -> Any:
    from onnx import TensorProto

    return TensorProto


def _classes(classes: Any) -> Any:
    """Return the classes in the types that skl2onnx has declared: int64, or strings.

    Raises
    ------
    ValueError
        If they are floats that are no whole numbers, or too large.
    """
    if all(isinstance(name, str) for name in classes.tolist()):
        return classes.astype(object)
    with np.errstate(invalid="ignore"):
        whole = classes.astype(np.int64)
    if (whole != classes).any():
        raise ValueError(
            f"classes_ are {classes}, and skl2onnx has whole numbers and strings only: name the "
            "classes by those, or use the estimator's own to_onnx"
        )
    return whole
