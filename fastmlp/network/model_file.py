"""Writes a trained network to one .safetensors file: weights, and metadata that describe them.

In addition to those of all model files (see `fastmlp.tensors`), the metadata are:

=============== ==========================================================
format          ``fastmlp``
format_version  ``2``
layer_sizes     ``[784, 64, 10]``: inputs, hidden layers, classes
dtype           ``float32`` or ``float64``, of the weights and the training
input_scale     divides uint8 inputs, or ``null``
learning_rate   of further training
labels          ``[0, 1, ...]``, or ``["cat", "dog"]``: the label of each
                output, in order
settings        ``{}``: those of `fastmlp.problem.Problem` that are not its
                defaults, and ``untrained_classes``: classes without a row
                in the training
feature_names   ``["age", "income"]``: of the inputs' columns, in order;
                left out if they have none
=============== ==========================================================

Version 1 had no settings, and its labels were only 0, 1, ...; it is still read. A setting that the
reader does not know may change what the network computes, so the reader refuses the file.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from fastmlp import checks
from fastmlp.json_text import as_members, parse
from fastmlp.parameters import Parameters
from fastmlp.problem import SETTINGS
from fastmlp.tensors import DTYPES, Format, named, parameters_of, refusing_damage
from fastmlp.words import shown

FORMAT = Format("fastmlp", ("1", "2"), "model file", "was not written by fastmlp")
MODEL_NAME = "model.safetensors"  # within the folder of a training run
UNTRAINED = "untrained_classes"


class Model(NamedTuple):
    """What a file holds of a network."""

    parameters: Parameters  # C-contiguous; biases have the shape (1, n_out)
    learning_rate: float
    input_scale: float | None
    class_names: tuple[str, ...] | None = None
    settings: Mapping[str, Any] = MappingProxyType({})
    feature_names: tuple[str, ...] | None = None


def write_model(model: Model, path: str | os.PathLike[str]) -> None:
    """Write `model` to `path`, whole or not at all.

    Parameters
    ----------
    model : Model
    path : path-like
        The file, by custom ending in ``.safetensors``; replaced if it exists.

    Raises
    ------
    ValueError
        If `read_model` would refuse the names or settings, or the dtype can't hold the scale.
    OSError
        If the file can't be written.
    """

    sizes, dtype = model.parameters.layer_sizes, model.parameters.dtype
    n_classes = sizes[-1]
    labels = list(range(n_classes) if model.class_names is None else model.class_names)
    _check_labels(labels, n_classes)
    settings = {name: model.settings[name] for name in sorted(model.settings)}
    if _known_settings(settings, n_classes)[1]:
        known = [UNTRAINED, *SETTINGS]
        raise ValueError(f"settings are {shown(settings)}: give those that are known, {known}")
    checks.as_input_scale(model.input_scale, dtype)
    metadata: dict[str, Any] = {
        "layer_sizes": sizes,
        "dtype": dtype.name,
        "input_scale": model.input_scale,
        "learning_rate": model.learning_rate,
        "labels": labels,
        "settings": settings,
    }
    features = checks.as_feature_names(model.feature_names, sizes[0])
    if features is not None:
        metadata["feature_names"] = features
    FORMAT.write(path, model.parameters, metadata)


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
        If the file is cut short, not a model of fastmlp, or its parts don't fit together.
    """
    path = Path(path)
    file = path / MODEL_NAME if path.is_dir() else path
    text, arrays = FORMAT.read(file, "fastmlp train, or MLP.save,")
    with refusing_damage(f"the metadata of {file} are"):  # the file is not trusted
        sizes, scale, rate, labels = (
            parse(text[key]) for key in ("layer_sizes", "input_scale", "learning_rate", "labels")
        )
        # Not np.dtype, which would accept almost any text.
        dtype = checks.as_name(text["dtype"], "dtype", DTYPES)
        checks.as_layer_sizes(sizes[0], sizes[1:-1], sizes[-1])
        checks.as_positive(rate, "learning_rate")
        if scale is not None:
            checks.as_positive(scale, "input_scale")
            checks.as_input_scale(scale, np.dtype(dtype))
        _check_labels(labels, sizes[-1])
        names = tuple(labels) if isinstance(labels[0], str) else None
        features = checks.as_feature_names(parse(text.get("feature_names", "null")), sizes[0])
        known, unknown = _known_settings(parse(text.get("settings", "{}")), sizes[-1])
    if unknown:
        raise ValueError(
            f"{file} has the setting {shown(unknown[0])}, which this fastmlp does not know: "
            f"install the fastmlp that wrote it ({named(text, 'fastmlp_version')}), or a later one"
        )
    with refusing_damage(f"{file} is"):
        parameters = parameters_of(arrays, sizes, dtype, 1)
    return Model(parameters, rate, scale, names, known, features)


def _check_labels(labels: Any, n_classes: int) -> None:
    """Raise ValueError unless labels are 0, 1, ... or as many names, all of them different."""
    if not isinstance(labels, list) or len(labels) != n_classes:
        raise ValueError(f"labels are {shown(labels)}, not one for each of {n_classes} classes")
    if labels == list(range(n_classes)):
        return
    if not all(isinstance(label, str) for label in labels) or len(set(labels)) < n_classes:
        raise ValueError(f"labels are {shown(labels)}, not 0..{n_classes - 1}, nor different names")


def _known_settings(settings: Any, n_classes: int) -> tuple[dict[str, Any], list[str]]:
    """Return the settings that are known, with values of the right types, and the other names."""

    def as_classes(value: Any) -> tuple[int, ...]:
        is_list = isinstance(value, list | tuple) and all(type(label) is int for label in value)
        if not is_list or list(value) != sorted(set(value) & set(range(n_classes))):
            raise ValueError(f"not classes in 0..{n_classes - 1}, in order")
        return tuple(value)

    known = {name: setting.from_json for name, setting in SETTINGS.items()}
    return as_members(settings, {UNTRAINED: as_classes, **known}, "settings")
