"""The methods that write an estimator for programs without Python."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from sklearn.base import is_classifier
from sklearn.utils.validation import check_is_fitted

from fastmlp.estimators import onnx_file
from fastmlp.estimators.outputs import layers_of
from fastmlp.estimators.skl2onnx_converter import parser_of
from fastmlp.export.c_file import write_c


class ExportMixin:
    """An estimator that can be written as ONNX, and as C."""

    def to_onnx(self, path: str | os.PathLike[str]) -> None:
        """Write the network as an ONNX graph, for programs without Python.

        It takes float32 features ``X``, (n, n_features), and returns ``probabilities`` (n,
        n_classes) and ``label``, or a regressor's ``predictions`` (n, n_outputs). Needs the package
        onnx: ``pip install 'fastmlp[onnx]'``.

        Parameters
        ----------
        path : path-like
            Replaced if it exists.

        Raises
        ------
        ImportError
            Without the package onnx.
        TypeError
            If class names are neither numbers nor strings.
        ValueError
            If an activation, such as one of your own, has no form in ONNX.
        OSError
            If the file can't be written.
        """
        check_is_fitted(self)
        onnx_file.to_onnx(self, path)

    def to_c(self, path: str | os.PathLike[str], dtype: str = "float32") -> None:
        """Write the network as one C99 file, for machines without Python, even very small ones.

        Its function ``void predict(const float *x, float *y)`` takes the features of a row and
        writes what `predict_proba` returns, in the order of `classes_`, or a regressor's n_outputs
        predictions. It needs nothing but ``math.h``, allocates no memory, and any number of threads
        can call it at once.

        Parameters
        ----------
        path : path-like
            Usually ``.c``. Replaced if it exists.
        dtype : {'float32', 'int8'}, default='float32'
            How weights are stored. Bytes, with a scale for each unit, take a quarter of the memory
            and make predictions slightly less precise. Arithmetic is in float32.

        Raises
        ------
        NotFittedError
            Before `fit`.
        TypeError, ValueError
            If `dtype` is anything else, a weight is not finite, or an activation, such as one of
            your own, has no form in C.
        OSError
            If the file can't be written.
        """
        check_is_fitted(self)
        layers = layers_of(self)
        has_classes = is_classifier(self)
        y = (
            "the probability of each class, in the order of classes_"
            if has_classes
            else "predicted"
        )
        about = f"{type(self).__name__} {layers}; y is {y}."
        write_c(layers, path, dtype, about, both_classes=has_classes and layers.n_outputs == 1)

    def onnx_parser(self) -> Callable[..., Any] | None:
        """Return the parser that skl2onnx asks for, which lets it convert pipelines with this
        estimator.

        Returns
        -------
        callable or None
            The parser, at the first conversion of this class in a process. skl2onnx calls it.
        """
        return parser_of(self)
