"""The methods that write a network for programs without Python."""

from __future__ import annotations

import os

import numpy as np

from fastmlp.export.c_file import write_c
from fastmlp.export.layers import Layers
from fastmlp.export.onnx_graph import GraphFile
from fastmlp.export.onnx_nodes import add_label, add_network
from fastmlp.network.prediction import Predictions
from fastmlp.network.targets import targets_of
from fastmlp.reference import LOSSES


class ExportMixin(Predictions):
    """A network that can be written as ONNX, and as C."""

    def to_onnx(self, path: str | os.PathLike[str]) -> None:
        """Write the network as an ONNX graph, for programs without Python.

        It takes float32 rows ``X``, (n, input_size), and returns float32 ``probabilities``, (n,
        output_size), and ``label``, which is what `predict` returns; if the loss has no
        probabilities, it returns ``predictions``, (n, output_size). It divides ``X`` by
        `input_scale`, so pixels go from 0 to 255. Needs the package onnx: ``pip install
        'fastmlp[onnx]'``.

        Parameters
        ----------
        path : str or Path
            Replaced if it exists.

        Raises
        ------
        ImportError
            Without the package onnx.
        TypeError, ValueError
            If an attribute has been assigned an invalid value, or an activation, such as one of
            your own, has no form in ONNX.
        OSError
            If the file can't be written.
        """
        graph, layers, loss = GraphFile(), self._layers(), self.problem.loss
        kinds, n_outputs = graph.onnx.TensorProto, layers.n_outputs
        value = add_network(graph, layers)
        has_probabilities = targets_of(loss, n_outputs).has_probabilities
        name = "probabilities" if has_probabilities else "predictions"
        graph.add("Identity", value, name=name)
        graph.declare(name, kinds.FLOAT, "n", n_outputs)
        if LOSSES[loss].targets == "labels":
            classes = np.arange(n_outputs)
            add_label(graph, name, classes, name="label")
            graph.declare_label(classes)
        elif has_probabilities:
            flags = graph.add("Cast", graph.add("Greater", name, 0.5), to=kinds.INT64)
            shape = [-1] if n_outputs == 1 else [-1, n_outputs]
            graph.add("Reshape", flags, graph.constant(np.array(shape)), name="label")
            graph.declare("label", kinds.INT64, "n", *shape[1:])
        graph.write(path, type(self).__name__, layers.n_inputs)

    def to_c(self, path: str | os.PathLike[str], dtype: str = "float32") -> None:
        """Write the network as one C99 file, for machines without Python, even very small ones.

        Its function ``void predict(const float *x, float *y)`` takes a row of input_size numbers
        and writes output_size numbers: the probabilities that `predict_proba` returns or, if the
        loss has none, what `predict` returns. It divides `x` by `input_scale`, so pixels go from 0
        to 255. It needs nothing but ``math.h``, allocates no memory, and any number of threads can
        call it at once.

        Parameters
        ----------
        path : str or Path
            Usually ``.c``. Replaced if it exists.
        dtype : {'float32', 'int8'}, default 'float32'
            How weights are stored. Bytes, with a scale for each unit, take a quarter of the memory
            and make predictions slightly less precise. Arithmetic is in float32.

        Raises
        ------
        TypeError, ValueError
            If `dtype` is anything else, an attribute has been assigned an invalid value, or an
            activation, such as one of your own, has no form in C.
        OSError
            If the file can't be written.

        Examples
        --------
        >>> from fastmlp import MLP
        >>> MLP(4, 3, 2, random_state=0).to_c("small.c", dtype="int8")
        """
        layers = self._layers()
        has_probabilities = targets_of(self.problem.loss, layers.n_outputs).has_probabilities
        y = "the probability of each output" if has_probabilities else "predicted"
        scale = self._check_scale()
        divided = f" It divides x by {scale:g}." if scale is not None else ""
        write_c(layers, path, dtype, f"{type(self).__name__} {layers}; y is {y}.{divided}")

    def _layers(self) -> Layers:
        problem, parameters = self.problem, self._check_parameters()
        hidden = problem.activations(len(parameters.weights))
        output = LOSSES[problem.loss].out_activation
        if output is None:
            raise ValueError(
                f"the loss {problem.loss!r} does not name its output's function: only networks of "
                "losses that do, as those of fastmlp, can be written to such a file"
            )
        return Layers.of(parameters, [*hidden, output], self._check_scale())
