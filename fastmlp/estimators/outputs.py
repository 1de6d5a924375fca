"""The network's outputs for any number of rows, in blocks."""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from fastmlp.estimators.parameters import problem_of

Array = NDArray[Any]

# Of estimators that have predicted few rows: what the next time is laid out already.
_few_rows: WeakKeyDictionary[Any, tuple[Any, Any]] = WeakKeyDictionary()


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
    from fastmlp.kernels import FewRows, predict_proba

    weights, biases = parameters(estimator)
    problem = problem_of(estimator, estimator.out_activation_)
    if not isinstance(x, np.ndarray) or len(x) > FewRows.most:
        return predict_proba(weights, biases, x, None, estimator.n_threads, problem)
    # Taken out while it is at work: another thread makes one of its own.
    kind = (problem, x.dtype, weights[0].dtype, *(w.shape for w in weights))
    known, few_rows = _few_rows.pop(estimator, (None, None))
    if known != kind:
        few_rows = FewRows(weights, biases, problem, x.dtype)
    outputs = few_rows(weights, biases, x)
    _few_rows[estimator] = kind, few_rows
    return outputs
