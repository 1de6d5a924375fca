"""Writes an estimator as an ONNX graph, which other programs run without Python.

Its input is ``X``, float32 (n, n_features). The first output is ``probabilities`` (n, n_classes) or
``predictions`` (n, n_outputs), float32. A classifier's second output is ``label``: the classes'
names, (n,), or for multi-label targets 0 and 1, (n, n_classes).
"""

from __future__ import annotations

import os
from typing import Any

from sklearn.base import is_classifier

from fastmlp.estimators.label_encoding import LabelEncoding
from fastmlp.estimators.outputs import layers_of
from fastmlp.export.onnx_graph import GraphFile
from fastmlp.export.onnx_nodes import add_both_classes, add_label, add_network, class_array


def to_onnx(estimator: Any, path: str | os.PathLike[str]) -> None:
    """Write the graph to `path`, whole or not at all; see the method of the same name."""
    graph = GraphFile()
    layers = layers_of(estimator)
    value = add_network(graph, layers)
    if is_classifier(estimator):
        _add_classifier_outputs(graph, value, layers.n_outputs, estimator._labels)
    else:
        graph.add("Identity", value, name="predictions")
        graph.declare("predictions", graph.onnx.TensorProto.FLOAT, "n", layers.n_outputs)
    graph.write(path, type(estimator).__name__, layers.n_inputs)


def _add_classifier_outputs(
    graph: GraphFile, value: str, n_columns: int, labels: LabelEncoding
) -> None:
    kinds = graph.onnx.TensorProto
    value = add_both_classes(graph, value, n_columns)
    graph.add("Identity", value, name="probabilities")
    graph.declare("probabilities", kinds.FLOAT, "n", max(n_columns, 2))
    if labels.is_multilabel:
        above = graph.add("Greater", "probabilities", 0.5)
        graph.add("Cast", above, name="label", to=kinds.INT64)
        graph.declare("label", kinds.INT64, "n", len(labels.classes))
        return
    classes = class_array(labels.classes)
    add_label(graph, "probabilities", classes, name="label")
    graph.declare_label(classes)
