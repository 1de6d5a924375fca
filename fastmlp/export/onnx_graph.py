"""A graph of ONNX that becomes a file."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from fastmlp.files import atomic_write

OPSET = 17  # of 2022, so every runtime supports it
IR_VERSION = 8


class GraphFile:
    """Nodes, constants and outputs; the input is ``X``. Names that nobody chose are numbered.

    Raises
    ------
    ImportError
        Without the package onnx.
    """

    dtype = np.float32

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
        names = [x if isinstance(x, str) else self.constant(self.dtype(x)) for x in inputs]
        self._nodes.append(self.onnx.helper.make_node(kind, names, [name], **settings))
        return name

    def declare(self, name: str, kind: int, *shape: str | int) -> None:
        """Make a value an output of the graph; `kind` is one of ``TensorProto.DataType``."""
        self._outputs.append(self.onnx.helper.make_tensor_value_info(name, kind, shape))

    def declare_label(self, classes: Any) -> None:
        """Make ``label`` an output, of these classes."""
        kind = self.onnx.helper.np_dtype_to_tensor_dtype(classes.dtype)
        self.declare("label", kind, "n")

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
