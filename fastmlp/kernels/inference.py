"""Activations and probabilities of any number of rows, a batch at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmlp.kernels import plan as at
from fastmlp.kernels.plan import Plan
from fastmlp.kernels.step import run_forward
from fastmlp.kernels.threads import Helpers, usable_threads
from fastmlp.kernels.trainer import put_inputs

Array = NDArray[Any]

BATCH_ROWS = 128  # rows whose activations stay in the caches
ROWS_PER_THREAD = 2048  # fewer are not worth a thread's start


def predict_proba(
    weights: Sequence[Array],
    biases: Sequence[Array],
    x: Any,
    input_scale: float | None = None,
    n_threads: int | None = None,
) -> Array:
    """Return the probabilities of each row's classes; `fastmlp.reference.predict_proba`, compiled.

    Parameters
    ----------
    weights, biases : list of ndarray
        Shapes (n_in, n_out) and (1, n_out), all float32 or all float64.
    x : ndarray or SciPy CSR of shape (n_rows, n_features)
        uint8, float32 or float64, C-contiguous.
    input_scale : float, optional
        See `fastmlp.reference.scale_inputs`.
    n_threads : int, optional
        By default as many as pay off.

    Returns
    -------
    ndarray of shape (n_rows, n_classes)
        In the weights' dtype.
    """
    n_rows = x.shape[0]
    n_threads = n_threads or min(usable_threads(), max(1, n_rows // ROWS_PER_THREAD))
    n_batches = -(-n_rows // BATCH_ROWS)
    out = np.empty((n_rows, weights[-1].shape[1]), weights[0].dtype)
    plans = [
        _plan(weights, biases, x, input_scale, min(BATCH_ROWS, n_rows)) for _ in range(n_threads)
    ]
    for plan in plans:
        plan.put(at.OUT, out)

    def part(thread: int) -> None:
        first, last = (n_batches * t // n_threads * BATCH_ROWS for t in (thread, thread + 1))
        _run(plans[thread], first, min(last, n_rows))

    Helpers().run(part, n_threads)
    return out


def forward(
    weights: Sequence[Array], biases: Sequence[Array], x: Any, input_scale: float | None = None
) -> list[Array]:
    """Return the activations of every layer; `fastmlp.reference.forward`, compiled.

    See :func:`predict_proba` for the parameters. The arrays have the shapes (n_rows, n_out).
    """
    n_rows = x.shape[0]
    plan = _plan(weights, biases, x, input_scale, min(BATCH_ROWS, n_rows))
    activations = [np.empty((n_rows, w.shape[1]), w.dtype) for w in weights]
    plan.put(at.OUT, activations[-1])
    for first in range(0, n_rows, BATCH_ROWS):
        last = min(first + BATCH_ROWS, n_rows)
        _run(plan, first, last)
        for layer, activation in enumerate(activations[:-1]):
            rows = plan.activation(layer)[: last - first, : activation.shape[1]]
            activation[first:last] = rows
    return activations


def _plan(
    weights: Sequence[Array],
    biases: Sequence[Array],
    x: Any,
    input_scale: float | None,
    batch_rows: int,
) -> Plan:
    plan = Plan(weights, biases, batch_rows, n_threads=0)
    put_inputs(plan, x, input_scale)
    plan.put(at.ORDER, np.arange(x.shape[0], dtype=np.int64))
    plan[at.N_ROWS] = x.shape[0]
    return plan


def _run(plan: Plan, first: int, last: int) -> None:
    run_forward(plan.address, first, last, plan.dtype.type(1))
