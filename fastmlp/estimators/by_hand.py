"""Networks put together by hand: weights that were assigned, and not, or not all, trained.

They come from other libraries, from files, from averages over machines. With `coefs_` and
`intercepts_` assigned, all else is as a fit would leave it, unless it is assigned too; only a
classifier needs `classes_`. What can't be derived, or does not fit, is named.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.exceptions import NotFittedError

from fastmlp import checks
from fastmlp.estimators.labels import Labels
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
    """Return the name of the last layer's function, as the loss that is trained has it.

    Raises
    ------
    ValueError
        If there is no such loss.
    """
    outputs = {name: loss.out_activation for name, loss in LOSSES.items() if loss.out_activation}
    return outputs[checks.as_name(estimator._loss_name(), "loss", outputs)]


def labels(estimator: Any) -> Labels:
    """Return a classifier's labels, from `classes_`.

    Several outputs of a loss of flags are labels that don't exclude each other, if they are
    numbered, as `fit` does.

    Raises
    ------
    NotFittedError
        Without `classes_`.
    ValueError
        If there are none, they are not sorted, or not as many as the outputs.
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


def labels_of(classes: Any, n_outputs: int, is_multilabel: bool, is_sparse: bool = False) -> Labels:
    """Return the labels of an array of classes.

    Raises
    ------
    ValueError
        If there are none, they are not sorted, or not as many as the outputs.
    """
    if not len(classes) or (classes.dtype.kind == "f" and not np.isfinite(classes).all()):
        raise ValueError("classes_ is empty or not finite: assign the classes, sorted")
    found = Labels.of(classes, is_multilabel, is_sparse)
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
    """Return the attributes that a training that goes on from these layers has to know.

    Raises
    ------
    ValueError
        If the last layer's function is none to be trained.
    """
    trained = trained_out_activation(estimator)
    if getattr(estimator, "out_activation_", trained) != trained:
        raise ValueError(
            f"out_activation_ is {shown(estimator.out_activation_)}, and what is trained is "
            f"{trained!r}: assign that, or fit with warm_start=False to begin anew"
        )
    return fitted(estimator, sizes)


def fitted(estimator: Any, sizes: list[int]) -> dict[str, Any]:
    """Return what a fit of these layers leaves, and was not assigned otherwise."""
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
