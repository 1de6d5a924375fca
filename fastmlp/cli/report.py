"""`fastmlp report`: the page of a finished run, made again."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from fastmlp.cli import options, sources, table_kind
from fastmlp.cli.page_file import REPORT, short_name, write_page
from fastmlp.cli.patience import Keep, keep_of
from fastmlp.cli.request import Request, digest_of_pixels, request_in
from fastmlp.cli.run_files import FINISHED, HISTORY, read_history
from fastmlp.cli.run_folder import run_folder
from fastmlp.cli.split import Split, split_beside
from fastmlp.cli.terminal import Terminal
from fastmlp.history import History

if TYPE_CHECKING:
    import pandas as pd

    from fastmlp.page.page import Page

COLUMNS = ("loss", "mean_loss", "val_loss", "val_accuracy", "seconds")


def report(
    ctx: typer.Context,
    run: Annotated[
        Path,
        typer.Argument(
            metavar="RUN", help="The folder of a finished run.", callback=options.expanded
        ),
    ],
    data: Annotated[
        str | None,
        typer.Option(
            metavar="PATH|mnist|digits",
            help="Where the data of the run are now.",
            show_default="where they were",
            callback=options.expanded,
        ),
    ] = None,
) -> None:
    """Make report.html of a run again, the page that `fastmlp train` leaves in its folder.

    The data that the run was trained on are read again; data that have changed are refused.
    """
    if not (run / FINISHED).exists():
        raise FileNotFoundError(
            f"{run} holds no finished run ({FINISHED} is missing): give the folder of one, or "
            f"finish it by fastmlp train --resume {run}"
        )
    request = request_in(run, FINISHED)
    more = [] if data is None else [f"--data={data}"]
    command: Any = ctx.parent.command if ctx.parent else None
    with request.context(command.commands["train"], ctx.parent, run / FINISHED, more) as asked:
        given = asked.params
    source = sources.Source(
        *(given[name] for name in ("data", "label", "id_column", "scale", "max_bytes"))
    )
    console = Terminal()
    with run_folder(run) as folder, table_kind.read_once(source):
        make = _of_table if given["kind"] is table_kind.Kind.table else _of_pixels
        if not write_page(make(folder, source, request, given), folder, console):
            raise ValueError("the page takes jinja2: pip install jinja2")
    console.print_line(f"Written: {folder / REPORT}")


def _of_pixels(
    folder: Path, source: sources.Source, request: Request, given: Mapping[str, Any]
) -> Page:
    import fastmlp
    from fastmlp.cli.pixel_page import page_of_pixels
    from fastmlp.cli.pixel_report import facts
    from fastmlp.data import train_val_split
    from fastmlp.pictures import worst_mistakes

    network = fastmlp.MLP.load(folder)
    quiet, errors = Terminal(quiet=True), Terminal(stderr=True)
    dataset, y, _ = sources.load_to_train(source, given["dtype"].value, "report", quiet, errors)
    seed, val_fraction = given["seed"], given["val_fraction"]
    options.check_fraction(val_fraction)
    split = Split.of(dataset.x, seed, val_fraction)
    _check(digest_of_pixels(split, y, dataset.class_names), request, dataset.name)
    if split_beside(str(folder)) != split:
        raise _other_model(folder)
    table = _history_in(folder, COLUMNS)
    network.history_.set_columns({name: table[name] for name in COLUMNS})
    parts = train_val_split(dataset.x, y, val_fraction, seed)
    probabilities = network.predict_proba(parts[2])
    is_best = keep_of(given["keep"], given["patience"]) is Keep.best
    kept_epoch = int(table["val_loss"].argmin()) + 1 if is_best else len(table)
    n_wrong = len(worst_mistakes(parts[3], probabilities))
    known = facts(
        network, short_name(dataset.name), len(parts[1]), len(parts[3]), n_wrong, kept_epoch
    )
    rows = split.kept_rows(len(y))
    return page_of_pixels(
        network, dataset, parts, rows, probabilities, kept_epoch, known, request.options
    )


def _of_table(
    folder: Path, source: sources.Source, request: Request, given: Mapping[str, Any]
) -> Page:
    from fastmlp.cli.request import digest_of_table
    from fastmlp.cli.table_model import table_model
    from fastmlp.cli.table_page import page_of_table
    from fastmlp.cli.table_report import facts, importances_of
    from fastmlp.cli.table_targets import as_targets, labels_of, task_of
    from fastmlp.data.frames import load_table

    found = table_model(str(folder))
    oof = None if found is None else found.out_of_fold(found.notes.rows)
    if found is None or oof is None:
        raise _other_model(folder)
    table = load_table(
        source.data, label=source.label, id_column=source.id_column, max_bytes=source.max_bytes
    )
    labels = labels_of(table, "report")
    task = given["task"] or task_of(labels)
    y = as_targets(labels, task, table.name)
    _check(digest_of_table(table.x, y), request, table.name)
    estimator = found.estimator
    estimator.oof_predictions_ = oof
    for _, rows in _history_in(folder, ("member", "loss", "val_score")).groupby("member"):
        member = History()
        member.set_columns({name: rows[name] for name in rows.columns})
        estimator.history_.members.append(member)
        estimator.history_.best_epochs.append(int(np.nanargmax(rows["val_score"])) + 1)
    known = facts(estimator, short_name(table.name), y, task)
    importances = importances_of(estimator, table, y, task)
    return page_of_table(estimator, table, y, known, importances, request.options)


def _check(rows: str, request: Request, name: str) -> None:
    if rows != request.rows:
        raise ValueError(
            f"{name} is not what the run was trained on, rows or labels have changed: give the "
            "same data with --data"
        )


def _other_model(folder: Path) -> ValueError:
    return ValueError(f"{folder} holds other files than its run has left: train anew")


def _history_in(folder: Path, columns: tuple[str, ...]) -> pd.DataFrame:
    """Return the history of a run, checked to have numbers in these columns."""
    try:
        table = read_history(folder / HISTORY)
        if len(table) and set(columns) <= set(table.columns):
            return table
    except ValueError:  # pandas' errors of parsing, too
        pass
    raise ValueError(f"{folder / HISTORY} is damaged: train anew")
