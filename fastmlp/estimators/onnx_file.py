"""Writes an estimator as an ONNX graph, which other programs run without Python.

Its input is ``X``, float32 (n, n_features). The first output is ``probabilities`` (n, n_classes) or
``predictions`` (n, n_outputs), float32. A classifier's second output is ``label``: the classes'
names, (n,), or for multi-label targets 0 and 1, (n, n_classes).
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from sklearn.base import is_classifier

from fastmlp.estimators import by_hand
from fastmlp.estimators.hyperparameters import hidden_activations
from fastmlp.estimators.label_encoding import LabelEncoding
from fastmlp.estimators.outputs import parameters
from fastmlp.files import atomic_write
from fastmlp.reference import ACTIVATIONS, LOSSES, Activation, Loss
from fastmlp.reference.losses import loss_with_output

OPSET = 17  # of 2022, so every runtime supports it
IR_VERSION = 8


def to_onnx(estimator: Any, path: str | os.PathLike[str]) -> None:
    """Write the graph to `path`, whole or not at all; see the method of the same name."""
    try:
        import onnx
    except ImportError as error:
        raise ImportError("to_onnx needs the package onnx: pip install 'fastmlp[onnx]'") from error
    graph = _Graph(onnx)
    weights, biases = parameters(estimator)
    names = [*hidden_activations(estimator, len(weights) - 1), by_hand.out_activation(estimator)]
    value = "X"
    for w, b, name in zip(weights, biases, names, strict=True):
        product = graph.add("MatMul", value, graph.constant(w.astype(np.float32)))
        z = graph.add("Add", product, graph.constant(b.ravel().astype(np.float32)))
        value = _activation(graph, name, z)
    if is_classifier(estimator):
        _add_classifier_outputs(graph, value, weights[-1].shape[1], estimator._labels)
    else:
        graph.add("Identity", value, name="predictions")
        graph.declare("predictions", onnx.TensorProto.FLOAT, "n", weights[-1].shape[1])
    helper = onnx.helper
    x = helper.make_tensor_value_info("X", onnx.TensorProto.FLOAT, ["n", len(weights[0])])
    made = helper.make_graph(
        graph.nodes, type(estimator).__name__, [x], graph.outputs, initializer=graph.constants
    )
    opset = [helper.make_opsetid("", OPSET)]
    model = helper.make_model(
        made, producer_name="fastmlp", opset_imports=opset, ir_version=IR_VERSION
    )
    onnx.checker.check_model(model)
    with atomic_write(path) as stream:
        stream.write(model.SerializeToString())


class _Graph:
    """Nodes, constants and outputs. Names that nobody chose are numbered."""

    def __init__(self, onnx: Any) -> None:
        self.onnx = onnx
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.outputs: list[Any] = []

    def constant(self, values: Any) -> str:
        """Add an array; return its name."""
        name = f"constant{len(self.constants)}"
        self.constants.append(self.onnx.numpy_helper.from_array(np.asarray(values), name))
        return name

    def add(self, kind: str, *inputs: str | float, name: str = "", **settings: Any) -> str:
        """Add a node with one output; return the output's name. Numbers become constants."""
        name = name or f"value{len(self.nodes)}"
        names = [x if isinstance(x, str) else self.constant(np.float32(x)) for x in inputs]
        self.nodes.append(self.onnx.helper.make_node(kind, names, [name], **settings))
        return name

    def declare(self, name: str, kind: int, *shape: str | int) -> None:
        """Make a value an output of the graph; `kind` is one of ``TensorProto.DataType``."""
        self.outputs.append(self.onnx.helper.make_tensor_value_info(name, kind, shape))


def _activation(graph: _Graph, name: str, z: str) -> str:
    loss = loss_with_output(name)
    entry: Activation | Loss = LOSSES[loss] if loss else ACTIVATIONS[name]
    if entry.onnx is None:
        raise ValueError(
            f"the activation {name!r} has no form in ONNX: train with another one to write the "
            "network to such a file"
        )
    return entry.onnx(graph, z)


def _add_classifier_outputs(
    graph: _Graph, value: str, n_columns: int, labels: LabelEncoding
) -> None:
    kinds, classes = graph.onnx.TensorProto, labels.classes
    if n_columns == 1:
        other = graph.add("Sub", 1.0, value)
        value, n_columns = graph.add("Concat", other, value, axis=1), 2
    graph.add("Identity", value, name="probabilities")
    graph.declare("probabilities", kinds.FLOAT, "n", n_columns)
    if labels.is_multilabel:
        above = graph.add("Greater", "probabilities", 0.5)
        graph.add("Cast", above, name="label", to=kinds.INT64)
        graph.declare("label", kinds.INT64, "n", len(classes))
        return
    # Of equal probabilities the first one counts, as in predict.
    best = graph.add("ArgMax", "probabilities", axis=1, keepdims=0)
    if len(classes) == 1:
        best = graph.add("Mul", best, graph.constant(np.int64(0)))
    graph.add("Gather", graph.constant(_names(classes)), best, name="label")
    graph.declare("label", graph.constants[-1].data_type, "n")


def _names(classes: Any) -> Any:
    """Return the classes as an array of a type that ONNX has."""
    if classes.dtype == np.uint64:
        return classes
    if classes.dtype.kind in "biu":
        return classes.astype(np.int64)
    if classes.dtype.kind == "f":
        return classes.astype(np.float64)
    if all(isinstance(name, str) for name in classes.tolist()):
        return classes.astype(object)
    raise TypeError(f"classes are {classes}: ONNX has numbers and strings only")
