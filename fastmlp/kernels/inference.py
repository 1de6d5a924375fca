"""Activations and predictions of any number of rows, a batch at a time."""

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
MOST_KEPT = 2**16  # rows whose numbers are kept from call to call


class _Worker:
    """A plan and a program for the rows of one thread, with all buffers for itself."""

    def __init__(
        self,
        weights: Sequence[Array],
        biases: Sequence[Array],
        x: Any,
        input_scale: float | None = None,
        problem: Problem = TUTORIAL,
        skip_zeros: bool | None = None,
        batch_rows: int | None = None,
    ) -> None:
        self.batch_rows = batch_rows or max(1, min(BATCH_ROWS, x.shape[0]))
        self.plan = plan = Plan(weights, biases, self.batch_rows, n_threads=0)
        inputs = Inputs(plan, x, input_scale, skips_zeros(x, skip_zeros), are_in_order=True)
        self.adds_up = inputs.are_added_up
        self._inputs = inputs
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
        """Have the values of these parameters taken over, when the next batch is predicted."""
        plan = self.plan
        self._given = given = [np.ascontiguousarray(a, plan.dtype) for a in (*weights, *biases)]
        if [array.shape for array in given] != self._shapes:
            raise ValueError("the parameters are of other shapes than in the first call")
        addresses = [address_of(array) for array in given]
        plan.layers[0]["given"] = addresses[: len(weights)]
        plan.layers[0]["given_bias"] = addresses[len(weights) :]
        plan.works["not_finite"] = 0

    @property
    def has_finite_parameters(self) -> bool:
        """Whether all that was taken over is finite."""
        return not self.plan.works["not_finite"][0]

    def expect(self, x: Any, out: Array, as_labels: bool = False) -> None:
        """Have rows predicted, in batches, in the order in which they lie."""
        self.choose(as_labels)
        plan, n_rows, size = self.plan, x.shape[0], self.batch_rows
        plan.put("out", out)
        if self.adds_up:
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
        steps = plan.put("steps", at.STEP.rows(max(1, len(firsts))))
        steps["first_row"][: len(firsts)] = firsts
        steps["n_rows"][: len(firsts)] = np.minimum(n_rows - firsts, size)
        plan.put("order", np.arange(n_rows, dtype=np.int64))
        plan.works["n_ordered"] = self._n_rows = n_rows

    def choose(self, as_labels: bool) -> None:
        """Have outputs predicted, or the numbers of the largest ones."""
        if as_labels not in self._tables:
            stages = program.prediction(
                self._entries, self._inputs.stages, self._inputs.skipped, as_labels
            )
            self._tables[as_labels] = program.table(stages, self.plan.dtype)
        self._stages = self._tables[as_labels]

    def run(self, first: int, last: int) -> None:
        """Predict batches `first` to `last`, without the last one itself."""
        stages = self._stages
        run(self.plan.work(0), address_of(stages), len(stages), 1, first, last, False)

    def release(self) -> None:
        """Let go of the parameters, and of what grows with the rows."""
        self._given = []
        for field in ("out",) if self._is_sparse else ("x", "out"):
            self.plan.take(field)
        if self._n_rows > MOST_KEPT:
            self._n_rows = -1
            for field in ("order", "steps"):
                self.plan.take(field)


class Predictor:
    """Predictions of one network again and again, of any numbers of rows, by one call at a time.

    To lay out the buffers takes as long as to predict a thousand rows of a small network, and is
    done once.

    Parameters
    ----------
    input_scale, n_threads, problem
        See :func:`predict_proba`.
    skip_zeros : bool, optional
        By default where the first rows have zeros enough.
    batch_rows : int, optional
        Rows that are predicted together; by default no more than there are in the first call.

    Attributes
    ----------
    n_bytes : int
        Memory that is kept from call to call.
    """

    n_bytes = 0

    def __init__(
        self,
        input_scale: float | None = None,
        n_threads: int | None = None,
        problem: Problem = TUTORIAL,
        skip_zeros: bool | None = None,
        batch_rows: int | None = None,
    ) -> None:
        self._n_threads = n_threads
        self._settings: Any = input_scale, problem, skip_zeros, batch_rows
        self._workers: list[_Worker] = []
        self._used: list[_Worker] = []

    def __call__(
        self, weights: Sequence[Array], biases: Sequence[Array], x: Any, as_labels: bool = False
    ) -> Array:
        """Return the last layer's outputs for each row; see :func:`predict_proba`.

        With `as_labels`, the number of each row's largest one, (n_rows,) of int64, the first of
        equals: that of its logits, which softmax may round to equals.

        In all calls shapes and dtypes of the parameters are the same, and the dtype of `x`. Only
        the first call may be one with CSR.
        """
        x = readable(x)
        n_rows = x.shape[0]
        n_threads = self._n_threads_for(n_rows)
        workers = self._hire(n_threads, weights, biases, x)
        plan = workers[0].plan
        shape, dtype = (n_rows, plan.n_outputs), plan.dtype
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
        n_rows = x.shape[0]
        (worker,) = self._hire(1, weights, biases, x)
        sizes = worker.plan.layers["n_out"][0]
        activations = [np.empty((n_rows, n), worker.plan.dtype) for n in sizes]
        worker.expect(x, activations[-1])
        worker.load(weights, biases)
        for batch in range(worker.n_batches):
            worker.run(batch, batch + 1)
            first = batch * worker.batch_rows
            last = min(first + worker.batch_rows, n_rows)
            for layer, activation in enumerate(activations[:-1]):
                outputs = worker.plan.outputs(layer)
                activation[first:last] = outputs[: last - first, : activation.shape[1]]
        worker.release()
        return activations

    @property
    def has_finite_parameters(self) -> bool:
        """Whether all of those in the last call, in which there were rows, were finite."""
        return all(worker.has_finite_parameters for worker in self._used)

    def _hire(
        self, n_threads: int, weights: Sequence[Array], biases: Sequence[Array], x: Any
    ) -> list[_Worker]:
        """Return the workers of a call; those that are missing are made."""
        while len(self._workers) < n_threads:
            worker = _Worker(weights, biases, x, *self._settings)
            self._workers.append(worker)
            self.n_bytes += worker.plan.n_bytes
        self._used = self._workers[:n_threads]
        return self._used

    def _share(self) -> None:
        """Have all workers predict an equal share of the batches, each in a thread."""
        workers, n_threads = self._used, len(self._used)
        left = set(range(n_threads))

        def predict_some(thread: int) -> None:
            """The batches of one thread."""
            n_batches = workers[thread].n_batches
            workers[thread].run(*(n_batches * t // n_threads for t in (thread, thread + 1)))
            left.discard(thread)

        Helpers().run(predict_some, n_threads)
        for thread in sorted(left):  # whose helper could not be started
            predict_some(thread)

    def is_finite(self, x: Array) -> bool:
        """Whether all numbers of `x`, which was just predicted, and their sum are finite."""
        if self._used[0].adds_up:
            totals = (worker.plan.kept("total")[0].tolist() for worker in self._used)
            return all(map(math.isfinite, chain.from_iterable(totals)))
        return has_finite_sum(x)

    def _n_threads_for(self, n_rows: int) -> int:
        if self._n_threads is not None:
            return min(self._n_threads, max(1, -(-n_rows // BATCH_ROWS)))
        n_useful = max(1, n_rows // ROWS_PER_THREAD)
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
    """Compile, or load, what predictions of these rows need, before it is time for them.

    See :func:`predict_proba` for the parameters.
    """
    x = readable(x)
    worker = _Worker(weights, biases, x, input_scale, problem)
    worker.choose(as_labels=False)
    worker.run(0, 0)


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
    return Predictor(input_scale, 1, problem).forward(weights, biases, x)
