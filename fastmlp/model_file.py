"""A trained network in one .safetensors file: the weights, and text that says what they are.

The file holds w1..wL and b1..bL, so any safetensors reader opens it, and nothing is unpickled:
a model file from a stranger can't run code. Its metadata are strings, JSON where not plain text:

=============== ==========================================================
format          ``fastmlp``
format_version  ``1``
fastmlp_version the version that wrote the file
layer_sizes     ``[784, 64, 10]``: inputs, hidden layers, classes
dtype           ``float32`` or ``float64``, of the weights and the training
input_scale     what uint8 inputs are divided by, or ``null``
learning_rate   of further training
labels          ``[0, 1, ...]``: the label of each output, in order
=============== ==========================================================
"""

from __future__ import annotations

import json
import os
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from fastmlp import checks
from fastmlp.files import atomic_write

FORMAT, FORMAT_VERSION = "fastmlp", 1
MODEL_NAME = "model.safetensors"  # within the folder of a training run
SAFETENSORS_DTYPES = {"float32": "F32", "float64": "F64"}


class Model(NamedTuple):
    """What a file holds of a network."""

    weights: list[np.ndarray]
    biases: list[np.ndarray]
    learning_rate: float
    input_scale: float | None
    class_names: tuple[str, ...] | None = None

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
    OSError
        If the file can't be written.
    """
    from importlib.metadata import version

    from safetensors.numpy import save

    tensors = {f"w{i}": w for i, w in enumerate(model.weights, start=1)}
    tensors |= {f"b{i}": b for i, b in enumerate(model.biases, start=1)}
    metadata = {
        "format": FORMAT,
        "format_version": str(FORMAT_VERSION),
        "fastmlp_version": version("fastmlp"),
        "layer_sizes": json.dumps(model.layer_sizes),
        "dtype": model.weights[0].dtype.name,
        "input_scale": json.dumps(model.input_scale),
        "learning_rate": json.dumps(model.learning_rate),
        "labels": json.dumps(list(range(model.layer_sizes[-1]))),
    }
    with atomic_write(path) as stream:
        stream.write(save(tensors, metadata=metadata))


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
    from safetensors import SafetensorError, safe_open

    path = Path(path)
    file = path / MODEL_NAME if path.is_dir() else path
    if not file.is_file():
        raise FileNotFoundError(
            f"there is no model file {file}: give one that fastmlp train, or MLP.save, has written"
        )
    try:
        with safe_open(file, framework="numpy") as tensors:
            metadata = _read_metadata(tensors.metadata() or {}, file)
            _check_tensors(tensors, metadata, file)
            n_layers = len(metadata["layer_sizes"]) - 1
            weights = [tensors.get_tensor(f"w{i}") for i in range(1, n_layers + 1)]
            biases = [tensors.get_tensor(f"b{i}") for i in range(1, n_layers + 1)]
    except SafetensorError as error:
        raise ValueError(
            f"{file} is cut short or no .safetensors file ({error}): copy it anew, or train again"
        ) from error
    except OSError as error:
        raise OSError(f"can't read {file}: {error}; give a file that you may read") from error

    return Model(weights, biases, metadata["learning_rate"], metadata["input_scale"])


def _read_metadata(text: dict[str, str], file: Path) -> dict[str, Any]:
    """Return the metadata as values, checked one by one: the file may come from anywhere."""
    if text.get("format") != FORMAT:
        raise ValueError(
            f"{file} was not written by fastmlp: give a model of fastmlp train, or of MLP.save"
        )
    if text.get("format_version") != str(FORMAT_VERSION):
        raise ValueError(
            f"{file} has the format version {text.get('format_version')}, this fastmlp reads "
            f"{FORMAT_VERSION}: install the fastmlp that wrote it ({text.get('fastmlp_version')})"
        )
    try:
        metadata = {
            key: json.loads(text[key])
            for key in ("layer_sizes", "input_scale", "learning_rate", "labels")
        }
        sizes = metadata["layer_sizes"]
        input_scale = metadata["input_scale"]
        metadata["dtype"] = checks.as_dtype(text["dtype"])
        checks.as_layer_sizes(sizes[0], sizes[1:-1], sizes[-1])
        checks.as_positive(metadata["learning_rate"], "learning_rate")
        if input_scale is not None:
            checks.as_positive(input_scale, "input_scale")
        labels = metadata["labels"]
        if len(labels) != sizes[-1] or labels != list(range(len(labels))):
            raise ValueError(f"labels are {labels}, not 0..{sizes[-1] - 1}")
    except (KeyError, IndexError, TypeError, ValueError) as error:
        reason = f"no {error}" if isinstance(error, KeyError) else error
        raise ValueError(
            f"the metadata of {file} are damaged ({reason}): copy the file anew, or train again"
        ) from error
    return metadata


def _check_tensors(tensors: Any, metadata: dict[str, Any], file: Path) -> None:
    """Compare the arrays' names, shapes and dtypes with what the metadata promise."""
    sizes = metadata["layer_sizes"]
    promised = {}
    for i, (n_in, n_out) in enumerate(pairwise(sizes), start=1):
        promised[f"w{i}"] = [n_in, n_out]
        promised[f"b{i}"] = [1, n_out]
    found = {name: tensors.get_slice(name).get_shape() for name in tensors.keys()}  # noqa: SIM118
    kinds = {tensors.get_slice(name).get_dtype() for name in found}
    if found != promised or kinds != {SAFETENSORS_DTYPES[metadata["dtype"].name]}:
        shapes = ", ".join(f"{name} {shape}" for name, shape in sorted(found.items()))
        raise ValueError(
            f"{file} holds arrays ({shapes}; {', '.join(sorted(kinds))}) that do not fit its layer "
            f"sizes {sizes} in {metadata['dtype'].name}: copy the file anew, or train again"
        )
