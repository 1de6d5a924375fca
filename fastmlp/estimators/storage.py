"""An estimator in one .safetensors file: weights, settings and what the fit has found.

The file holds w1..wL and b1..bL; nothing is unpickled, so that a file from a stranger can't run
code. Its metadata are strings, all but the first three of them JSON:

=============== ==========================================================
format          ``fastmlp-estimator``
format_version  ``1``
estimator       ``MLPClassifier`` or ``MLPRegressor``
fastmlp_version the version that wrote the file
parameters      what ``get_params`` returns, but for `LEFT_OUT`
fitted          attributes: ``n_iter_``, ``loss_curve_`` and the like
classes         of a classifier: ``{"type": ..., "values": ...}``
names           the features' names, or ``null``
learning_rate   of the next step, where 'adaptive' has let it fall
=============== ==========================================================

The optimiser's arrays are not in it: `partial_fit` begins with fresh ones, at that rate.
"""

from __future__ import annotations

import json
import math
import os
import warnings
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import is_classifier
from sklearn.utils.validation import check_is_fitted

from fastmlp import __version__
from fastmlp.estimators import by_hand
from fastmlp.estimators.class_names import decode_array, encode_array
from fastmlp.estimators.labels import Labels
from fastmlp.estimators.onnx_file import to_onnx
from fastmlp.estimators.outputs import parameters
from fastmlp.estimators.parameters import problem_of
from fastmlp.estimators.stochastic import OptimizerState
from fastmlp.files import atomic_write
from fastmlp.history import History
from fastmlp.model_file import in_order
from fastmlp.tensors import read_tensors

FORMAT, FORMAT_VERSION = "fastmlp-estimator", "1"
LEFT_OUT = ("callbacks",)
FITTED = (
    "n_iter_", "t_", "loss_", "best_loss_", "loss_curve_", "validation_loss_curve_",
    "validation_scores_", "best_validation_score_", "n_features_in_", "n_layers_", "n_outputs_",
    "out_activation_", "_no_improvement_count",
)  # fmt: skip


class FileMixin:
    """The methods that write an estimator to a file, and read it."""

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write weights, settings and what the fit has found to one .safetensors file.

        Nothing in it is a pickle. Callbacks, the optimiser's state and `history_` are left out;
        a learning rate that has fallen is kept.

        Parameters
        ----------
        path : path-like
            Replaced if it exists.

        Raises
        ------
        TypeError, ValueError
            If class names or weights are such that a file can't hold them.
        OSError
            If the file can't be written.
        """
        check_is_fitted(self)
        save(self, path)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Return an estimator that `save` wrote.

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
            If it is damaged, or holds something else.
        """
        loaded: Self = load(cls, path)
        return loaded

    def to_onnx(self, path: str | os.PathLike[str]) -> None:
        """Write the network as an ONNX graph, for programs without Python.

        It takes float32 features ``X``, (n, n_features), and gives ``probabilities``
        (n, n_classes) with ``label`` beside them, or a regressor's ``predictions``
        (n, n_outputs). Needs the package onnx: ``pip install 'fastmlp[onnx]'``.

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
            If an activation, as one of your own, has no form in ONNX.
        OSError
            If the file can't be written.
        """
        check_is_fitted(self)
        to_onnx(self, path)


def save(estimator: Any, path: str | os.PathLike[str]) -> None:
    """Write a fitted estimator to `path`, whole or not at all.

    Raises
    ------
    TypeError
        If class names are of a type that the file can't hold.
    ValueError
        If weights, which the user may have assigned, don't fit together or are not finite.
    OSError
        If the file can't be written.
    """
    from safetensors.numpy import save as as_bytes

    weights, biases = parameters(estimator)
    problem_of(estimator, "identity")  # raises for an activation that nobody could predict with
    if not all(np.isfinite(a).all() for a in (*weights, *biases)):
        raise ValueError("coefs_ or intercepts_ hold NaN or infinity: fit anew, then save")
    tensors = {f"w{i}": w for i, w in enumerate(weights, 1)}
    tensors |= {f"b{i}": b.ravel() for i, b in enumerate(biases, 1)}
    fitted = {name: getattr(estimator, name) for name in FITTED if hasattr(estimator, name)}
    fitted |= by_hand.fitted(estimator, [weights[0].shape[0], *(w.shape[1] for w in weights)])
    names = getattr(estimator, "feature_names_in_", None)
    metadata = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "estimator": type(estimator).__name__,
        "fastmlp_version": __version__,
        "parameters": json.dumps(_parameters(estimator)),
        "fitted": json.dumps(fitted, default=_plain),
        "names": json.dumps(None if names is None else names.tolist()),
    }
    state = getattr(estimator, "_optimizer_state", None)
    if state is not None and state.rate < state.initial_rate == estimator.learning_rate_init:
        metadata["learning_rate"] = json.dumps(state.rate)
    if is_classifier(estimator):
        classes = encode_array(estimator._labels.classes)
        metadata["classes"] = json.dumps(
            {
                **classes,
                "is_multilabel": estimator._labels.is_multilabel,
                "is_sparse": estimator._labels.is_sparse,
            }
        )
    content = in_order(as_bytes(tensors, metadata=metadata))
    with atomic_write(path) as stream:
        stream.write(content)


def _parameters(estimator: Any) -> dict[str, Any]:
    """Return the settings that JSON can hold; warn of others that are not the defaults."""
    defaults = type(estimator)().get_params(deep=False)
    kept, lost = {}, []
    for name, value in estimator.get_params(deep=False).items():
        if name in LEFT_OUT:
            continue
        if name == "class_weight" and isinstance(value, dict):
            keys = np.empty(len(value), object)
            keys[:] = list(value)
            kept[name] = {"of": encode_array(keys), "weights": [float(w) for w in value.values()]}
            continue
        try:
            kept[name] = json.loads(json.dumps(value, default=_plain))
        except TypeError:
            if value is not defaults[name]:
                lost.append(name)
    if lost:
        warnings.warn(
            f"{', '.join(lost)}: no values that a file can hold; load will give the defaults",
            stacklevel=4,
        )
    return kept


def _plain(value: Any) -> Any:
    """Return NumPy's numbers and arrays as Python's."""
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    raise TypeError(f"{value!r} is no plain value")


def load(kind: type, path: str | os.PathLike[str]) -> Any:
    """Read what `save` wrote of an estimator of this class.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is cut short, holds no estimator or one of another class, or its parts don't fit.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(
            f"there is no file {path}: give one that {kind.__name__}.save wrote"
        )
    text, tensors = read_tensors(path)
    if text.get("format") != FORMAT:
        raise ValueError(f"{path} holds no estimator: give a file that {kind.__name__}.save wrote")
    if text.get("format_version") != FORMAT_VERSION:
        raise ValueError(
            f"{path} has the format version {text.get('format_version')}, this fastmlp reads "
            f"{FORMAT_VERSION}: install the fastmlp that wrote it ({text.get('fastmlp_version')})"
        )
    if text.get("estimator") != kind.__name__:
        name = text.get("estimator")
        raise ValueError(f"{path} holds a {name}: load it with fastmlp.{name}.load")
    try:
        return _restored(kind, text, tensors)
    except (AttributeError, KeyError, IndexError, TypeError, ValueError) as error:
        raise ValueError(
            f"{path} is damaged ({error!r}): copy the file anew, or train again"
        ) from error


def _restored(kind: type, text: dict[str, str], tensors: dict[str, NDArray[Any]]) -> Any:
    parameters = json.loads(text["parameters"])
    for name in ("hidden_layer_sizes", "activation"):
        if isinstance(parameters.get(name), list):
            parameters[name] = tuple(parameters[name])
    weights = parameters.get("class_weight")
    if isinstance(weights, dict):
        names = decode_array(weights["of"]).tolist()
        parameters["class_weight"] = dict(zip(names, weights["weights"], strict=True))
    estimator = kind(**parameters)
    for name, value in json.loads(text["fitted"]).items():
        if name not in FITTED:
            raise ValueError(f"unknown attribute {name}")
        setattr(estimator, name, value)
    n_layers = int(estimator.n_layers_) - 1
    estimator.coefs_ = [tensors[f"w{i}"] for i in range(1, n_layers + 1)]
    estimator.intercepts_ = [tensors[f"b{i}"] for i in range(1, n_layers + 1)]
    _check_layers(estimator)
    feature_names = json.loads(text["names"])
    if feature_names is not None:
        estimator.feature_names_in_ = np.array(feature_names, object)
    if "classes" in text:
        classes = json.loads(text["classes"])
        estimator._labels = Labels.of(
            decode_array(classes), bool(classes["is_multilabel"]), bool(classes.get("is_sparse"))
        )
        estimator.classes_ = estimator._labels.classes
        if estimator._labels.n_outputs != estimator.n_outputs_:
            raise ValueError(f"{len(estimator.classes_)} classes, {estimator.n_outputs_} outputs")
    if "learning_rate" in text:
        rate, initial = float(json.loads(text["learning_rate"])), estimator.learning_rate_init
        if not 0 < rate < initial:
            raise ValueError(f"a learning rate of {rate} after {initial}")
        estimator._optimizer_state = OptimizerState("", [], 0, rate, float(initial), 0)
    estimator.history_ = History()
    return estimator


def _check_layers(estimator: Any) -> None:
    """Raise unless the arrays are layers, one after the other, all of one floating-point type."""
    sizes = [estimator.n_features_in_]
    arrays = [*estimator.coefs_, *estimator.intercepts_]
    if {a.dtype for a in arrays} not in ({np.dtype(np.float32)}, {np.dtype(np.float64)}):
        raise ValueError("arrays are not all float32 or all float64")
    if not all(np.isfinite(a).all() for a in arrays):
        raise ValueError("weights are not finite")
    for w, b in zip(estimator.coefs_, estimator.intercepts_, strict=True):
        if w.ndim != 2 or w.shape[0] != sizes[-1] or b.shape != (w.shape[1],):
            raise ValueError(f"arrays of {w.shape} and {b.shape} after {sizes[-1]} units")
        sizes.append(w.shape[1])
    if sizes[-1] != estimator.n_outputs_ or not math.isfinite(estimator.t_):
        raise ValueError(f"the last layer has {sizes[-1]} units, not {estimator.n_outputs_}")
