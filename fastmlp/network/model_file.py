"""A trained network in one .safetensors file: the weights, and text that says what they are.

The file holds w1..wL and b1..bL, so any safetensors reader opens it, and nothing is unpickled:
a model file from a stranger can't run code. Its metadata are strings, JSON where not plain text:

=============== ==========================================================
format          ``fastmlp``
format_version  ``2``
fastmlp_version the version that wrote the file
layer_sizes     ``[784, 64, 10]``: inputs, hidden layers, classes
dtype           ``float32`` or ``float64``, of the weights and the training
input_scale     what uint8 inputs are divided by, or ``null``
learning_rate   of further training
labels          ``[0, 1, ...]``, or ``["cat", "dog"]``: the label of each
                output, in order
settings        ``{}``: what else there is to say, by name (`SETTINGS`)
feature_names   ``["age", "income"]``: of the inputs' columns, in order;
                left out where they have none
=============== ==========================================================

Version 1 had numbers for labels and no settings; it is still read. A setting that the reader does
not know may change what the network computes, so that the reader refuses the file. The same network
gives the same bytes.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from fastmlp import checks
from fastmlp.json_text import parse
from fastmlp.tensors import MALFORMED, check_version, named, read_tensors, reason, write_tensors
from fastmlp.version import __version__
from fastmlp.words import listed, shown

FORMAT, FORMAT_VERSION = "fastmlp", 2
VERSIONS = ("1", "2")  # that are read
DTYPES = ("float32", "float64")
MODEL_NAME = "model.safetensors"  # within the folder of a training run


def _as_classes(value: Any, n_classes: int) -> tuple[int, ...]:
    """Check a list of classes, each once, in order."""
    if not isinstance(value, list | tuple) or any(type(label) is not int for label in value):
        raise TypeError(f"{shown(value)} is no list of classes")
    if list(value) != sorted(set(value)) or not all(0 <= label < n_classes for label in value):
        raise ValueError(f"{shown(value)} are not classes in 0..{n_classes - 1}, in order")
    return tuple(value)


def _as_names(value: Any, n_classes: int) -> str | tuple[str, ...]:
    """Check a name, or a list of names."""
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        raise TypeError(f"{shown(value)} is no name, nor a list of names")
    return value if isinstance(value, str) else tuple(value)


def _as_name(value: Any, n_classes: int) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{shown(value)} is no name")
    return value


def _as_number(value: Any, n_classes: int) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{shown(value)} is no number")
    return float(value)


SETTINGS: dict[str, Callable[[Any, int], Any]] = {
    "untrained_classes": _as_classes,
    "activation": _as_names,
    "loss": _as_name,
    "optimizer": _as_name,
    "momentum": _as_number,
    "beta_1": _as_number,
    "beta_2": _as_number,
    "epsilon": _as_number,
    "dropout": _as_number,
}
"""Settings by name, each with a function that checks its type, given the number of classes.

untrained_classes : classes of which the training had no row.
activation, ..., dropout : of `fastmlp.problem.Problem`, where they are not its defaults.
"""


class Model(NamedTuple):
    """What a file holds of a network."""

    weights: list[np.ndarray]
    biases: list[np.ndarray]
    learning_rate: float
    input_scale: float | None
    class_names: tuple[str, ...] | None = None
    settings: Mapping[str, Any] = MappingProxyType({})
    feature_names: tuple[str, ...] | None = None

    @property
    def layer_sizes(self) -> list[int]:
        """All sizes, input first, output last."""
        return [len(self.weights[0]), *(w.shape[1] for w in self.weights)]


def write_model(model: Model, path: str | os.PathLike[str]) -> None:
    """Write `model` to `path`, whole or not at all.

    Parameters
    ----------
    model : Model
        Its weights and biases are of one dtype and C-contiguous: safetensors writes an array's
        memory as it lies, so that one in Fortran's order would be read wrongly.
    path : path-like
        The file, by custom ending in ``.safetensors``; replaced if it exists.

    Raises
    ------
    ValueError
        If names or settings are none that `read_model` would take, or the scale none to divide by.
    OSError
        If the file can't be written.
    """

    n_classes = model.layer_sizes[-1]
    labels = list(range(n_classes) if model.class_names is None else model.class_names)
    _check_labels(labels, n_classes)
    settings = {name: model.settings[name] for name in sorted(model.settings)}
    if len(_known_settings(settings, n_classes)) < len(settings):
        raise ValueError(
            f"settings are {shown(settings)}: give those that are known, {list(SETTINGS)}"
        )
    checks.as_input_scale(model.input_scale, model.weights[0].dtype)
    metadata = {
        "format": FORMAT,
        "format_version": str(FORMAT_VERSION),
        "fastmlp_version": __version__,
        "layer_sizes": json.dumps(model.layer_sizes),
        "dtype": model.weights[0].dtype.name,
        "input_scale": json.dumps(model.input_scale),
        "learning_rate": json.dumps(model.learning_rate),
        "labels": json.dumps(labels),
        "settings": json.dumps(settings),
    }
    features = checks.as_feature_names(model.feature_names, model.layer_sizes[0])
    if features is not None:
        metadata["feature_names"] = json.dumps(features)
    write_tensors(path, model.weights, model.biases, metadata)


def read_model(path: str | os.PathLike[str]) -> Model:
    """Read what `write_model` wrote.

    Parameters
    ----------
    path : path-like
        The file, or the folder of a training run, which holds ``model.safetensors``.

    Returns
    -------
    Model

    Raises
    ------
    FileNotFoundError, OSError
        If there is no such file, or it can't be read.
    ValueError
        If the file is cut short, is no model of fastmlp, or its parts don't fit together.
    """
    path = Path(path)
    file = path / MODEL_NAME if path.is_dir() else path
    if not file.is_file():
        raise FileNotFoundError(
            f"there is no model file {file}: give one that fastmlp train, or MLP.save, has written"
        )
    text, tensors = read_tensors(file)
    metadata = _read_metadata(text, file)
    _check_tensors(tensors, metadata, file)
    layers = range(1, len(metadata["layer_sizes"]))
    weights = [tensors[f"w{i}"] for i in layers]
    biases = [tensors[f"b{i}"] for i in layers]
    return Model(
        weights,
        biases,
        metadata["learning_rate"],
        metadata["input_scale"],
        metadata["class_names"],
        metadata["settings"],
        metadata["feature_names"],
    )


def _read_metadata(text: dict[str, str], file: Path) -> dict[str, Any]:
    """Return the metadata as values, checked one by one: the file may come from anywhere."""
    if text.get("format") != FORMAT:
        raise ValueError(
            f"{file} was not written by fastmlp: give a model of fastmlp train, or of MLP.save"
        )
    check_version(text, file, VERSIONS)
    try:
        metadata = {
            key: parse(text[key])
            for key in ("layer_sizes", "input_scale", "learning_rate", "labels")
        }
        sizes = metadata["layer_sizes"]
        input_scale = metadata["input_scale"]
        # No other spelling: NumPy makes a type out of almost any text.
        metadata["dtype"] = np.dtype(checks.as_name(text["dtype"], "dtype", DTYPES))
        checks.as_layer_sizes(sizes[0], sizes[1:-1], sizes[-1])
        checks.as_positive(metadata["learning_rate"], "learning_rate")
        if input_scale is not None:
            checks.as_positive(input_scale, "input_scale")
            checks.as_input_scale(input_scale, metadata["dtype"])
        labels = metadata["labels"]
        _check_labels(labels, sizes[-1])
        metadata["class_names"] = tuple(labels) if isinstance(labels[0], str) else None
        features = parse(text.get("feature_names", "null"))
        metadata["feature_names"] = checks.as_feature_names(features, sizes[0])
        settings = parse(text.get("settings", "{}"))
        metadata["settings"] = _known_settings(settings, sizes[-1])
    except MALFORMED as error:
        raise ValueError(
            f"the metadata of {file} are damaged ({reason(error)}): copy the file anew, or train "
            "again"
        ) from error
    if unknown := sorted(set(settings) - set(SETTINGS)):
        raise ValueError(
            f"{file} has the setting {shown(unknown[0])}, which this fastmlp does not know: "
            f"install the fastmlp that wrote it ({named(text, 'fastmlp_version')}), or a later one"
        )
    return metadata


def _check_labels(labels: Any, n_classes: int) -> None:
    """Raise ValueError unless labels are 0, 1, ... or as many names, all of them different."""
    if not isinstance(labels, list) or len(labels) != n_classes:
        raise ValueError(f"labels are {shown(labels)}, not one for each of {n_classes} classes")
    if labels == list(range(n_classes)):
        return
    if not all(isinstance(label, str) for label in labels) or len(set(labels)) < n_classes:
        raise ValueError(f"labels are {shown(labels)}, not 0..{n_classes - 1}, nor different names")


def _known_settings(settings: Any, n_classes: int) -> dict[str, Any]:
    """Return the settings that are known, with their values checked."""
    if not isinstance(settings, dict):
        raise TypeError(f"settings are {shown(settings)}, no names with values")
    return {
        name: check(settings[name], n_classes)
        for name, check in SETTINGS.items()
        if name in settings
    }


def _check_tensors(tensors: Mapping[str, np.ndarray], metadata: dict[str, Any], file: Path) -> None:
    """Compare the arrays' names, shapes and dtypes with what the metadata promise."""
    sizes, dtype = metadata["layer_sizes"], metadata["dtype"].name
    promised = {}
    for i, (n_in, n_out) in enumerate(pairwise(sizes), start=1):
        promised[f"w{i}"] = (n_in, n_out)
        promised[f"b{i}"] = (1, n_out)
    found = {name: tensor.shape for name, tensor in tensors.items()}
    kinds = {tensor.dtype.name for tensor in tensors.values()}
    if found != promised or kinds != {dtype}:
        shapes = listed(f"{name} {list(shape)}" for name, shape in sorted(found.items()))
        raise ValueError(
            f"{file} holds arrays ({shapes}; {listed(sorted(kinds))}) that do not fit its layer "
            f"sizes {shown(sizes)} in {dtype}: copy the file anew, or train again"
        )
