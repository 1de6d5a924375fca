"""Epochs of gradient descent, in stretches of some milliseconds of compiled work."""

from __future__ import annotations

import time
from collections.abc import Sequence
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmlp.kernels import clock
from fastmlp.kernels import plan as at
from fastmlp.kernels.gather import CSR, FLOAT32, FLOAT64, UINT8
from fastmlp.kernels.pace import Pace
from fastmlp.kernels.plan import LONGEST_GROUP, Plan, aligned, useful_threads
from fastmlp.kernels.step import run_steps
from fastmlp.kernels.team import TEAM_BYTES
from fastmlp.kernels.threads import Fit, Helpers
from fastmlp.reference import cross_entropy, scale_inputs

Array = NDArray[Any]

GROUP = 4  # inputs that are skipped together, or not
SAMPLED_ROWS = 512  # rows from which the share of zeros is estimated
SKIP_BELOW = 0.6  # share of nonzero groups of inputs, below which skipping the others pays

_KINDS = {"uint8": UINT8, "float32": FLOAT32, "float64": FLOAT64}


def put_inputs(
    plan: Plan, x: Any, input_scale: float | None = None, skip_zeros: bool | None = None
) -> None:
    """Tell `plan` where the rows of `x` lie, and whether there are zeros enough to skip.

    Raises
    ------
    ValueError
        If `input_scale` is beyond the range of the network's dtype.
    """
    dtype = plan.dtype
    scale = 1.0 if input_scale is None else float(input_scale)
    tiny = float(np.finfo(dtype).tiny)
    if not tiny <= scale <= 1 / tiny:
        raise ValueError(
            f"input_scale is {input_scale!r}, out of the range of {dtype}: give it nearer to 1"
        )
    plan.put(at.SCALE, np.full(1, scale, dtype))
    if isinstance(x, np.ndarray):
        plan.put(at.X, x)
        plan[at.X_KIND] = _KINDS[x.dtype.name]
    else:  # SciPy's CSR
        plan.put(at.X, scale_inputs(x.data, dtype, input_scale))
        plan.put(at.X_INDICES, np.ascontiguousarray(x.indices, np.int32))
        plan.put(at.X_INDPTR, np.ascontiguousarray(x.indptr, np.int64))
        plan[at.X_KIND] = CSR
    if skip_zeros is None:
        skip_zeros = nonzero_share(x) < SKIP_BELOW
    plan[at.IS_SKIPPING] = int(skip_zeros)
    is_readable = isinstance(x, np.ndarray) and x.dtype in (np.uint8, dtype)
    # Inputs are skipped, and read, in whole groups.
    is_in_place = skip_zeros and is_readable and x.shape[1] % LONGEST_GROUP == 0
    plan[at.IS_IN_PLACE], plan[at.LEVELS] = int(is_in_place), 0
    if is_in_place and x.dtype == np.uint8:
        levels = plan.put(at.LEVELS, aligned(256, dtype))
        levels[:] = scale_inputs(np.arange(256, dtype=np.uint8), dtype, input_scale)


def nonzero_share(x: Any, group: int = GROUP) -> float:
    """Share of the groups of neighbouring inputs, as the kernels take them, that hold a nonzero.

    `group` is 2, 4 or 8: a group of flags is then one integer, and groups are looked at fast.
    """
    n_rows, n_features = x.shape
    rows = x[:: max(1, n_rows // SAMPLED_ROWS)]
    rows = rows if isinstance(rows, np.ndarray) else rows.toarray()
    n_groups = -(-n_features // group)
    nonzero = np.zeros((len(rows), n_groups * group), bool)
    np.not_equal(rows, 0, out=nonzero[:, :n_features])
    return float(np.count_nonzero(nonzero.view(f"u{group}"))) / (len(rows) * n_groups)


class Trainer:
    """Epochs of gradient descent on one set of rows; `fastmlp.reference.Trainer`, compiled.

    Parameters
    ----------
    weights, biases : list of ndarray
        w1..wL of shapes (n_in, n_out) and b1..bL of shapes (1, n_out), all float32 or all float64.
        `load` reads them and `export` writes them; nothing else touches them.
    x : ndarray or SciPy CSR of shape (n_rows, n_features)
        uint8, float32 or float64, C-contiguous. It is read where it lies, a batch at a time.
    y : ndarray of intp, shape (n_rows,)
        Labels, which have been checked to lie in 0..n_classes-1.
    batch_size : int
        Rows in a step; an epoch's last step takes what is left.
    learning_rate, lambda_reg : float
        See `fastmlp.reference.update`. `learning_rate` may be assigned between epochs.
    input_scale : float, optional
        See `fastmlp.reference.scale_inputs`.
    n_threads : int, optional
        By default as many as are fastest.
    skip_zeros : bool, optional
        By default where the data have zeros enough. It changes the speed, not a bit of the result
        (as long as that is finite).
    """

    def __init__(
        self,
        weights: Sequence[Array],
        biases: Sequence[Array],
        x: Any,
        y: NDArray[np.intp],
        *,
        batch_size: int = 64,
        learning_rate: float = 0.01,
        lambda_reg: float = 0.001,
        input_scale: float | None = None,
        n_threads: int | None = None,
        skip_zeros: bool | None = None,
    ) -> None:
        self.outside = weights, biases
        self.batch_size = batch_size
        self.learning_rate, self.lambda_reg = learning_rate, lambda_reg
        self.input_scale = input_scale
        self._y = np.ascontiguousarray(y, np.int64)
        self._pace = Pace(n_threads, useful_threads(weights, batch_size))
        self._plan = Plan(weights, biases, batch_size, max(self._pace.choices))
        put_inputs(self._plan, x, input_scale, skip_zeros)
        self._plan.put(at.LABELS, self._y)
        self._helpers = Helpers()
        self._team = aligned(TEAM_BYTES, np.uint8)
        self._plan.put(at.TEAM, self._team)
        # Compile now, so that compiling is no part of any stretch's time.
        run_steps(self._plan.address, 0, 1, 0, 0, *self._scalars(batch_size))

    def epoch(self, order: NDArray[np.intp]) -> float:
        """Take a step for each batch of rows in `order`; return the last batch's loss before it."""
        order = np.ascontiguousarray(order, np.int64)
        self._plan.put(at.ORDER, order)
        self._plan[at.N_ROWS] = len(order)
        n_steps = -(-len(order) // self.batch_size)
        last_rows = len(order) - (n_steps - 1) * self.batch_size
        scalars = self._scalars(last_rows)
        step = 0
        with Fit() as fit:
            while step < n_steps:
                n_threads, steps = self._pace.next()
                n_threads = n_threads if fit.is_alone else 1
                # Stretches of one length: a short last one would make threads look slow.
                end = step + -(-(n_steps - step) // -(-(n_steps - step) // steps))
                start = time.perf_counter()
                self._run(n_threads, step, end, scalars)
                self._pace.took(n_threads, end - step, time.perf_counter() - start)
                step = end
        chosen = self._plan.chosen[:last_rows, np.newaxis]
        return cross_entropy(chosen, np.zeros(last_rows, np.intp))

    def watch(self) -> NDArray[np.int64]:
        """Return a stopwatch for each thread, running from the next epoch on; see `clock`."""
        shape = (max(self._pace.choices), clock.n_fields(len(self._plan.layers)))
        watches = self._plan.put(at.WATCHES, aligned(shape, np.int64))
        self._plan[at.WATCHES_COPY] = watches[0].size
        return watches

    def unwatch(self) -> None:
        """Stop the stopwatches."""
        self._plan[at.WATCHES] = self._plan[at.WATCHES_COPY] = 0

    def _run(self, n_threads: int, first: int, last: int, scalars: list[Any]) -> None:
        """One stretch: steps `first` to `last`, in compiled code that holds no lock."""
        self._team[:] = 0

        def part(thread: int) -> None:
            run_steps(self._plan.address, thread, n_threads, first, last, *scalars)

        self._helpers.run(part, n_threads)

    def _scalars(self, last_rows: int) -> list[Any]:
        """The floats that `run_steps` takes, in the network's dtype."""
        decay = 1.0 - self.learning_rate * self.lambda_reg
        rates = (-self.learning_rate / n for n in (self.batch_size, last_rows))
        return [self._plan.dtype.type(value) for value in (decay, *rates, 1.0)]

    def load(self) -> None:
        """Go on from the values in the arrays that were handed in."""
        self._plan.pack(*self.outside)

    def export(self) -> None:
        """Write the current parameters into the arrays that were handed in."""
        self._helpers.wait()
        self._plan.unpack(*self.outside)

    def close(self) -> None:
        """Nothing to release: threads end with each stretch."""

    def __enter__(self) -> Trainer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
