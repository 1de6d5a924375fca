"""The network's outputs for any number of rows, in blocks."""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from fastmlp.estimators.parameters import problem_of

Array = NDArray[Any]

# Of estimators that have predicted: what is laid out already for the next time, and for what.
_kept: WeakKeyDictionary[Any, tuple[Any, Any]] = WeakKeyDictionary()
FEW_ROWS = 128  # to look for zeros that can be skipped takes longer than it saves


def parameters(estimator: Any) -> tuple[list[Array], list[Array]]:
    """Return weights (n_in, n_out) and biases (1, n_out), in one dtype and C-contiguous.

    The user may have assigned anything to the attributes.

    Raises
    ------
    ValueError
        If the shapes don't fit together, or they hold no real numbers.
    """
    weights = [np.asarray(w) for w in estimator.coefs_]
    biases = [np.asarray(b) for b in estimator.intercepts_]
    dtypes = {a.dtype for a in (*weights, *biases)}
    if any(dtype.kind not in "biuf" for dtype in dtypes):
        raise ValueError(f"coefs_ and intercepts_ hold {sorted(map(str, dtypes))}: give floats")
    dtype = np.dtype(np.float32 if dtypes == {np.dtype(np.float32)} else np.float64)
    weights = [np.ascontiguousarray(w, dtype) for w in weights]
    biases = [np.ascontiguousarray(b, dtype).reshape(1, -1) for b in biases]
    n_layers = estimator.n_layers_ - 1
    if not len(weights) == len(biases) == n_layers:
        raise ValueError(
            f"coefs_ has {len(weights)} arrays and intercepts_ {len(biases)}: give {n_layers} each"
        )
    n_in = estimator.n_features_in_
    for layer, (w, b) in enumerate(zip(weights, biases, strict=True)):
        if w.ndim != 2 or w.shape[0] != n_in or b.shape[1] != w.shape[1]:
            raise ValueError(
                f"coefs_[{layer}] has shape {w.shape} and intercepts_[{layer}] {b.shape[1:]}: "
                f"give ({n_in}, n) and (n,), as the layer before has {n_in} outputs"
            )
        n_in = w.shape[1]
    return weights, biases


def outputs_of(estimator: Any, x: Any) -> Array:
    """Return the last layer's activations (n_rows, n_outputs) for checked features."""
    from fastmlp.kernels import predict_proba

    if isinstance(x, np.ndarray):
        outputs, _ = _predicted(estimator, x, *parameters(estimator))
        return outputs
    problem = problem_of(estimator, estimator.out_activation_)
    return predict_proba(*parameters(estimator), x, None, estimator.n_threads, problem)


def finite_outputs_of(estimator: Any, x: Array) -> Array | None:
    """Return what `outputs_of` does, if it can tell that all features are finite; else None.

    The kernels look at them anyway, so that a look before would be one too many.
    """
    weights, biases = parameters(estimator)
    if x.dtype != weights[0].dtype:
        return None
    outputs, is_finite = _predicted(estimator, x, weights, biases)
    return outputs if is_finite else None


def _predicted(
    estimator: Any, x: Array, weights: list[Array], biases: list[Array]
) -> tuple[Array, bool]:
    """Return the outputs, and whether all features are known to be finite."""
    from fastmlp.kernels import Predictor, skips_zeros

    problem, n_threads = problem_of(estimator, estimator.out_activation_), estimator.n_threads
    skips = len(x) > FEW_ROWS and skips_zeros(x)
    # Taken out while it is at work: another thread makes one of its own.
    kind = (problem, n_threads, skips, x.dtype, weights[0].dtype, *(w.shape for w in weights))
    known, predictor = _kept.pop(estimator, (None, None))
    if known == kind:
        predictor.load(weights, biases)
    else:
        predictor = Predictor(weights, biases, x, None, n_threads, problem, skips)
    outputs = predictor(x)
    is_finite = predictor.is_finite(x)
    _kept[estimator] = kind, predictor
    return outputs, is_finite
