"""Runs epochs of training, in stretches of some milliseconds of compiled work.

A trainer copies parameters into packed buffers, fills a table of the epoch's steps, and calls
`interpreter.run` for each stretch. Python runs only between stretches, so an epoch costs what its
arithmetic does, and Ctrl-C waits for no longer than a stretch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmlp.checks.own import own_targets
from fastmlp.kernels import program
from fastmlp.kernels.codegen.brief import own_orders
from fastmlp.kernels.codegen.buffers import aligned
from fastmlp.kernels.codegen.compile_notice import watch
from fastmlp.kernels.inputs import Inputs, Sampled, readable, skips_zeros
from fastmlp.kernels.layout.by_inputs import most_threads
from fastmlp.kernels.layout.memory_plan import useful_threads
from fastmlp.kernels.runtime import clock, midway
from fastmlp.kernels.runtime.autotune import Choice, Pace, now, since
from fastmlp.kernels.runtime.barrier import TEAM_BYTES, disband
from fastmlp.kernels.runtime.interpreter import run
from fastmlp.kernels.runtime.step_table import StepTable
from fastmlp.kernels.runtime.threads import Fit, Helpers
from fastmlp.kernels.ways import Ways
from fastmlp.problem import TUTORIAL, Problem

Array = NDArray[Any]


class Trainer:
    """Epochs of mini-batches over one set of rows; `fastmlp.reference.Trainer`, compiled.

    Parameters
    ----------
    weights, biases : list of ndarray
        w1..wL of shapes (n_in, n_out) and b1..bL of shapes (1, n_out), all float32 or all float64.
        `load` reads them and `export` writes them; nothing else touches them.
    x : ndarray or SciPy CSR of shape (n_rows, n_features), or Sampled
        uint8, float32 or float64, C-contiguous. It is read in place, a batch at a time; or, instead
        of it, the bytes that `fastmlp.kernels.read` has encoded it as. The structure of CSR is
        copied.
    y : ndarray of shape (n_rows,) or (n_rows, n_outputs)
        Labels of intp, in 0..n_outputs-1, or dense targets in the network's dtype. They are copied.
    problem, batch_size, learning_rate, lambda_reg, input_scale, row_weights, l2_by_rows, floor, \
seed, with_penalty, total
        See `fastmlp.reference.Trainer`, as for the methods; `fastmlp.engine.Trainer` has the
        attributes.
    n_threads : int, optional
        By default as many as are fastest.
    skip_zeros : bool, optional
        By default if X has enough zeros. It changes the speed, but no bit of a finite result.
    """

    def __init__(
        self,
        weights: Sequence[Array],
        biases: Sequence[Array],
        x: Any,
        y: Array,
        *,
        problem: Problem = TUTORIAL,
        batch_size: int = 64,
        learning_rate: float | NDArray[np.float64] = 0.01,
        lambda_reg: float = 0.001,
        input_scale: float | None = None,
        n_threads: int | None = None,
        row_weights: Array | None = None,
        l2_by_rows: bool = False,
        floor: float | None = None,
        seed: int = 0,
        with_penalty: bool = False,
        total: float | None = None,
        skip_zeros: bool | None = None,
    ) -> None:
        # Settings and counters
        self.outside = weights, biases
        self.problem, self.batch_size = problem, batch_size
        self.learning_rate: Any = learning_rate  # one, or one for each step
        self.lambda_reg = lambda_reg
        self._with_penalty = with_penalty
        self.n_steps = 0
        self.mean_loss = self.penalty = 0.0
        self._step = 0  # within an epoch
        self._resumed: Mapping[str, Any] = {}  # sums to go on from

        # Memory
        features = x if isinstance(x, Sampled) else Sampled(x)
        x = readable(features.x)
        entries = program.Entries.of(problem, len(weights), has_labels=y.ndim == 1)
        self._n_rows, self._has_labels = x.shape[0], entries.loss.of_labels
        skips = skips_zeros(x, features.skips if skip_zeros is None else skip_zeros)
        most_by_inputs = most_threads(weights, batch_size) if skips else 1
        self._pace = Pace(n_threads, useful_threads(weights, batch_size), most_by_inputs)
        self._plan = plan = program.training_plan(
            entries, weights, biases, batch_size, max(self._pace.choices).n_threads, skips
        )
        self.states = [
            tuple(np.zeros_like(parameter) for _ in range(plan.n_states))
            for parameter in (*weights, *biases)
        ]
        self.inputs = Inputs(plan, x, input_scale, skips, levels=features.levels)
        self.set_targets(y)
        least = np.finfo(plan.dtype).tiny if floor is None else floor
        plan.put("floor", np.full(1, least, plan.dtype))
        if row_weights is not None:
            row_weights = np.array(row_weights).reshape(self._n_rows)
            plan.put("row_weights", np.ascontiguousarray(row_weights, plan.dtype))
        self._steps = StepTable(plan, problem, batch_size, row_weights, l2_by_rows, seed, total)
        self._team = plan.put("team", aligned(TEAM_BYTES, np.uint8))
        self._helpers = Helpers()
        self._fit = Fit()

        # Program
        by_inputs = any(choice.by_inputs for choice in self._pace.choices)
        self._ways = Ways(entries, plan, self.inputs, with_penalty, by_inputs)
        self.stage_names = self._ways.stage_names
        # One message reports this and everything else that is compiled before the first epoch,
        # which closes it.
        with ExitStack() as message:
            message.enter_context(watch.as_one())
            self._ways.compile()
            self._run_part(0, 1, 0, 0)
            self._compile_message = message.pop_all()

    def set_targets(self, y: Array) -> None:
        """Continue with a copy of these targets, of the same kind as those before."""
        plan = self._plan
        targets = own_targets(y, self._has_labels, self._n_rows, plan.n_outputs, plan.dtype)
        plan.put("targets", targets)
        plan.works["target_row"] = 1 if self._has_labels else plan.n_outputs

    @property
    def dropout(self) -> float:
        """Share of the hidden units that a step leaves out."""
        return self._steps.dropout

    @dropout.setter
    def dropout(self, share: float) -> None:
        self._steps.set_dropout(share)

    def epoch(self, order: NDArray[np.intp], between: Callable[[], object] | None = None) -> float:
        """Take a step for each batch of rows in `order`; return the last batch's loss before it."""
        losses, penalties, last = self.epochs(order.reshape(1, -1), between)
        self.mean_loss, self.penalty = float(losses[0]), float(penalties[0])
        return float(last[0])

    def repeat(self) -> None:
        """Take the steps of the last call of `epoch` again, with the same scalars."""
        self._take_filled()
        self.mean_loss = float(self._steps.mean_losses()[0])

    def epochs(
        self, orders: NDArray[np.intp], between: Callable[[], object] | None = None
    ) -> tuple[Array, Array, Array]:
        """Take some epochs; return `mean_loss`, `penalty` and the last batch's loss of each.

        Starting an epoch in Python takes as long as thousands of rows of a small network do. So
        short epochs are run together, as one long one.
        """
        self._take(orders, between)
        penalties = np.zeros(len(orders))
        if self._with_penalty:
            penalties = 0.5 * self._plan.squares() / np.maximum(self._steps.n_rows(), 1)
        return self._steps.mean_losses(), penalties, self._steps.last_losses()

    def mark(self) -> None:
        """Remember parameters, states and the number of steps, for `go_back`."""
        self._marked = None  # one snapshot at a time
        self._marked = self.n_steps, self._plan.packed.snapshot()

    def go_back(self) -> None:
        """Continue from where `mark` was called."""
        self._helpers.wait()
        assert self._marked is not None
        self.n_steps, snapshot = self._marked
        self._plan.packed.restore(snapshot)

    def is_finite(self) -> bool:
        """Return whether all parameters are finite."""
        return self._plan.packed.is_finite()

    def _take(self, orders: NDArray[np.intp], between: Callable[[], object] | None) -> None:
        """Take the steps of some epochs; each row of `orders` is the order of one epoch's rows."""
        self._compile_message.close()
        orders = own_orders(orders, self._n_rows)
        plan = self._plan
        plan.put("order", orders)
        plan.works["n_ordered"] = orders.size
        self._steps.fill(orders, self.learning_rate, self.lambda_reg, self.n_steps)
        if self._with_penalty:
            plan.clear_squares(len(orders))
        first = midway.restore(self._resumed, plan, self._steps, self._with_penalty)
        self._resumed = {}
        self._take_filled(first, between)
        self.n_steps += self._steps.n_taken

    def _take_filled(self, first: int = 0, between: Callable[[], object] | None = None) -> None:
        """Take the steps in the step table from `first` on, a stretch at a time."""
        step, n_steps = first, self._steps.n_steps
        with self._fit as fit:
            while step < n_steps:
                choice, steps = self._pace.next()
                choice = choice if fit.is_alone else Choice(1)
                # Stretches of equal length: a short last one would make threads look slow.
                end = step + -(-(n_steps - step) // -(-(n_steps - step) // steps))
                start = now()
                self._run(choice, step, end)
                self._pace.took(choice, end - step, *since(start))
                step = end
                if between is not None and step < n_steps:
                    self._step = step
                    between()
                    self._step = 0

    def sums(self) -> dict[str, Any]:
        """Return what the steps of an epoch so far have summed up; nothing between epochs."""
        return midway.sums(self._step, self._plan, self._steps, self._with_penalty)

    def go_on(self, sums: Mapping[str, Any], n_ordered: int) -> None:
        """Have the next call of `epoch` begin after the steps that `sums` was called after."""
        midway.check(sums, self._plan, -(-n_ordered // self.batch_size), self._with_penalty)
        self._resumed = sums

    def watch(self) -> NDArray[np.int64]:
        """Start stopwatches with the next epoch; return one row for each thread, see `clock`."""
        shape = (self._plan.n_copies, clock.n_fields(len(self.stage_names)))
        return self._plan.put_each("watch", aligned(shape, np.int64))

    def unwatch(self) -> None:
        """Stop the stopwatches."""
        self._plan.works["watch"] = 0

    def _run(self, choice: Choice, first: int, last: int) -> None:
        """Run one stretch, steps `first` to `last`, in compiled code, which releases the GIL."""
        self._helpers.wait()  # one may be at work still, after an interrupt
        self._team[:] = 0
        n_threads, by_inputs = choice
        self._ways.choose(by_inputs)
        if n_threads == 1:
            self._run_part(0, 1, first, last)
        else:
            self._helpers.run(
                lambda thread: self._run_part(thread, n_threads, first, last),
                n_threads,
                lambda: disband(self._team),
            )

    def _run_part(self, thread: int, n_threads: int, first: int, last: int) -> int:
        """Run one thread's part of a stretch; see `interpreter.run`."""
        work, stages = self._plan.work(thread), self._ways.stages
        return run(work, stages.ctypes.data, len(stages), n_threads, first, last, True)

    def load(self) -> None:
        """Continue from the values in the caller's arrays, `outside` and `states`."""
        self._plan.packed.write(*self.outside)
        for states in self._states():
            self._plan.packed.write(*states)

    def restart(self) -> None:
        """Continue from the parameters in the caller's arrays, and from states of 0."""
        self._plan.packed.write(*self.outside)
        self._plan.packed.clear_states()

    def export(self) -> None:
        """Write the parameters and the states into the caller's arrays."""
        self._helpers.wait()
        self._plan.packed.read(*self.outside)
        self.export_states()

    def export_states(self) -> None:
        """Write the states into the caller's arrays."""
        self._helpers.wait()
        for states in self._states():
            self._plan.packed.read(*states)

    def _states(self) -> Iterator[tuple[list[Array], list[Array], int]]:
        """The arrays in `states` for weights and for biases, and which of the states they are."""
        n_layers = len(self.outside[0])
        for i, arrays in enumerate(zip(*self.states, strict=True)):
            yield [*arrays[:n_layers]], [*arrays[n_layers:]], i

    def close(self) -> None:
        """Nothing to release: threads end with each stretch."""
        self._compile_message.close()

    def __enter__(self) -> Trainer:
        """Begin a whole fit: what Python does between two stretches takes a core, too."""
        self._fit.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._fit.__exit__()
        self.close()
