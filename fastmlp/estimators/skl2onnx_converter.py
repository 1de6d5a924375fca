"""Has skl2onnx convert pipelines that end in these classes, as those of scikit-learn's MLPs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin, is_classifier

import fastmlp
from fastmlp.estimators.outputs import layers_of
from fastmlp.export.onnx_nodes import add_both_classes, add_label, add_network

# Of scikit-learn's class, so that the outputs are the same, too.
CLASSIFIER_OPTIONS = {
    "zipmap": [True, False, "columns"],
    "output_class_labels": [False, True],
    "nocl": [True, False],
}


def register_skl2onnx() -> None:
    """Let skl2onnx convert scikit-learn's ensembles of `MLPClassifier` and `MLPRegressor`.

    Needed for those only (voting, stacking, bagging, calibration). Estimators by themselves, in
    pipelines and in searches, are converted without it.

    Raises
    ------
    ImportError
        Without the package skl2onnx.

    Examples
    --------
    >>> from fastmlp import register_skl2onnx
    >>> from skl2onnx import to_onnx  # doctest: +SKIP
    >>> register_skl2onnx()  # doctest: +SKIP
    >>> to_onnx(voting_classifier, X[:1])  # doctest: +SKIP
    """
    for kind in (fastmlp.MLPClassifier, fastmlp.MLPRegressor):
        _register(kind)


def parser_of(estimator: Any) -> Callable[..., Any] | None:
    """Return what declares an estimator's outputs to skl2onnx, which asks by ``onnx_parser``.

    It asks before it looks for a converter, so the class is registered here, at its first use, and
    the rest is left to skl2onnx's own parser of classifiers and regressors, which knows their
    options.
    """
    from skl2onnx._supported_operators import sklearn_operator_name_map as registered

    if type(estimator) in registered:
        return None  # the usual way
    _register(type(estimator))

    def parse(scope: Any, inputs: Any) -> tuple[()]:
        from skl2onnx._parse import _parse_sklearn

        # It has declared an operator of an unknown kind, and returns the outputs of that one: they
        # become those of the operator that is declared in its place.
        _, unknown = scope.operators.popitem()
        list.extend(unknown.outputs, _parse_sklearn(scope, estimator, inputs))
        return ()

    return parse


def _register(kind: type) -> None:
    """Make one of the two classes, or a subclass, known to skl2onnx."""
    try:
        from skl2onnx import update_registered_converter
    except ImportError as error:
        raise ImportError(
            "register_skl2onnx needs the package skl2onnx: pip install skl2onnx"
        ) from error
    options = CLASSIFIER_OPTIONS if issubclass(kind, ClassifierMixin) else None
    update_registered_converter(kind, f"Fastmlp{kind.__name__}", _shape, _convert, options=options)


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
