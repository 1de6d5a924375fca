"""What the table classes aim at, and whether they reach it on the tables of a run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import pandas as pd

from benchmarks.tables.large import N_COLUMNS, N_ROWS, Large
from benchmarks.tables.methods import BASE, OWN, STRONGEST
from benchmarks.tables.summary import compared, times

DEFAULT, TREES = OWN
SHARE_OF_WINS = {DEFAULT: 13 / 18, TREES: 15 / 18}
RATIO = {DEFAULT: 0.985, TREES: 0.975}
LOG_LOSS = {DEFAULT: 0.95, TREES: 0.94}
OF_CATBOOST = {DEFAULT: 0.35, TREES: 0.4}
OF_LIGHTGBM = 15.0  # for the default only
SECONDS, TIMES_MATRIX = 60.0, 4.0


class Target(NamedTuple):
    method: str
    what: str
    target: str
    measured: str
    met: bool


def of_results(results: pd.DataFrame) -> Iterator[Target]:
    """Yield the targets of tables that all methods have been fitted to; none without the trees."""
    error, clock = compared(results), times(results)
    loss = compared(results, "log_loss")
    if BASE not in error.index or STRONGEST not in error.index:
        return
    for method in OWN:
        if method not in error.index:
            continue
        own, ranks = error.loc[method].to_dict(), error["rank"]
        if method == DEFAULT:
            best = float(ranks[STRONGEST])
            bound = f"<= CatBoost's {best:.2f}"
        else:
            best, bound = float(ranks.drop(method).min()), "first"
        met = own["rank"] <= best
        yield Target(method, "mean rank", bound, f"{own['rank']:.2f}", bool(met))
        yield _at_most(method, "SGM of errors / LightGBM's", RATIO[method], own["ratio"])
        n_wins = SHARE_OF_WINS[method] * own["n_tables"]
        yield Target(
            method, "better than LightGBM on", f">= {n_wins:.1f} of {own['n_tables']:.0f}",
            f"{own['wins']:.0f}", bool(own["wins"] >= n_wins),
        )  # fmt: skip
        if method in loss.index:
            ratio = float(loss["ratio"][method])
            yield _at_most(method, "log-loss / LightGBM's", LOG_LOSS[method], ratio)
        cpu = clock.loc[method].to_dict()
        bound_of = OF_CATBOOST[method]
        yield _at_most(method, "CPU time / CatBoost's", bound_of, cpu[f"of {STRONGEST}"])
        if method == DEFAULT:
            yield _at_most(method, "CPU time / LightGBM's", OF_LIGHTGBM, cpu[f"of {BASE}"])


def of_large(long: Large) -> Iterator[Target]:
    """Yield the targets of the long table."""
    what = f"{N_COLUMNS} columns x {N_ROWS:,} rows, 2 threads"
    yield _at_most(DEFAULT, f"{what}: seconds", SECONDS, long.seconds)
    ratio = long.memory / long.encoded
    yield _at_most(DEFAULT, f"{what}: memory / the encoded matrix", TIMES_MATRIX, ratio)


def _at_most(method: str, what: str, bound: float, measured: float) -> Target:
    return Target(method, what, f"<= {bound:g}", f"{measured:.3g}", bool(measured <= bound))
