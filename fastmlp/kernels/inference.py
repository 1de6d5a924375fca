"""Predicts any number of rows, a batch at a time: outputs, labels, or all layers' activations.

Each thread has its own plan and program, and predicts a share of the batches. Buffers are kept from
call to call, and kernels read rows and parameters in place, so that even single rows are fast.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmlp.checks.features import has_finite_sum
from fastmlp.kernels import program
from fastmlp.kernels.codegen.buffers import address_of, aligned
from fastmlp.kernels.inputs import Inputs, readable, skips_zeros
from fastmlp.kernels.layout import records as at
from fastmlp.kernels.layout.memory_plan import Plan
from fastmlp.kernels.runtime.interpreter import run
from fastmlp.kernels.runtime.threads import Helpers, usable_threads
from fastmlp.problem import TUTORIAL, Problem

Array = NDArray[Any]

BATCH_ROWS = 128  # rows whose activations stay in the caches
ROWS_PER_THREAD = 2048  # fewer are not worth a thread's start
MOST_KEPT = 2**16  # rows whose indices are kept from call to call


class _Worker:
    """A plan and a program for one thread's rows; it shares no buffer with other workers."""

    def __init__(
        self,
        weights: Sequence[Array],
        biases: Sequence[Array],
        x: Any,
        batch_rows: int | None,
        input_scale: float | None,
        problem: Problem,
        skip_zeros: bool | None = None,
    ) -> None:
        self.batch_rows = batch_rows or max(1, min(BATCH_ROWS, x.shape[0]))
        self.plan = plan = Plan(weights, biases, self.batch_rows, n_threads=0)
        skips = skips_zeros(x, skip_zeros)
        self.inputs = Inputs(plan, x, input_scale, skips, are_in_order=True)
        self._entries = program.Entries.of(problem, len(weights), has_labels=True)
        self._tables: dict[bool, Array] = {}
        self._shapes = [array.shape for array in (*weights, *biases)]
        self._given: list[Array] = []  # parameters, for as long as a kernel may read them
        plan.put("dropout_scale", aligned(1, plan.dtype))
        plan.works["steps_row"] = at.STEP.size
        self._n_rows, self.n_batches = -1, 0
        self._is_sparse = not isinstance(x, np.ndarray)
        self._dtype = x.dtype

    def load(self, weights: Sequence[Array], biases: Sequence[Array]) -> None:
        """Have the next batch's first stage pack the values of these parameters."""
        plan = self.plan
        self._given = given = [np.ascontiguousarray(a, plan.dtype) for a in (*weights, *biases)]
        if [array.shape for array in given] != self._shapes:
            raise ValueError("the parameters have other shapes than in the first call")
        plan.layers[0]["given"] = [address_of(w) for w in given[: len(weights)]]
        plan.layers[0]["given_bias"] = [address_of(b) for b in given[len(weights) :]]
        plan.works["not_finite"] = 0

    def expect(self, x: Any, out: Array, as_labels: bool = False) -> None:
        """Prepare to predict these rows, in batches, in the order of memory, into `out`."""
        self.choose(as_labels)
        plan, n_rows, size = self.plan, x.shape[0], self.batch_rows
        plan.put("out", out)
        if self.inputs.are_added_up:
            plan.kept("total")[...] = 0
        if not self._is_sparse:
            if x.dtype != self._dtype or x.shape[1] != plan.n_features:
                raise ValueError(
                    f"x has {x.shape[1]} columns of {x.dtype}: give {plan.n_features} of "
                    f"{self._dtype}, as before"
                )
            plan.put("x", x)
        if n_rows == self._n_rows:
            return
        firsts = np.arange(0, n_rows, size)
        self.n_batches = len(firsts)
        steps = plan.put("steps", at.STEP.rows(max(1, len(firsts))))[: len(firsts)]
        steps["first_row"], steps["n_rows"] = firsts, np.minimum(n_rows - firsts, size)
        plan.put("order", np.arange(n_rows, dtype=np.int64))
        plan.works["n_ordered"] = self._n_rows = n_rows

    def choose(self, as_labels: bool) -> None:
        """Choose the program: predict outputs, or the indices of the largest ones."""
        if as_labels not in self._tables:
            inputs = self.inputs
            stages = program.prediction(self._entries, inputs.stages, inputs.skipped, as_labels)
            self._tables[as_labels] = program.table(stages, self.plan.dtype)
        self._stages = self._tables[as_labels]

    def run(self, first: int, last: int) -> None:
        """Predict batches `first` to `last`, without the last one itself."""
        stages = self._stages
        run(self.plan.work(0), address_of(stages), len(stages), 1, first, last, False)

    def release(self) -> None:
        """Release the parameters, and the arrays whose size depends on the number of rows."""
        self._given = []
        fields = ["out"] if self._is_sparse else ["x", "out"]
        if self._n_rows > MOST_KEPT:
            self._n_rows = -1
            fields += ["order", "steps"]
        for field in fields:
            self.plan.take(field)


class Predictor:
    """Predicts with one network repeatedly, any number of rows at a time, in one call at a time.

    Allocating the buffers takes as long as predicting a thousand rows of a small network, so it is
    done once.

    Parameters
    ----------
    input_scale, n_threads, problem
        See :func:`predict_proba`.
    skip_zeros : bool, optional
        By default if there are enough zeros in the first call's rows.
    batch_rows : int, optional
        Rows per batch; by default at most the number of rows in the first call.

    Attributes
    ----------
    n_bytes : int
        Memory that is kept from call to call.
    """

    def __init__(
        self,
        input_scale: float | None = None,
        n_threads: int | None = None,
        problem: Problem = TUTORIAL,
        skip_zeros: bool | None = None,
        batch_rows: int | None = None,
    ) -> None:
        self._n_threads = n_threads
        self._settings: Any = input_scale, problem, skip_zeros
        self._batch_rows = batch_rows
        self.n_bytes = 0
        self._workers: list[_Worker] = []
        self._used: list[_Worker] = []

    def __call__(
        self, weights: Sequence[Array], biases: Sequence[Array], x: Any, as_labels: bool = False
    ) -> Array:
        """Return the last layer's outputs for each row; see :func:`predict_proba`.

        With `as_labels`, return the index of each row's largest logit, (n_rows,) of int64, the
        first of equal ones: softmax may round different logits to equal outputs.

        Shapes and dtypes of parameters, and the dtype of `x`, must be the same in all calls. For a
        CSR matrix, make a predictor for just one call.
        """
        x = readable(x)
        n_rows = x.shape[0]
        n_threads = self._n_threads_for(n_rows)
        workers = self._hire(n_threads, weights, biases, x)
        shape, dtype = (n_rows, workers[0].plan.n_outputs), workers[0].plan.dtype
        out = np.empty(n_rows, np.int64) if as_labels else np.empty(shape, dtype)
        for worker in workers:
            worker.expect(x, out, as_labels)
            worker.load(weights, biases)
        if n_threads == 1:
            workers[0].run(0, workers[0].n_batches)
        else:
            self._share()
        for worker in workers:
            worker.release()
        return out

    def forward(self, weights: Sequence[Array], biases: Sequence[Array], x: Any) -> list[Array]:
        """Return the activations of every layer, computed by one thread; see :func:`forward`."""
        x = readable(x)
        (worker,) = self._hire(1, weights, biases, x)
        sizes = worker.plan.layers["n_out"][0]
        activations = [np.empty((x.shape[0], n), worker.plan.dtype) for n in sizes]
        worker.expect(x, activations[-1])
        worker.load(weights, biases)
        for batch in range(worker.n_batches):
            worker.run(batch, batch + 1)
            first = batch * worker.batch_rows
            for layer, activation in enumerate(activations[:-1]):
                rows = activation[first : first + worker.batch_rows]
                rows[:] = worker.plan.outputs(layer)[: len(rows), : rows.shape[1]]
        worker.release()
        return activations

    @property
    def has_finite_parameters(self) -> bool:
        """Whether all parameters of the last call were finite, if it had rows."""
        return not any(worker.plan.works["not_finite"][0] for worker in self._used)

    def _hire(
        self, n_threads: int, weights: Sequence[Array], biases: Sequence[Array], x: Any
    ) -> list[_Worker]:
        """Return the workers of a call; make those that are missing."""
        while len(self._workers) < n_threads:
            worker = _Worker(weights, biases, x, self._batch_rows, *self._settings)
            self._batch_rows = worker.batch_rows  # of one size, since workers share the batches
            self._workers.append(worker)
            self.n_bytes += worker.plan.n_bytes
        self._used = self._workers[:n_threads]
        return self._used

    def _share(self) -> None:
        """Have each worker predict an equal share of the batches in a thread of its own."""
        n_threads, n_batches = len(self._used), self._used[0].n_batches
        left = set(range(n_threads))

        def predict_some(thread: int) -> None:
            first, last = (n_batches * t // n_threads for t in (thread, thread + 1))
            self._used[thread].run(first, last)
            left.discard(thread)

        Helpers().run(predict_some, n_threads)
        for thread in sorted(left):  # their helpers could not be started
            predict_some(thread)

    def is_finite(self, x: Array) -> bool:
        """Whether all elements of `x`, which was just predicted, and their sum are finite."""
        if self._used[0].inputs.are_added_up:
            totals = (worker.plan.kept("total")[0].tolist() for worker in self._used)
            return all(map(math.isfinite, chain.from_iterable(totals)))
        return has_finite_sum(x)

    def _n_threads_for(self, n_rows: int) -> int:
        if self._n_threads is not None:
            return min(self._n_threads, max(1, -(-n_rows // BATCH_ROWS)))
        n_useful = n_rows // ROWS_PER_THREAD
        return min(n_useful, usable_threads()) if n_useful > 1 else 1


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
    return Predictor(input_scale, n_threads, problem)(weights, biases, x)


def prepare(
    weights: Sequence[Array],
    biases: Sequence[Array],
    x: Any,
    input_scale: float | None = None,
    problem: Problem = TUTORIAL,
) -> None:
    """Compile or load in advance the kernels that predicting such rows takes.

    See :func:`predict_proba` for the parameters.
    """
    worker = _Worker(weights, biases, readable(x), None, input_scale, problem)
    worker.choose(as_labels=False)
    worker.run(0, 0)


def forward(
    weights: Sequence[Array],
    biases: Sequence[Array],
    x: Any,
    input_scale: float | None = None,
    problem: Problem = TUTORIAL,
) -> list[Array]:
    """Return the activations of every layer, each (n_rows, n_out); see :func:`predict_proba`."""
    return Predictor(input_scale, 1, problem).forward(weights, biases, x)
