"""Activations and predictions of any number of rows, a batch at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmlp.kernels import program
from fastmlp.kernels import records as at
from fastmlp.kernels.buffers import aligned
from fastmlp.kernels.inputs import Inputs, skips_zeros
from fastmlp.kernels.plan import Plan
from fastmlp.kernels.step import run
from fastmlp.kernels.threads import Helpers, usable_threads
from fastmlp.problem import TUTORIAL, Problem

Array = NDArray[Any]

BATCH_ROWS = 128  # rows whose activations stay in the caches
ROWS_PER_THREAD = 2048  # fewer are not worth a thread's start


class _Predictor:
    """A plan and a program for predictions of one thread, which has all buffers for itself."""

    def __init__(
        self,
        weights: Sequence[Array],
        biases: Sequence[Array],
        x: Any,
        input_scale: float | None,
        problem: Problem,
        skip_zeros: bool | None = None,
    ) -> None:
        n_rows = x.shape[0]
        self.plan = plan = Plan(weights, biases, min(BATCH_ROWS, n_rows), n_threads=0)
        inputs = Inputs(plan, x, input_scale, skips_zeros(x, skip_zeros))
        network = program.Network.of(problem, len(weights), has_labels=True)
        stages = program.prediction(network, inputs.stages, inputs.skipped)
        self._stages = program.table(stages, plan.dtype)
        plan.put("order", np.arange(n_rows, dtype=np.int64))
        plan.works["n_ordered"] = n_rows
        plan.put("steps", at.STEP.rows(1))  # one for all, as steps_row is 0
        plan.put("dropout_scale", aligned(1, plan.dtype))
        self.n_batches = -(-n_rows // BATCH_ROWS)

    def run(self, first: int, last: int) -> None:
        """Predict batches `first` to `last`, without the last one itself."""
        stages = self._stages
        run(self.plan.work(0), stages.ctypes.data, len(stages), 1, first, last, False)


class FewRows:
    """Predictions of few rows at a time, again and again, by the calling thread.

    `predict_proba` lays out its buffers anew in each call, which takes longer than to predict a few
    rows. Here they are laid out once, and so may be used by one thread at a time only.

    Parameters
    ----------
    weights, biases : list of ndarray
    problem : Problem
        See `predict_proba`.
    dtype : dtype
        Of the rows: uint8, float32 or float64.
    """

    most = BATCH_ROWS

    def __init__(
        self, weights: Sequence[Array], biases: Sequence[Array], problem: Problem, dtype: Any
    ) -> None:
        empty = np.zeros((BATCH_ROWS, weights[0].shape[0]), dtype)
        self._predictor = _Predictor(weights, biases, empty, None, problem, skip_zeros=False)
        self._n_outputs = weights[-1].shape[1]

    def __call__(self, weights: Sequence[Array], biases: Sequence[Array], x: Array) -> Array:
        """Return what `predict_proba` does, for up to `most` rows of a C-contiguous array.

        Weights and biases may have other values, but not other shapes.
        """
        plan = self._predictor.plan
        plan.packed.write(weights, biases)
        plan.put("x", x)
        plan.works["n_ordered"] = len(x)
        out = plan.put("out", np.empty((len(x), self._n_outputs), plan.dtype))
        self._predictor.run(0, 1)
        return out


def predict_proba(
    weights: Sequence[Array],
    biases: Sequence[Array],
    x: Any,
    input_scale: float | None = None,
    n_threads: int | None = None,
    problem: Problem = TUTORIAL,
) -> Array:
    """Return the last layer's outputs for each row; `fastmlp.reference.predict_proba`, compiled.

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
    problem : Problem
        Activations and loss.

    Returns
    -------
    ndarray of shape (n_rows, n_outputs)
        In the weights' dtype.
    """
    n_rows = x.shape[0]
    n_threads = n_threads or min(usable_threads(), max(1, n_rows // ROWS_PER_THREAD))
    out = np.empty((n_rows, weights[-1].shape[1]), weights[0].dtype)
    predictors = [_Predictor(weights, biases, x, input_scale, problem) for _ in range(n_threads)]
    for predictor in predictors:
        predictor.plan.put("out", out)

    def predict_some(thread: int) -> None:
        """The batches of one thread, an equal share of them."""
        n_batches = predictors[thread].n_batches
        predictors[thread].run(*(n_batches * t // n_threads for t in (thread, thread + 1)))

    if n_threads == 1:
        predict_some(0)
    else:
        Helpers().run(predict_some, n_threads)
    return out


def prepare(
    weights: Sequence[Array],
    biases: Sequence[Array],
    x: Any,
    input_scale: float | None = None,
    problem: Problem = TUTORIAL,
) -> None:
    """Compile, or load, what predictions of these rows need, before it is time for them.

    See :func:`predict_proba` for the parameters.
    """
    _Predictor(weights, biases, x, input_scale, problem).run(0, 0)


def forward(
    weights: Sequence[Array],
    biases: Sequence[Array],
    x: Any,
    input_scale: float | None = None,
    problem: Problem = TUTORIAL,
) -> list[Array]:
    """Return the activations of every layer; `fastmlp.reference.forward`, compiled.

    See :func:`predict_proba` for the parameters. The arrays have the shapes (n_rows, n_out).
    """
    n_rows = x.shape[0]
    predictor = _Predictor(weights, biases, x, input_scale, problem)
    activations = [np.empty((n_rows, w.shape[1]), w.dtype) for w in weights]
    predictor.plan.put("out", activations[-1])
    for batch in range(predictor.n_batches):
        predictor.run(batch, batch + 1)
        first = batch * BATCH_ROWS
        last = min(first + BATCH_ROWS, n_rows)
        for layer, activation in enumerate(activations[:-1]):
            activation[first:last] = predictor.plan.outputs(layer)[
                : last - first, : activation.shape[1]
            ]
    return activations
