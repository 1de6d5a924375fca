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
from fastmlp.estimators.label_encoding import LabelEncoding
from fastmlp.estimators.onnx_graph import Graph


def to_onnx(estimator: Any, path: str | os.PathLike[str]) -> None:
    """Write the graph to `path`, whole or not at all; see the method of the same name."""
    graph = Graph()
    value = graph.add_network(estimator)
    n_outputs = np.shape(estimator.coefs_[-1])[1]  # lists may have been assigned
    if is_classifier(estimator):
        _add_classifier_outputs(graph, value, n_outputs, estimator._labels)
    else:
        graph.add("Identity", value, name="predictions")
        graph.declare("predictions", graph.onnx.TensorProto.FLOAT, "n", n_outputs)
    graph.write(path, type(estimator).__name__, by_hand.n_features(estimator))


def both_classes(graph: Graph, value: str, n_columns: int) -> str:
    """Return a probability for each class: a network's single output is the second class's."""
    if n_columns > 1:
        return value
    return graph.add("Concat", graph.add("Sub", 1.0, value), value, axis=1)


def _add_classifier_outputs(
    graph: Graph, value: str, n_columns: int, labels: LabelEncoding
) -> None:
    kinds = graph.onnx.TensorProto
    value = both_classes(graph, value, n_columns)
    graph.add("Identity", value, name="probabilities")
    graph.declare("probabilities", kinds.FLOAT, "n", max(n_columns, 2))
    if labels.is_multilabel:
        above = graph.add("Greater", "probabilities", 0.5)
        graph.add("Cast", above, name="label", to=kinds.INT64)
        graph.declare("label", kinds.INT64, "n", len(labels.classes))
        return
    graph.add_label("probabilities", labels.classes)
