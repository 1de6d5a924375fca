"""Judges a run by rows that lie on a cluster."""

from __future__ import annotations

import math
from typing import Any

from distributed import Future

from fastmlp.dask.cluster import Shards
from fastmlp.dask.rounds import judge
from fastmlp.dask.tallies import added
from fastmlp.dask.trainer import Rows


class ClusterValidation:
    """What `fastmlp.estimators.validation.Validation` is to rows in memory.

    Parameters
    ----------
    rows : Rows
        Of the run, whose last mean is judged.
    shards : Shards
        Those that are looked at.
    plan : Future
        By which their targets are read.
    are_held_out : bool
        Whether only those of their rows are looked at that the plan holds out.
    """

    def __init__(self, rows: Rows, shards: Shards, plan: Future, are_held_out: bool) -> None:
        self._rows, self._shards, self._plan = rows, shards, plan
        self._are_held_out, self._number = are_held_out, 0

    def prepare(self, estimator: Any) -> None:
        """Workers compile when they are asked first."""

    def figures(self, estimator: Any) -> dict[str, float]:
        """Return val_loss and val_score, as of rows in memory: sums that workers have added up."""
        self._number += 1
        tallies = self._shards.each(
            judge, f"judge-{self._number}", self._plan, self._rows.mean.futures, self._are_held_out
        )
        weight, loss, scores = added(tallies)
        if not weight or not math.isfinite(loss):
            return {"val_loss": math.nan, "val_score": math.nan}
        loss /= weight
        score = -loss if estimator.monitor == "loss" else estimator._score_of(weight, scores)
        return {"val_loss": loss, "val_score": score}
