"""The network's outputs for any number of rows, in blocks."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import NotFittedError

from fastmlp import checks
from fastmlp.estimators import by_hand
from fastmlp.estimators.hyperparameters import hidden_activations, problem_of
from fastmlp.export.layers import Layers
from fastmlp.parameters import Parameters
from fastmlp.reference import ACTIVATIONS, LOSSES
from fastmlp.reference.losses import loss_with_output

Array = NDArray[Any]
FLOAT32, FLOAT64 = np.dtype(np.float32), np.dtype(np.float64)


def parameters(estimator: Any) -> Parameters:
    """Return weights (n_in, n_out) and biases (1, n_out), in one dtype and C-contiguous.

    The user may have assigned anything to the attributes.

    Raises
    ------
    NotFittedError
        If there are weights only.
    ValueError
        If the shapes don't fit together, or they hold no real numbers.
    """
    if not hasattr(estimator, "intercepts_"):
        raise NotFittedError("there are coefs_ but no intercepts_: assign them, or call fit")
    weights = [np.asarray(w) for w in estimator.coefs_]
    biases = [np.asarray(b) for b in estimator.intercepts_]
    dtypes = {a.dtype for a in (*weights, *biases)}
    dtype = FLOAT32 if dtypes == {FLOAT32} else FLOAT64
    if dtypes != {dtype} and any(found.kind not in "biuf" for found in dtypes):
        raise ValueError(f"coefs_ and intercepts_ hold {sorted(map(str, dtypes))}: give floats")
    weights = [np.ascontiguousarray(w, dtype) for w in weights]
    biases = [np.ascontiguousarray(b, dtype).reshape(1, -1) for b in biases]
    n_in, n_layers = by_hand.n_features(estimator), by_hand.n_layers(estimator) - 1
    if not len(weights) == len(biases) == n_layers:
        raise ValueError(
            f"coefs_ has {len(weights)} arrays and intercepts_ {len(biases)}: give {n_layers} each"
        )
    for layer, (w, b) in enumerate(zip(weights, biases, strict=True)):
        if w.ndim != 2 or w.shape[0] != n_in or b.shape[1] != w.shape[1]:
            raise ValueError(
                f"coefs_[{layer}] has shape {w.shape} and intercepts_[{layer}] {b.shape[1:]}: "
                f"give ({n_in}, n) and (n,), as the layer before has {n_in} outputs"
            )
        n_in = w.shape[1]
    return Parameters(weights, biases)


def layers_of(estimator: Any) -> Layers:
    """Return what is written of an estimator's network, checked as by `parameters`."""
    found = parameters(estimator)
    hidden = hidden_activations(estimator, len(found.weights) - 1)
    return Layers.of(found, [*hidden, by_hand.out_activation(estimator)])


def outputs_of(estimator: Any, x: Any, as_labels: bool = False) -> Array:
    """Return the last layer's activations (n_rows, n_outputs) for checked features.

    With `as_labels`, the numbers (n_rows,) of each row's largest one.
    """
    outputs, _ = _predicted(estimator, x, parameters(estimator), as_labels)
    return outputs


def finite_outputs_of(estimator: Any, x: Array, as_labels: bool = False) -> Array | None:
    """Return what `outputs_of` does, if it can tell that all features are finite; else None.

    The engine looks at them anyway, so that a look before would be one too many.
    """
    known = parameters(estimator)
    if x.dtype != known.dtype:
        return None
    outputs, is_finite = _predicted(estimator, x, known, as_labels, looks=True)
    return outputs if is_finite else None


def _predicted(
    estimator: Any, x: Any, known: Parameters, as_labels: bool, looks: bool = False
) -> tuple[Array, bool]:
    """Return the outputs, and whether all features are finite, if `looks`."""
    n_threads = estimator.n_threads
    if n_threads is not None:
        n_threads = checks.as_threads(n_threads)
    name = by_hand.out_activation(estimator)
    loss = loss_with_output(name)  # none, if an activation of hidden layers has been assigned
    problem = problem_of(estimator, loss or str(loss_with_output("identity")))
    takes_largest = as_labels and loss is not None and LOSSES[loss].targets == "labels"
    found = estimator._engine.predict(
        estimator, *known, x, None, n_threads, problem, takes_largest, looks
    )
    outputs = found.outputs
    if loss is None:
        with np.errstate(over="ignore", under="ignore"):
            outputs = ACTIVATIONS[name].function(outputs)
    if as_labels and outputs.ndim == 2:
        outputs = outputs.argmax(axis=1)
    return outputs, found.has_finite_rows
