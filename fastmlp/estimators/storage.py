"""Writes an estimator to one .safetensors file: weights, settings and fitted attributes.

In addition to those of all model files (see `fastmlp.tensors`), the metadata are:

=============== ==========================================================
format          ``fastmlp-estimator``
format_version  ``1``
estimator       ``MLPClassifier`` or ``MLPRegressor``
parameters      what ``get_params`` returns, except for `LEFT_OUT`
fitted          attributes: ``n_iter_``, ``loss_curve_`` and the like
classes         of a classifier: ``{"type": ..., "values": ...}``
names           the features' names, or ``null``
learning_rate   of the next step, if 'adaptive' has lowered it
=============== ==========================================================

The optimiser's arrays are not saved: `partial_fit` starts with new ones, at that rate.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import is_classifier
from sklearn.utils.validation import check_is_fitted

from fastmlp.checks import warn_user
from fastmlp.estimators import by_hand
from fastmlp.estimators.class_names import decode_array, encode_array
from fastmlp.estimators.hyperparameters import activation_of
from fastmlp.estimators.outputs import parameters
from fastmlp.estimators.restored import (
    FITTED,
    as_fallen_rate,
    as_feature_names,
    as_fitted,
    as_flag,
    as_weights,
    check_settings,
)
from fastmlp.estimators.stochastic import OptimizerState
from fastmlp.history import History
from fastmlp.json_text import parse
from fastmlp.parameters import Parameters
from fastmlp.tensors import Format, named, parameters_of, refusing_damage
from fastmlp.words import shown

FORMAT = Format("fastmlp-estimator", ("1",), "file", "holds no estimator")
LEFT_OUT = ("callbacks",)
Restored = Callable[[Any, dict[str, str], dict[str, NDArray[Any]]], Any]


class FileMixin:
    """The methods that write an estimator to a file, and read it."""

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write weights, settings and fitted attributes to one .safetensors file.

        Nothing in it is a pickle. Callbacks, the optimiser's state and `history_` are left out;
        a learning rate that 'adaptive' has lowered is kept.

        Parameters
        ----------
        path : path-like
            Replaced if it exists.

        Raises
        ------
        TypeError, ValueError
            If a file can't hold the class names or weights, or settings or attributes have been
            assigned that `load` would refuse.
        OSError
            If the file can't be written.
        """
        check_is_fitted(self)
        found = parameters(self)
        activation_of(self)  # its error says more than those of the checks below
        check_settings(self, len(found.weights))
        if not found.are_finite():
            raise ValueError("coefs_ or intercepts_ hold NaN or infinity: fit anew, then save")
        flat = Parameters(found.weights, [b.ravel() for b in found.biases])
        FORMAT.write(path, flat, _metadata(self, found.layer_sizes))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Return an estimator that `save` wrote.

        The file's content is checked as `fit` checks its input. A larger `n_threads` than this
        machine has cores is reduced to that.

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
            If it is damaged, does not hold an estimator of this class, or `fit` would refuse it.
        """
        estimator: Self = loaded(cls, path, FORMAT, _restored)
        return estimator


def loaded(
    kind: type, path: str | os.PathLike[str], file_format: Format, restored: Restored
) -> Any:
    """Return what `restored` makes of a file's metadata and arrays, if it holds this class."""
    path = Path(path)
    text, arrays = file_format.read(path, f"{kind.__name__}.save")
    if text.get("estimator") != kind.__name__:
        name = named(text, "estimator")
        raise ValueError(f"{path} holds a {name}: load it with fastmlp.{name}.load")
    with refusing_damage(f"{path} is"):
        return restored(kind, text, arrays)


def _metadata(estimator: Any, sizes: list[int]) -> dict[str, Any]:
    """Return all that the file holds besides the arrays."""
    fitted = {name: getattr(estimator, name) for name in FITTED if hasattr(estimator, name)}
    fitted |= by_hand.fitted(estimator, sizes)
    names = getattr(estimator, "feature_names_in_", None)
    names = as_feature_names(None if names is None else list(names), sizes[0])
    metadata = {
        "estimator": type(estimator).__name__,
        "parameters": settings_of(estimator),
        "fitted": as_fitted(json.loads(json.dumps(fitted, default=_plain))),
        "names": names,
    }
    state = getattr(estimator, "_optimizer_state", None)
    if state is not None and state.rate < state.initial_rate == estimator.learning_rate_init:
        metadata["learning_rate"] = state.rate
    if is_classifier(estimator):
        metadata["classes"] = {
            **encode_array(estimator._labels.classes),
            "is_multilabel": estimator._labels.is_multilabel,
            "is_sparse": estimator._labels.is_sparse,
        }
    return metadata


def settings_of(estimator: Any) -> dict[str, Any]:
    """Return the settings that JSON can hold; warn if others are not at their defaults."""
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
        warn_user(
            f"{', '.join(lost)}: no values that a file can hold; load will give the defaults",
        )
    return kept


def _plain(value: Any) -> Any:
    """Return NumPy's scalars and arrays as Python's scalars and lists, for JSON."""
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    raise TypeError(f"{shown(value)} is no plain value")


def _restored(kind: type, text: dict[str, str], arrays: dict[str, NDArray[Any]]) -> Any:
    """Return an estimator of this class as a file's metadata and arrays have it."""
    estimator = kind(**settings_from(parse(text["parameters"])))
    for name, value in as_fitted(parse(text["fitted"])).items():
        setattr(estimator, name, value)
    n_layers = estimator.n_layers_ - 1  # of weights
    if len(arrays) != 2 * n_layers:
        raise ValueError(f"{len(arrays)} arrays for {estimator.n_layers_} layers")
    hidden = [arrays[f"b{i}"].size for i in range(1, n_layers)]
    sizes = [estimator.n_features_in_, *hidden, estimator.n_outputs_]
    found = parameters_of(arrays, sizes, arrays["w1"].dtype.name)
    estimator.coefs_, estimator.intercepts_ = found
    if not found.are_finite():
        raise ValueError("weights are not finite")
    by_hand.out_activation(estimator)  # raises if there is no such function
    check_settings(estimator, n_layers)
    if estimator.n_threads is not None:
        estimator.n_threads = min(int(estimator.n_threads), os.cpu_count() or 1)
    feature_names = as_feature_names(parse(text["names"]), estimator.n_features_in_)
    if feature_names is not None:
        estimator.feature_names_in_ = np.array(feature_names, object)
    if is_classifier(estimator):
        classes = parse(text["classes"])
        estimator._labels = by_hand.labels_of(
            decode_array(classes),
            estimator.n_outputs_,
            as_flag(classes["is_multilabel"], "is_multilabel"),
            as_flag(classes.get("is_sparse", False), "is_sparse"),
        )
        estimator.classes_ = estimator._labels.classes
    if "learning_rate" in text:
        initial = float(estimator.learning_rate_init)
        rate = as_fallen_rate(parse(text["learning_rate"]), initial)
        estimator._optimizer_state = OptimizerState("", [], 0, rate, initial, 0)
    estimator.history_ = History()
    return estimator


def settings_from(given: Any) -> dict[str, Any]:
    """Return the settings that `settings_of` was given."""
    settings = {name: value for name, value in given.items() if name not in LEFT_OUT}
    for name in ("hidden_layer_sizes", "activation"):
        if isinstance(settings.get(name), list):
            settings[name] = tuple(settings[name])
    weights = settings.get("class_weight")
    if isinstance(weights, dict):
        names = decode_array(weights["of"]).tolist()
        settings["class_weight"] = dict(zip(names, as_weights(weights["weights"]), strict=True))
    return settings
