"""Completes networks put together by hand: their weights were assigned instead of fitted.

They come from other libraries, from files, from averages over machines. If `coefs_` and
`intercepts_` are assigned, other attributes are derived from them unless they are assigned too; a
classifier also needs `classes_`. Errors name what can't be derived, or does not fit.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.exceptions import NotFittedError

from fastmlp import checks
from fastmlp.estimators.label_encoding import LabelEncoding
from fastmlp.reference import ACTIVATIONS, LOSSES
from fastmlp.reference.losses import loss_with_output
from fastmlp.words import shown


def n_features(estimator: Any) -> int:
    """Return how many columns the network takes."""
    known: int | None = getattr(estimator, "n_features_in_", None)
    return known if known is not None else _shape(estimator, 0)[0]


def n_layers(estimator: Any) -> int:
    """Return the number of layers, the input counted."""
    known: int | None = getattr(estimator, "n_layers_", None)
    return known if known is not None else len(estimator.coefs_) + 1


def out_activation(estimator: Any) -> str:
    """Return the name of the last layer's function.

    Raises
    ------
    ValueError
        If there is no such function.
    """
    name: str | None = getattr(estimator, "out_activation_", None)
    if name is None:
        return trained_out_activation(estimator)
    if not isinstance(name, str) or not (loss_with_output(name) or name in ACTIVATIONS):
        outputs = [loss.out_activation for loss in LOSSES.values() if loss.out_activation]
        known = ", ".join(dict.fromkeys([*outputs, *ACTIVATIONS]))
        raise ValueError(f"out_activation_ is {shown(name)}: assign one of {known}")
    return name


def trained_out_activation(estimator: Any) -> str:
    """Return the name of the last layer's function that goes with the trained loss.

    Raises
    ------
    ValueError
        If there is no such loss.
    """
    outputs = {name: loss.out_activation for name, loss in LOSSES.items() if loss.out_activation}
    return outputs[checks.as_name(estimator._loss_name(), "loss", outputs)]


def labels(estimator: Any) -> LabelEncoding:
    """Return a classifier's label encoding, from `classes_`.

    Several outputs are labels that don't exclude each other if the loss takes flags as targets and
    the classes are 0, 1, ..., as `fit` numbers them.

    Raises
    ------
    NotFittedError
        Without `classes_`.
    ValueError
        If `classes_` is empty, not sorted, or does not fit the outputs.
    """
    classes = getattr(estimator, "classes_", None)
    if classes is None:
        raise NotFittedError(
            "there are coefs_ but no classes_: assign the classes, sorted, in the order of the "
            "network's outputs, or call fit"
        )
    classes, n_outputs = np.asarray(classes), _shape(estimator, -1)[1]
    is_numbered = np.array_equal(classes, np.arange(n_outputs))
    loss = loss_with_output(getattr(estimator, "out_activation_", ""))
    has_flags = loss is not None and LOSSES[loss].targets == "flags"
    is_multilabel = n_outputs > 1 and has_flags and is_numbered
    return labels_of(classes, n_outputs, is_multilabel)


def labels_of(
    classes: Any, n_outputs: int, is_multilabel: bool, is_sparse: bool = False
) -> LabelEncoding:
    """Return the label encoding of an array of classes.

    Raises
    ------
    ValueError
        If it is empty, not sorted, or does not fit the outputs.
    """
    if not len(classes) or (classes.dtype.kind == "f" and not np.isfinite(classes).all()):
        raise ValueError("classes_ is empty or not finite: assign the classes, sorted")
    found = LabelEncoding.of(classes, is_multilabel, is_sparse)
    if found.classes.tolist() != classes.tolist():
        raise ValueError(
            "classes_ is not sorted, or names a class twice: sort it, and the last layer's columns "
            "with it"
        )
    if found.n_outputs != n_outputs:
        raise ValueError(
            f"classes_ holds {len(classes)} classes, which take {found.n_outputs} outputs, and the "
            f"last layer has {n_outputs}: assign classes_ and coefs_ that fit together"
        )
    return found


def completed(estimator: Any, sizes: list[int]) -> dict[str, Any]:
    """Return the attributes that further training of these layers needs.

    Raises
    ------
    ValueError
        If the last layer's function is not the one that goes with the trained loss.
    """
    trained = trained_out_activation(estimator)
    if getattr(estimator, "out_activation_", trained) != trained:
        raise ValueError(
            f"out_activation_ is {shown(estimator.out_activation_)}, and what is trained is "
            f"{trained!r}: assign that, or fit with warm_start=False to begin anew"
        )
    return fitted(estimator, sizes)


def fitted(estimator: Any, sizes: list[int]) -> dict[str, Any]:
    """Return the attributes that a fit of these layers sets; assigned ones are kept."""
    return {
        "n_features_in_": sizes[0],
        "n_layers_": len(sizes),
        "n_outputs_": sizes[-1],
        "out_activation_": out_activation(estimator),
        "t_": getattr(estimator, "t_", 0),
    }


def _shape(estimator: Any, layer: int) -> tuple[int, int]:
    """Return the shape (n_in, n_out) of a layer's weights."""
    if not len(estimator.coefs_):
        raise ValueError("coefs_ is empty: assign an array (n_in, n_out) for each layer")
    shape = np.shape(estimator.coefs_[layer])
    if len(shape) != 2:
        raise ValueError(f"coefs_[{layer}] has shape {shape}: assign an array (n_in, n_out)")
    return shape[0], shape[1]
