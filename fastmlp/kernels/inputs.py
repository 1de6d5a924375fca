"""Decides how kernels read the rows of X: in place or copied, with zeros skipped or not.

Dense rows are read in place in two cases: if zeros are skipped, the dtype is the network's or
uint8, and features come in whole groups; or if rows are read in the order of memory and the dtype
is the network's. Otherwise the rows of each batch are copied to a block and converted.
Sparse rows are always copied. If zeros are skipped and X is read often, floats are read as bytes
where possible; see :mod:`fastmlp.kernels.levels`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from fastmlp.checks.arguments import as_input_scale
from fastmlp.checks.features import FEATURE_DTYPES
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

GROUP = 4  # inputs per group, for estimating how many groups can be skipped
SAMPLED_ROWS = 128  # rows from which the share of zeros is estimated
SKIP_BELOW = 0.6  # share of nonzero groups below which skipping the others pays
CLEAR_FROM = 1 / 16  # share of stored elements from which clearing whole blocks pays


@dataclass(frozen=True)
class Sampled(Features):
    """Features, with what `read` has found out about them.

    Attributes
    ----------
    skips : bool, optional
        Whether there are enough zeros to skip them, if that is known.
    levels : Levels, optional
        The same elements as bytes: then all of them are finite.
    """

    skips: bool | None = None
    levels: Levels | None = None


class Inputs:
    """Chooses how the rows of X are read, and writes that to a plan's records.

    Parameters
    ----------
    plan : Plan
    x : ndarray or SciPy CSR of shape (n_rows, n_features)
        From `readable`. It is read in place, one batch at a time.
    input_scale : float, optional
        See `fastmlp.reference.scale_inputs`.
    skips : bool
        Whether zeros are skipped; see `skips_zeros`.
    are_in_order : bool
        Whether rows are read in the order of memory.
    levels : Levels, optional
        The elements of `x` as codes.

    Attributes
    ----------
    stages : list of Stage
        The first stages of a step, which make the rows of its batch available.
    skipped : Elements or None
        If zeros are skipped: the kind of elements that kernels read.
    are_in_place : bool
        Whether rows are read from X itself.
    are_added_up : bool
        Whether rows are also summed up, to find values that are not finite.

    Raises
    ------
    ValueError
        If `input_scale` is beyond the range of the network's dtype, or x has another number of
        columns.
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
            if levels.codes.shape != x.shape:
                raise ValueError("levels are those of other rows")
            x = levels.codes
            self.skipped = Elements(are_pixels=True)
            with np.errstate(over="ignore"):  # of levels that don't occur in X
                plan.put("levels", aligned(N_LEVELS, plan.dtype))[:] = levels.table
        plan.put("x", x)
        plan.works["row_bytes"] = x.shape[1] * x.itemsize
        if self.are_in_place:
            stages = [Stage("gather", locate)]
        elif (
            are_in_order
            and self.skipped is None
            and x.dtype == plan.dtype
            and plan.works["row_bytes"][0] % PAGE  # else a tile's rows evict each other
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
        plan.works["clears_block"] = x.nnz >= CLEAR_FROM * x.shape[0] * x.shape[1]
        if self.skipped is None:
            plan.works["masks"] = 0
        return [Stage("gather", gather_sparse)]


def readable(x: Any) -> Any:
    """Return rows that kernels may read, or raise ValueError; see `own_rows`.

    Their values may change meanwhile, since no kernel derives an address from them.
    """
    rows = own_rows(x)
    if isinstance(rows, np.ndarray):
        values, are_rows = rows, rows.ndim == 2
    else:
        values, are_rows = rows.data, rows.format == "csr"
    if not (are_rows and values.flags.c_contiguous and values.dtype in FEATURE_DTYPES):
        raise ValueError(
            "x is neither a C-contiguous array of uint8, float32 or float64 nor a CSR matrix"
        )
    return rows


def _is_in_groups(x: np.ndarray) -> bool:
    """Whether rows consist of whole groups of inputs, which are read and skipped together."""
    return x.shape[1] % LONGEST_GROUP == 0


def _levels_of_pixels(x: np.ndarray, dtype: np.dtype[Any], input_scale: float | None) -> Levels:
    """Return pixels as codes, with the table of their scaled values."""
    with np.errstate(over="ignore"):
        return Levels(x, scale_inputs(np.arange(N_LEVELS, dtype=np.uint8), dtype, input_scale))


def read(x: Any, n_epochs: int) -> Sampled:
    """Return rows, with their floats also as codes if they are read often enough for it to pay."""
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
    """Whether to skip zeros: as `wanted`; by default, if there are enough of them."""
    return nonzero_share(x) < SKIP_BELOW if wanted is None else wanted


def nonzero_share(x: Any, group: int = GROUP) -> float:
    """Estimate the share of groups of neighbouring inputs that contain a nonzero.

    `group` is 2, 4 or 8, so that a group of flags is one integer, which is fast to test.
    """
    n_rows, n_features = x.shape
    rows = x[:: max(1, n_rows // SAMPLED_ROWS)]
    n_groups = -(-n_features // group)
    if isinstance(rows, np.ndarray):
        nonzero = np.zeros((len(rows), n_groups * group), bool)
        np.not_equal(rows, 0, out=nonzero[:, :n_features])
        found = int(np.count_nonzero(nonzero.view(f"u{group}")))
    else:  # without a dense copy, which could have a million columns
        row_indices = np.repeat(np.arange(rows.shape[0]), np.diff(rows.indptr))
        places = row_indices * n_groups + rows.indices // group
        found = len(np.unique(places[rows.data != 0]))
    return float(found) / (rows.shape[0] * n_groups)
