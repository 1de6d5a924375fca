"""What the steps of an epoch so far have summed up, apart from the layout of memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastmlp.kernels.layout.memory_plan import Plan
from fastmlp.kernels.runtime.step_table import StepTable


def sums(step: int, plan: Plan, steps: StepTable, with_penalty: bool) -> dict[str, Any]:
    """Return losses and sums of squares after the first steps of an epoch, as views."""
    if not step:
        return {}
    squares = plan.squares_by_columns() if with_penalty else []
    return {"step": step, "losses": steps.losses_of(step), "squares": squares}


def check(kept: Mapping[str, Any], plan: Plan, n_steps: int, with_penalty: bool) -> None:
    """Raise unless `sums` may have returned that, of an epoch of `n_steps` steps.

    Raises
    ------
    LookupError, TypeError, ValueError
    """
    if not kept:
        return
    step = int(kept["step"])
    if not 0 < step < n_steps:
        raise ValueError(f"step {step} of an epoch of {n_steps} steps")
    sizes = plan.layers[0]["n_out"].tolist() if with_penalty else []
    for array, size in zip([kept["losses"], *kept["squares"]], [step, *sizes], strict=True):
        if (array.shape, array.dtype) != ((size,), plan.dtype):
            raise ValueError("sums of other shapes")


def restore(kept: Mapping[str, Any], plan: Plan, steps: StepTable, with_penalty: bool) -> int:
    """Write what `sums` has returned of an equal epoch; return how many of its steps are done."""
    if not kept:
        return 0
    own = sums(kept["step"], plan, steps, with_penalty)
    own["losses"][...] = kept["losses"]
    for array, values in zip(own["squares"], kept["squares"], strict=True):
        array[...] = values
    return int(kept["step"])
