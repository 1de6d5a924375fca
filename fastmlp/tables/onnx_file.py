"""Writes a table's networks as one ONNX graph, which other programs run without Python.

Its input is ``X``, float32 (n, n_inputs): the table as the encoder returns it. A classifier's
outputs are ``probabilities`` (n, n_classes), float32, and ``label``, the classes' names, (n,); a
regressor's is ``predictions`` (n,), float64, as targets may lie far from 0.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from sklearn.base import is_classifier

from fastmlp.estimators.outputs import layers_of
from fastmlp.export.onnx_graph import GraphFile
from fastmlp.export.onnx_nodes import add_both_classes, add_label, add_network, class_array
from fastmlp.tables.temperature import LOWEST


def to_onnx(model: Any, path: str | os.PathLike[str]) -> None:
    """Write the graph to `path`, whole or not at all; see the method of the same name."""
    if model.trees:
        raise ValueError("trees=True: trees are not written to ONNX; fit with trees=False for that")
    graph = GraphFile()
    outputs = [add_network(graph, layers_of(member)) for member in model.members_]
    if is_classifier(model):
        _add_probabilities(graph, model, outputs)
    else:
        _add_predictions(graph, model, outputs)
    graph.write(path, type(model).__name__, model.encoder_._n_outputs)


def _add_probabilities(graph: GraphFile, model: Any, outputs: list[str]) -> None:
    """Add what `temperature.joined` computes, and the label."""
    logs = []
    for value in outputs:
        value = add_both_classes(graph, value, model._n_network_outputs)
        logs.append(graph.add("Log", graph.add("Max", value, LOWEST)))
    z = graph.add("Mul", graph.add("Mean", *logs), 1 / model.temperature_)
    graph.add("Softmax", z, name="probabilities", axis=1)
    graph.declare("probabilities", graph.onnx.TensorProto.FLOAT, "n", len(model.classes_))
    classes = class_array(model.classes_)
    add_label(graph, "probabilities", classes, name="label")
    graph.declare_label(classes)


def _add_predictions(graph: GraphFile, model: Any, outputs: list[str]) -> None:
    kind = graph.onnx.TensorProto.DOUBLE
    mean, spread, low, high = (
        graph.constant(np.float64(x)) for x in (model._mean, model._spread, *model._range)
    )
    value = graph.add("Cast", graph.add("Mean", *outputs), to=kind)
    value = graph.add("Add", graph.add("Mul", value, spread), mean)
    value = graph.add("Squeeze", value, graph.constant(np.array([1])))
    graph.add("Clip", value, low, high, name="predictions")
    graph.declare("predictions", kind, "n")
