"""A graph of ONNX: networks as its nodes, and the file."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from fastmlp.estimators import by_hand
from fastmlp.estimators.hyperparameters import hidden_activations
from fastmlp.estimators.outputs import parameters
from fastmlp.files import atomic_write
from fastmlp.reference import ACTIVATIONS, LOSSES, Activation, Loss
from fastmlp.reference.losses import loss_with_output

OPSET = 17  # of 2022, so every runtime supports it
IR_VERSION = 8


class Graph:
    """Nodes, constants and outputs; the input is ``X``. Names that nobody chose are numbered.

    Raises
    ------
    ImportError
        Without the package onnx.
    """

    def __init__(self) -> None:
        try:
            import onnx
        except ImportError as error:
            raise ImportError(
                "to_onnx needs the package onnx: pip install 'fastmlp[onnx]'"
            ) from error
        self.onnx: Any = onnx
        self._nodes: list[Any] = []
        self._constants: list[Any] = []
        self._outputs: list[Any] = []

    def constant(self, values: Any) -> str:
        """Add an array; return its name."""
        name = f"constant{len(self._constants)}"
        self._constants.append(self.onnx.numpy_helper.from_array(np.asarray(values), name))
        return name

    def add(self, kind: str, *inputs: str | float, name: str = "", **settings: Any) -> str:
        """Add a node with one output; return the output's name. Numbers become constants."""
        name = name or f"value{len(self._nodes)}"
        names = [x if isinstance(x, str) else self.constant(np.float32(x)) for x in inputs]
        self._nodes.append(self.onnx.helper.make_node(kind, names, [name], **settings))
        return name

    def declare(self, name: str, kind: int, *shape: str | int) -> None:
        """Make a value an output of the graph; `kind` is one of ``TensorProto.DataType``."""
        self._outputs.append(self.onnx.helper.make_tensor_value_info(name, kind, shape))

    def add_network(self, estimator: Any) -> str:
        """Add a fitted estimator's network; return the name of the last layer's activations."""
        weights, biases = parameters(estimator)
        names = [
            *hidden_activations(estimator, len(weights) - 1),
            by_hand.out_activation(estimator),
        ]
        value = "X"
        for w, b, name in zip(weights, biases, names, strict=True):
            product = self.add("MatMul", value, self.constant(w.astype(np.float32)))
            z = self.add("Add", product, self.constant(b.ravel().astype(np.float32)))
            value = _activation(self, name, z)
        return value

    def add_label(self, probabilities: str, classes: Any) -> None:
        """Add the output ``label``: the name of the most probable class, the first of equal ones.

        Raises
        ------
        TypeError
            If classes are neither numbers nor strings.
        """
        best = self.add("ArgMax", probabilities, axis=1, keepdims=0)
        if len(classes) == 1:
            best = self.add("Mul", best, self.constant(np.int64(0)))
        self.add("Gather", self.constant(_names(classes)), best, name="label")
        self.declare("label", self._constants[-1].data_type, "n")

    def write(self, path: str | os.PathLike[str], name: str, n_features: int) -> None:
        """Write the graph, whole or not at all."""
        helper = self.onnx.helper
        x = helper.make_tensor_value_info("X", self.onnx.TensorProto.FLOAT, ["n", n_features])
        made = helper.make_graph(self._nodes, name, [x], self._outputs, initializer=self._constants)
        opset = [helper.make_opsetid("", OPSET)]
        model = helper.make_model(
            made, producer_name="fastmlp", opset_imports=opset, ir_version=IR_VERSION
        )
        self.onnx.checker.check_model(model)
        with atomic_write(path) as stream:
            stream.write(model.SerializeToString())


def _activation(graph: Graph, name: str, z: str) -> str:
    loss = loss_with_output(name)
    entry: Activation | Loss = LOSSES[loss] if loss else ACTIVATIONS[name]
    if entry.onnx is None:
        raise ValueError(
            f"the activation {name!r} has no form in ONNX: train with another one to write the "
            "network to such a file"
        )
    return entry.onnx(graph, z)


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
