"""The network's outputs for any number of rows, in blocks."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import NotFittedError

from fastmlp.beside import Beside
from fastmlp.estimators import by_hand
from fastmlp.estimators.parameters import LOSS_OF_OUTPUT, problem_of
from fastmlp.problem import Problem
from fastmlp.reference import ACTIVATIONS

Array = NDArray[Any]

FEW_ROWS = 128
MOST_BYTES = 2**22  # of weights: with more, predictions take longer than laying out


class Kept(NamedTuple):
    """A predictor, and what it is for."""

    kind: tuple[Any, ...]
    skips: bool
    predictor: Any


_kept: Beside[Kept] = Beside()  # beside estimators that have predicted


def parameters(estimator: Any) -> tuple[list[Array], list[Array]]:
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
    if any(dtype.kind not in "biuf" for dtype in dtypes):
        raise ValueError(f"coefs_ and intercepts_ hold {sorted(map(str, dtypes))}: give floats")
    dtype = np.dtype(np.float32 if dtypes == {np.dtype(np.float32)} else np.float64)
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
    return weights, biases


def outputs_of(estimator: Any, x: Any, as_labels: bool = False) -> Array:
    """Return the last layer's activations (n_rows, n_outputs) for checked features.

    With `as_labels`, the numbers (n_rows,) of each row's largest one.
    """
    outputs, _ = _predicted(estimator, x, *parameters(estimator), as_labels)
    return outputs


def finite_outputs_of(estimator: Any, x: Array, as_labels: bool = False) -> Array | None:
    """Return what `outputs_of` does, if it can tell that all features are finite; else None.

    The kernels look at them anyway, so that a look before would be one too many.
    """
    weights, biases = parameters(estimator)
    if x.dtype != weights[0].dtype:
        return None
    outputs, is_finite = _predicted(estimator, x, weights, biases, as_labels, looks=True)
    return outputs if is_finite else None


def _predicted(
    estimator: Any,
    x: Any,
    weights: list[Array],
    biases: list[Array],
    as_labels: bool,
    looks: bool = False,
) -> tuple[Array, bool]:
    """Return the outputs, and whether all features are finite, if `looks`."""
    name = by_hand.out_activation(estimator)
    is_trained = name in LOSS_OF_OUTPUT  # else it has been assigned
    problem = problem_of(estimator, name if is_trained else "identity")
    outputs, is_finite = _run(
        estimator, x, weights, biases, problem, as_labels and name == "softmax", looks
    )
    if not is_trained:
        with np.errstate(over="ignore", under="ignore"):
            outputs = ACTIVATIONS[name].function(outputs)
    return (outputs.argmax(axis=1) if as_labels and outputs.ndim == 2 else outputs), is_finite


def _run(
    estimator: Any,
    x: Any,
    weights: list[Array],
    biases: list[Array],
    problem: Problem,
    as_labels: bool,
    looks: bool,
) -> tuple[Array, bool]:
    """Return what `_predicted` does, of a problem's own outputs."""
    from fastmlp.kernels import Predictor, skips_zeros

    settings = (None, estimator.n_threads, problem)
    # Taken out while it is at work: another thread makes one of its own.
    kept = _kept.pop(estimator)
    if not isinstance(x, np.ndarray) or sum(w.nbytes for w in weights) > MOST_BYTES:
        predictor = Predictor(*settings)
        outputs = predictor(weights, biases, x, as_labels)
        return outputs, looks and predictor.is_finite(x)
    kind = (settings, x.dtype, weights[0].dtype, *(w.shape for w in weights))
    # Few rows are predicted in either way: to look for zeros takes longer than to skip them saves.
    skips = len(x) > FEW_ROWS and skips_zeros(x)
    if kept is None or kept.kind != kind or (len(x) > FEW_ROWS and kept.skips != skips):
        predictor = Predictor(*settings, skips, batch_rows=FEW_ROWS)
        kept = Kept(kind, skips, predictor)
    outputs = kept.predictor(weights, biases, x, as_labels)
    is_finite = looks and kept.predictor.is_finite(x)
    _kept.keep(estimator, kept)
    return outputs, is_finite
