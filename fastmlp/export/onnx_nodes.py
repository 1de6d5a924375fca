"""Adds networks, and what they predict, to a graph of ONNX, be it a file's or another library's."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from fastmlp.export.layers import Layers, entry
from fastmlp.reference import onnx_nodes


class Graph(onnx_nodes.Graph, Protocol):
    """A graph that constants can be added to, whose arithmetic is in one dtype.

    Attributes
    ----------
    dtype : type of NumPy scalars
        float32 or float64.
    """

    dtype: type[np.floating[Any]]

    def constant(self, values: Any) -> str:
        """Add an array; return its name."""


def add_network(graph: Graph, layers: Layers, x: str = "X") -> str:
    """Add a network's layers; return the name of the last one's activations.

    Raises
    ------
    ValueError
        If one of its activations has no form in ONNX.
    """
    value = x
    for w, b, function in zip(*layers, strict=True):
        nodes = entry(function).onnx
        if nodes is None:
            raise ValueError(
                f"the activation {function!r} has no form in ONNX: train with another one to write "
                "the network to such a file"
            )
        product = graph.add("MatMul", value, graph.constant(w.astype(graph.dtype)))
        value = nodes(graph, graph.add("Add", product, graph.constant(b.astype(graph.dtype))))
    return value


def add_both_classes(graph: Graph, value: str, n_columns: int) -> str:
    """Return a probability for each class: a network's single output is the second class's."""
    if n_columns > 1:
        return value
    return graph.add("Concat", graph.add("Sub", 1.0, value), value, axis=1)


def add_label(graph: Graph, probabilities: str, classes: Any, name: str = "") -> str:
    """Add the most probable class, the first of equal ones; `classes` is an array for ONNX."""
    best = graph.add("ArgMax", probabilities, axis=1, keepdims=0)
    if len(classes) == 1:
        best = graph.add("Mul", best, graph.constant(np.int64(0)))
    return graph.add("Gather", graph.constant(classes), best, name=name)


def class_array(classes: Any) -> Any:
    """Return the classes as an array of a type that ONNX has.

    Raises
    ------
    TypeError
        If classes are neither numbers nor strings.
    """
    if classes.dtype == np.uint64:
        return classes
    if classes.dtype.kind in "biu":
        return classes.astype(np.int64)
    if classes.dtype.kind == "f":
        return classes.astype(np.float64)
    if all(isinstance(name, str) for name in classes.tolist()):
        return classes.astype(object)
    raise TypeError(f"classes are {classes}: ONNX has numbers and strings only")
