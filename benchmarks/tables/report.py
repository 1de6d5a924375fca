"""What a run leaves: Markdown tables of the comparison, table by table too."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import pandas as pd

from benchmarks.peers.run import threads
from benchmarks.tables import targets
from benchmarks.tables.large import N_COLUMNS, N_ROWS, Large
from benchmarks.tables.methods import METHODS, OWN
from benchmarks.tables.summary import compared, complete, errors, times

GROUPS = {
    "seen": "tables that the recipe was chosen by",
    "also seen": "more tables that the recipe was chosen by",
    "unseen": "tables that nothing was chosen by",
    "quick": "small tables of scikit-learn, to see that it works",
}


def write(folder: Path, results: pd.DataFrame, long: Large | None = None) -> str:
    """Write tables.md into the folder; return it."""
    text = "\n".join(lines(results, long)) + "\n"
    (folder / "tables.md").write_text(text)
    return text


def lines(results: pd.DataFrame, long: Large | None = None) -> Iterator[str]:
    for n_threads in sorted(results["n_threads"].unique()):
        for group, what in GROUPS.items():
            chosen = results[(results["n_threads"] == n_threads) & (results["group"] == group)]
            if len(chosen):
                yield from comparison(chosen, f"{threads(int(n_threads))}, {what}")
    if long is not None:
        yield "## A long table\n"
        yield (
            f"{N_COLUMNS} columns x {N_ROWS:,} rows: {long.seconds:.0f} s, {long.cpu:.0f} s of "
            f"CPU. The encoded matrix takes {long.encoded / 1e6:.0f} MB.\n"
        )
        yield from aims(targets.of_large(long))


def comparison(results: pd.DataFrame, title: str) -> Iterator[str]:
    methods = [name for name in METHODS if (results["method"] == name).any()]
    results = complete(results, methods)
    yield f"## {title}\n"
    if not len(results):
        yield "There is no table that all methods have been fitted to.\n"
        return
    error, clock = compared(results), times(results)
    loss, auc = (compared(results, metric) for metric in ("log_loss", "one_minus_auc"))
    n_tables, n_seeds = results["table"].nunique(), results["seed"].nunique()
    yield f"{n_tables} tables, {n_seeds} splits of each, at most 10,000 rows to train on.\n"
    yield (
        "| | mean rank | SGM of errors | against LightGBM | better on | log-loss | 1 - AUC | "
        "CPU s | of LightGBM's | of CatBoost's | wall s |"
    )
    yield "| --- " * 11 + "|"
    for label, row in error.iterrows():
        name = str(label)
        ratios = [found["ratio"].get(name) if "ratio" in found else None for found in (loss, auc)]
        yield cells(
            f"**{name}**" if name in OWN else name, f"{row['rank']:.2f}", f"{row['sgm']:.4f}",
            signed(row.get("ratio")),
            f"{row['wins']:.0f} of {row['n_tables']:.0f}" if "wins" in row else "",
            *map(signed, ratios), f"{clock['cpu'][name]:.1f}",
            *(f"{clock[f'of {other}'][name]:.2f}" if f"of {other}" in clock else ""
              for other in ("LightGBM", "CatBoost")),
            f"{clock['wall'][name]:.1f}",
        )  # fmt: skip
    yield ""
    yield from by_table(results, methods)
    yield from aims(targets.of_results(results))


def aims(found: Iterable[targets.Target]) -> Iterator[str]:
    """The targets, which were set for other tables."""
    if rows := list(found):
        yield "| | what | target | measured | met |"
        yield "| --- " * 5 + "|"
        for t in rows:
            yield cells(t.method, t.what, t.target, t.measured, "yes" if t.met else "**no**")
        yield ""


def by_table(results: pd.DataFrame, methods: list[str]) -> Iterator[str]:
    """Each table's errors, the lowest in bold."""
    wide = errors(results)[methods]
    yield cells("error", *methods)
    yield "| --- " * (len(methods) + 1) + "|"
    for name, row in wide.iterrows():
        best = row.min()
        yield cells(
            str(name), *(f"**{e:.4f}**" if e == best else f"{e:.4f}" for e in row)
        )  # fmt: skip
    yield ""


def cells(*texts: str) -> str:
    return "| " + " | ".join(texts) + " |"


def signed(ratio: float | None) -> str:
    return "" if ratio is None or pd.isna(ratio) else f"{100 * (ratio - 1):+.1f} %"
