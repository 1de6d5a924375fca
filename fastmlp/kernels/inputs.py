"""The rows of X, as a plan's kernels read them: in place or copied, with zeros skipped or not.

Dense rows are read where they lie if zeros are skipped, their dtype is the network's or uint8, and
inputs come in whole groups; or if they are taken in the order in which they lie, and their dtype is
the network's. Else a batch's rows are copied to a block, converted on the way. Sparse rows always
are. Where zeros are skipped, floats that are to be read often are read as bytes if they can be; see
:mod:`fastmlp.kernels.levels`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from fastmlp.checks.features import FEATURE_DTYPES
from fastmlp.checks.numbers import as_input_scale
from fastmlp.checks.own import own_rows
from fastmlp.engine import Features
from fastmlp.kernels.codegen.buffers import PAGE, aligned
from fastmlp.kernels.codegen.kernel import Stage
from fastmlp.kernels.layout.blocking import LONGEST_GROUP
from fastmlp.kernels.layout.memory_plan import Plan
from fastmlp.kernels.levels import FEWEST_EPOCHS, N_LEVELS, Levels, find_levels
from fastmlp.kernels.stages.gather import Source, follow, gather, gather_sparse
from fastmlp.kernels.stages.nonzero_masks import find_nonzeros, locate
from fastmlp.kernels.stages.skip_zeros import Elements
from fastmlp.reference import scale_inputs

GROUP = 4  # inputs of a group, for the estimate of how many are skipped
SAMPLED_ROWS = 128  # rows from which the share of zeros is estimated
SKIP_BELOW = 0.6  # share of nonzero groups of inputs, below which skipping the others pays


@dataclass(frozen=True)
class Sampled(Features):
    """Features, with what `read` has found of them.

    Attributes
    ----------
    skips : bool, optional
        Whether there are zeros enough to skip them, where that is known.
    levels : Levels, optional
        The same numbers as bytes: then all of them are finite.
    """

    skips: bool | None = None
    levels: Levels | None = None


class Inputs:
    """The rows of X: chooses how they are read, and writes it to a plan's records.

    Parameters
    ----------
    plan : Plan
    x : ndarray or SciPy CSR of shape (n_rows, n_features)
        From `readable`. It is read where it lies, a batch at a time.
    input_scale : float, optional
        See `fastmlp.reference.scale_inputs`.
    skips : bool
        Whether zeros are skipped; see `skips_zeros`.
    are_in_order : bool
        Whether rows are taken in the order in which they lie.
    levels : Levels, optional
        The elements of `x` as bytes.

    Attributes
    ----------
    stages : list of Stage
        The first stages of a step, after which the rows of its batch are at hand.
    skipped : Elements or None
        Where zeros are skipped: what rows are made of where they are read.
    are_in_place : bool
        Whether rows are read from X itself.
    are_added_up : bool
        Whether they are added up, too.

    Raises
    ------
    ValueError
        If `input_scale` is beyond the range of the network's dtype, or x has other columns.
    """

    def __init__(
        self,
        plan: Plan,
        x: Any,
        input_scale: float | None = None,
        skips: bool = False,
        are_in_order: bool = False,
        levels: Levels | None = None,
    ) -> None:
        dtype = plan.dtype
        if x.shape[1] != plan.n_features:
            raise ValueError(f"x has {x.shape[1]} columns: give {plan.n_features}")
        plan.put("scale", np.full(1, as_input_scale(input_scale, dtype), dtype))
        self.skipped = Elements(are_pixels=False) if skips else None
        self.are_in_place = self.are_added_up = False
        if isinstance(x, np.ndarray):
            self.stages = self._dense(plan, x, input_scale, are_in_order, levels)
        else:
            self.stages = self._sparse(plan, x, input_scale)
        first = plan.layers[:, 0]
        if skips:
            first["n_in_updated"] = first["n_in_padded"]  # whole groups of inputs
        plan.set_row_unit(skips)

    def _dense(
        self,
        plan: Plan,
        x: np.ndarray,
        input_scale: float | None,
        are_in_order: bool,
        levels: Levels | None,
    ) -> list[Stage]:
        in_groups = self.skipped is not None and _is_in_groups(x)
        if not in_groups:
            levels = None
        elif x.dtype == np.uint8:
            levels = _levels_of_pixels(x, plan.dtype, input_scale)
        self.are_in_place = in_groups and (levels is not None or x.dtype == plan.dtype)
        plan.works["levels"] = 0
        if levels is not None:
            if levels.numbers.shape != x.shape:
                raise ValueError("levels are those of other rows")
            x = levels.numbers
            self.skipped = Elements(are_pixels=True)
            with np.errstate(over="ignore"):  # of levels that X does not have
                plan.put("levels", aligned(N_LEVELS, plan.dtype))[:] = levels.table
        plan.put("x", x)
        plan.works["row_bytes"] = x.shape[1] * x.itemsize
        if self.are_in_place:
            stages = [Stage("gather", locate)]
        elif (
            are_in_order
            and self.skipped is None
            and x.dtype == plan.dtype
            and plan.works["row_bytes"][0] % PAGE  # else a tile's rows get in each other's way
        ):
            self.are_in_place = self.are_added_up = True
            plan.layers[:, 0]["inputs_row"] = x.shape[1]
            stages = [Stage("gather", follow)]
        else:
            stages = [Stage("gather", gather, 0, (Source(x.dtype.name),))]
        if self.skipped is not None:
            stages.append(Stage("gather", find_nonzeros, 0, (self.skipped,)))
        return stages

    def _sparse(self, plan: Plan, x: Any, input_scale: float | None) -> list[Stage]:
        plan.put("x", scale_inputs(x.data, plan.dtype, input_scale))
        plan.put("x_indices", np.ascontiguousarray(x.indices, np.int32))
        plan.put("x_indptr", np.ascontiguousarray(x.indptr, np.int64))
        plan.works["levels"] = 0
        if self.skipped is None:
            plan.works["masks"] = 0
        return [Stage("gather", gather_sparse)]


def readable(x: Any) -> Any:
    """Return rows as kernels may read them, or raise ValueError; see `own_rows`.

    Values may change while they are read: kernels find nothing by them.
    """
    rows = own_rows(x)
    if isinstance(rows, np.ndarray):
        values, are_rows = rows, rows.ndim == 2
    else:
        values, are_rows = rows.data, rows.format == "csr"
    if not (are_rows and values.flags.c_contiguous and values.dtype in FEATURE_DTYPES):
        raise ValueError("x is no C-contiguous array of uint8, float32 or float64, and no CSR")
    return rows


def _is_in_groups(x: np.ndarray) -> bool:
    """Whether rows are whole groups of inputs: these are skipped, and read, as one."""
    return x.shape[1] % LONGEST_GROUP == 0


def _levels_of_pixels(x: np.ndarray, dtype: np.dtype[Any], input_scale: float | None) -> Levels:
    """Return pixels with what they count as."""
    with np.errstate(over="ignore"):
        return Levels(x, scale_inputs(np.arange(N_LEVELS, dtype=np.uint8), dtype, input_scale))


def read(x: Any, n_epochs: int) -> Sampled:
    """Return rows, with floats as bytes too, if they are read so often that it pays, and can be."""
    if (
        n_epochs < FEWEST_EPOCHS
        or not isinstance(x, np.ndarray)
        or x.dtype == np.uint8
        or not _is_in_groups(x)
    ):
        return Sampled(x)
    skips = skips_zeros(x)
    levels = find_levels(x) if skips else None
    return Sampled(x, levels is not None, skips, levels)


def skips_zeros(x: Any, wanted: bool | None = None) -> bool:
    """Whether zeros are skipped: as wanted, by default where there are enough of them."""
    return nonzero_share(x) < SKIP_BELOW if wanted is None else wanted


def nonzero_share(x: Any, group: int = GROUP) -> float:
    """Share of the groups of neighbouring inputs, as the kernels take them, that hold a nonzero.

    `group` is 2, 4 or 8: a group of flags is then one integer, and groups are looked at fast.
    """
    n_rows, n_features = x.shape
    rows = x[:: max(1, n_rows // SAMPLED_ROWS)]
    n_groups = -(-n_features // group)
    if isinstance(rows, np.ndarray):
        nonzero = np.zeros((len(rows), n_groups * group), bool)
        np.not_equal(rows, 0, out=nonzero[:, :n_features])
        found = int(np.count_nonzero(nonzero.view(f"u{group}")))
    else:  # a million columns are no reason to write out their zeros
        row_numbers = np.repeat(np.arange(rows.shape[0]), np.diff(rows.indptr))
        places = row_numbers * n_groups + rows.indices // group
        found = len(np.unique(places[rows.data != 0]))
    return float(found) / (rows.shape[0] * n_groups)
