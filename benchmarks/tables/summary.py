"""Ranks and means over the tables."""

from __future__ import annotations

import numpy as np
import pandas as pd

from benchmarks.tables.methods import BASE, STRONGEST

SHIFT = 0.01  # of the geometric mean, as in Holzmueller et al., arXiv:2407.04491


def complete(results: pd.DataFrame, methods: list[str]) -> pd.DataFrame:
    """Those (table, seed) pairs that all of these methods have results of."""
    results = results[results["method"].isin(methods)]
    counts = results.groupby(["table", "seed"])["method"].transform("nunique")
    return results[counts == len(methods)]


def compared(results: pd.DataFrame, metric: str = "error") -> pd.DataFrame:
    """Return each method's mean rank, shifted geometric mean and wins, by ``rank``.

    Parameters
    ----------
    results : DataFrame
        Of one number of threads, where every method has every (table, seed).
    metric : str
        A column of it; where it is missing the row is left out.

    Returns
    -------
    DataFrame
        By method: ``rank`` (mean over tables), ``sgm``, and against LightGBM: ``ratio`` of shifted
        geometric means and ``wins``, tables with a lower mean over the seeds.
    """
    wide = results.pivot_table(index=["table", "seed"], columns="method", values=metric).dropna()
    means = wide.groupby("table").mean()
    logs = np.log(means + SHIFT).mean()
    found = pd.DataFrame(
        {
            "rank": wide.rank(axis=1).groupby("table").mean().mean(),
            "sgm": np.exp(logs) - SHIFT,
        }
    )
    if BASE in means:
        found["ratio"] = np.exp(logs - logs[BASE])
        found["wins"] = means.lt(means[BASE], axis=0).sum()
    found["n_tables"] = len(means)
    return found.sort_values("rank")


def times(results: pd.DataFrame) -> pd.DataFrame:
    """Return by method the sums over tables of ``cpu``, ``wall`` and ``predict``, means of seeds.

    And ``of LightGBM``, ``of CatBoost``, the ratio of the sums of CPU time, and ``typical``, the
    geometric mean of CPU time.
    """
    parts = ["cpu", "wall", "predict"]
    means = results.groupby(["method", "table"])[parts].mean()
    found = means.groupby("method").sum()
    for other in (BASE, STRONGEST):
        if other in found.index:
            found[f"of {other}"] = found["cpu"] / float(found["cpu"][other])
    found["typical"] = np.exp(np.log(means["cpu"]).groupby("method").mean())
    return found


def errors(results: pd.DataFrame, metric: str = "error") -> pd.DataFrame:
    """Return the metric, a row for each table and a column for each method."""
    found = results.dropna(subset=[metric])
    return found.pivot_table(index="table", columns="method", values=metric)
