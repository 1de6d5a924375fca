"""Writes a table's estimator to one .safetensors file: networks, encoder, settings.

The arrays are the networks' weights and biases, one network's after the other's, as w1, w2, ... and
b1, b2, ..., and those that the class adds. In addition to those of all model files (see
`fastmlp.tensors`), the metadata are:

=============== ==========================================================
format          ``fastmlp-table``
format_version  ``1``
estimator       ``TableClassifier`` or ``TableRegressor``
parameters      what ``get_params`` returns
n_features      columns of the table
names           their names, or ``null``
columns         how each of them is encoded
means           the columns of text whose levels have mean targets, too
n_members       networks
has_trees       for each network, whether there are trees beside it
fitted          numbers that the class needs to make predictions of outputs
classes         of a classifier: ``{"type": ..., "values": ...}``
=============== ==========================================================
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from fastmlp.estimators.restored import as_feature_names
from fastmlp.estimators.storage import loaded, settings_from, settings_of
from fastmlp.json_text import parse
from fastmlp.parameters import Parameters
from fastmlp.tables.curves import TableHistory
from fastmlp.tables.forest import DTYPES, Forest
from fastmlp.tables.onnx_file import to_onnx
from fastmlp.tables.plain import plain
from fastmlp.tables.recipe import SETTINGS
from fastmlp.tables.written import columns_to_json, encoder_from_json
from fastmlp.tensors import Format

Array = NDArray[Any]
FORMAT = Format("fastmlp-table", ("1",), "file", "holds no estimator of tables")
N_LAYERS = len(SETTINGS["hidden_layer_sizes"]) + 1


class TableFileMixin:
    """The methods that write a table's estimator to a file, and read it."""

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write networks, encoder and settings to one .safetensors file.

        Nothing in it is a pickle. `history_`, `oof_predictions_` and `oof_score_` are left out.

        Parameters
        ----------
        path : path-like
            Replaced if it exists.

        Raises
        ------
        NotFittedError
            Before `fit`.
        TypeError, ValueError
            If a file can't hold the class names.
        OSError
            If the file can't be written.
        """
        check_is_fitted(self)
        estimator: Any = self
        weights = [w for member in estimator.members_ for w in member.coefs_]
        biases = [b for member in estimator.members_ for b in member.intercepts_]
        encoder = estimator.encoder_
        names = getattr(encoder, "feature_names_in_", None)
        fitted, more = estimator._to_file()
        has_trees = [] if not estimator.trees else [one is not None for one in estimator.trees_]
        for i, trees in enumerate(estimator.trees_ if estimator.trees else ()):
            if trees is not None:
                forest = Forest.of(trees)
                more |= {f"trees{i}_{name}": a for name, a in forest.arrays().items() if a.size}
        metadata = {
            "estimator": type(self).__name__,
            "parameters": settings_of(self),
            "n_features": encoder.n_features_in_,
            "names": None if names is None else list(names),
            "columns": columns_to_json(encoder._columns),
            "means": columns_to_json(encoder._means),
            "n_members": len(estimator.members_),
            "has_trees": has_trees,
            **fitted,
        }
        FORMAT.write(path, Parameters(weights, biases), metadata, more)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Return an estimator that `save` wrote.

        The file's content is checked. A larger `n_threads` than this machine has cores is reduced
        to that.

        Parameters
        ----------
        path : path-like

        Returns
        -------
        object
            The fitted estimator.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        ValueError
            If it is damaged, or does not hold an estimator of this class.
        """
        estimator: Self = loaded(cls, path, FORMAT, _restored)
        return estimator

    def to_onnx(self, path: str | os.PathLike[str]) -> None:
        """Write the networks as one ONNX graph, for programs without Python.

        It takes the encoded table, float32 ``X`` of shape (n, n_inputs), as `encoder_.transform`
        returns it; the encoding remains in Python. It returns float32 ``probabilities`` (n,
        n_classes) and ``label``, or a regressor's float64 ``predictions`` (n,). They agree with
        `predict` and `predict_proba` to about five digits; with two classes, to three if a network
        is almost certain. Needs the package onnx: ``pip install 'fastmlp[onnx]'``.

        Parameters
        ----------
        path : path-like
            Replaced if it exists.

        Raises
        ------
        NotFittedError
            Before `fit`.
        ImportError
            Without the package onnx.
        TypeError
            If class names are neither numbers nor strings.
        ValueError
            With ``trees=True``: trees are not written to such files.
        OSError
            If the file can't be written.
        """
        check_is_fitted(self)
        to_onnx(self, path)


def _restored(kind: Any, text: dict[str, str], arrays: dict[str, Array]) -> Any:
    """Return an estimator of this class as a file's metadata and arrays have it."""
    estimator = kind(**settings_from(parse(text["parameters"])))
    estimator._validate_params()
    if estimator.n_threads is not None:
        estimator.n_threads = min(int(estimator.n_threads), os.cpu_count() or 1)
    n_features = _count(text, "n_features")
    names = as_feature_names(parse(text["names"]), n_features)
    settings = {"categorical_features": estimator.categorical_features}
    columns, means = parse(text["columns"]), parse(text["means"])
    encoder = encoder_from_json(
        settings, columns, means, n_features, None if names is None else [*names]
    )
    for owner in (estimator, encoder):
        owner.n_features_in_ = n_features
        if names is not None:
            owner.feature_names_in_ = np.array(names, object)
    estimator.encoder_ = encoder
    n_members = _count(text, "n_members")
    estimator._from_file(text, arrays)
    hidden = list(SETTINGS["hidden_layer_sizes"])
    sizes = [encoder._n_outputs, *hidden, estimator._n_network_outputs]
    estimator.trees_ = _trees(estimator, parse(text["has_trees"]), n_members, arrays)
    if not estimator.trees:
        del estimator.trees_
    estimator.members_ = []
    for first in range(1, n_members * N_LAYERS + 1, N_LAYERS):
        member = estimator._member()
        member.set_params(**SETTINGS, n_threads=estimator.n_threads)
        layers = range(first, first + N_LAYERS)
        member.coefs_ = [_array(arrays, f"w{i}", sizes[i - first : i - first + 2]) for i in layers]
        member.intercepts_ = [_array(arrays, f"b{i}", [sizes[i - first + 1]]) for i in layers]
        estimator._complete(member)
        estimator.members_.append(member)
    if arrays:
        raise ValueError(f"the array {min(arrays)} has no place")
    estimator.history_ = TableHistory()
    return estimator


def _trees(
    estimator: Any, has_trees: Any, n_members: int, arrays: dict[str, Array]
) -> list[Forest | None]:
    """Take the trees out of the arrays of a file."""
    if len(has_trees) != (n_members if estimator.trees else 0):
        raise ValueError("there are other trees than networks")
    n_classes = len(getattr(estimator, "classes_", ()))
    encoder = estimator.encoder_
    n_features = plain(encoder, np.zeros((1, encoder._n_outputs), np.float32)).shape[1]

    def taker(place: int) -> Callable[[str], Array]:
        # A .safetensors file has no arrays without elements.
        return lambda name: arrays.pop(f"trees{place}_{name}", np.empty(0, DTYPES[name]))

    return [
        Forest.from_file(taker(i), n_features, n_classes) if has else None
        for i, has in enumerate(has_trees)
    ]


def _count(text: dict[str, str], name: str) -> int:
    value = parse(text[name])
    if type(value) is not int or value < 1:
        raise ValueError(f"{name} is no count")
    return value


def _array(arrays: dict[str, Array], name: str, shape: list[int]) -> Array:
    """Take an array of this shape, of finite float32, out of those of the file."""
    array = arrays.pop(name)
    if list(array.shape) != shape or array.dtype != np.float32 or not np.isfinite(array).all():
        raise ValueError(f"the array {name} is not finite float32 of shape {shape}")
    return array
