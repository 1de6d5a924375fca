"""`fastmlp train`: from data to a folder with a model, its history and its pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from fastmlp import checks
from fastmlp.cli import options, output, sources, table_kind
from fastmlp.cli.patience import Keep, Patience, keep_of
from fastmlp.cli.pixel_report import rehearse, report
from fastmlp.cli.pixel_run import PixelRun
from fastmlp.cli.progress import TrainingProgress
from fastmlp.cli.request import Request, digest_of_pixels
from fastmlp.cli.resume import go_on
from fastmlp.cli.run_files import CHECKPOINT, HISTORY, RunFiles
from fastmlp.cli.run_folder import DEFAULT_NAME, run_folder
from fastmlp.cli.split import Split
from fastmlp.cli.terminal import Terminal
from fastmlp.data import train_val_split
from fastmlp.data.pipes import name_of
from fastmlp.network.model_file import MODEL_NAME
from fastmlp.problem import TUTORIAL


def train(
    ctx: typer.Context,
    data: options.Data = "digits",
    label: options.Label = None,
    id_column: options.IdColumn = None,
    scale: options.Scale = None,
    max_bytes: options.MaxBytes = None,
    hidden: options.Hidden = "64",
    activation: options.Activation = options.ACTIVATION,
    dropout: options.Dropout = TUTORIAL.dropout,
    optimizer: options.Optimizer = TUTORIAL.optimizer,
    epochs: options.Epochs = 100,
    patience: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="Stop when the validation loss has not improved for N epochs.",
            show_default="all --epochs",
        ),
    ] = None,
    keep: Annotated[
        Keep | None,
        typer.Option(
            help="The epoch whose weights are the model: the one with the lowest validation loss, "
            "or the last one.",
            show_default="best with --patience, else last",
        ),
    ] = None,
    batch_size: options.BatchSize = 64,
    lr: options.LearningRate = None,
    l2: options.L2 = 0.001,
    seed: options.Seed = 42,
    val_fraction: Annotated[
        float, typer.Option(metavar="X", help="Share of the rows kept for validation.")
    ] = 0.2,
    dtype: options.Arithmetic = options.Dtype.float32,
    threads: options.Threads = None,
    out: Annotated[
        Path | None, options.folder("Where the model and the pictures go.", DEFAULT_NAME)
    ] = None,
    overwrite: options.Overwrite = False,
    resume: Annotated[
        Path | None,
        typer.Option(
            metavar="RUN",
            help="Go on with the run in this folder, which was interrupted; data and settings are "
            "those that it was begun with.",
            show_default=False,
            callback=options.expanded,
        ),
    ] = None,
    kind: Annotated[
        table_kind.Kind | None,
        typer.Option(
            help="What the data are: pixels, for a network of the layers above, or a table with "
            "columns of any kind, which needs scikit-learn.",
            show_default="by the cells",
        ),
    ] = None,
    task: Annotated[
        table_kind.Task | None,
        typer.Option(
            help="Whether a table's labels are classes or quantities.",
            show_default="by the labels",
        ),
    ] = None,
    verbose: Annotated[
        bool | None,
        typer.Option(
            "--verbose/--quiet",
            help="A line for each epoch, or nothing but errors.",
            show_default="progress and a summary",
        ),
    ] = None,
) -> None:
    """Train on pixels or on a table, and save the model, its history and pictures.

    Pixels train a network of the layers that the options describe. A table, with text, dates, gaps
    or numbers of any size, trains a TableClassifier or TableRegressor, which have no such options.
    """
    if resume is not None:
        go_on(ctx, resume)
        return
    former: Request | None = ctx.obj  # of the run to go on with
    plan = options.plan(
        hidden, lr, l2, dtype, threads,
        activation=activation, dropout=dropout, optimizer=optimizer,
    )  # fmt: skip
    source = sources.Source(data, label, id_column, scale, max_bytes)
    options.check_fraction(val_fraction)
    options.check_overwrite(overwrite, out)
    if task is not None:
        if kind is table_kind.Kind.pixels:
            raise ValueError("--task is for tables: leave it out, or give --kind table")
        kind = table_kind.Kind.table
    given = table_kind.options_of_networks(ctx)
    is_quiet = verbose is False
    console, errors = Terminal(quiet=is_quiet), Terminal(stderr=True, quiet=is_quiet)
    kept = () if overwrite or former else (MODEL_NAME, HISTORY, CHECKPOINT)
    with run_folder(out, kept=kept) as folder, table_kind.read_once(source):
        files = RunFiles(folder, resumes=former is not None)
        reason = table_kind.reason_of(source, kind, given)
        if reason is not None:
            tables = table_kind.tables_module(name_of(source.data), reason.words)
            from fastmlp.cli.table_run import TableRun

            TableRun(source, task, seed, threads, verbose).train(files, ctx.params, former, tables)
            return
        dataset, y, n_classes = sources.load_to_train(source, plan.dtype, "train", console, errors)
        # One stream for split, weights and epochs, in the order in which the tutorial draws.
        stream = np.random.RandomState(seed)
        with options.option_names():
            parts = train_val_split(dataset.x, y, val_fraction, stream)
        network = plan.network(dataset, n_classes, stream)
        rehearse(folder, network)
        keep = keep_of(keep, patience)
        split = Split.of(dataset.x, seed, val_fraction)
        run = PixelRun(
            files,
            split,
            Patience(network, patience or epochs, keep),
            TrainingProgress(epochs, console, bool(verbose)),
            checks.names_to_keep(dataset.feature_names),
        )
        request = Request.of(
            ctx.params, table_kind.Kind.pixels, digest_of_pixels(split, y, dataset.class_names)
        )
        request.check_rows(former, dataset.name)
        with files.begun(request.text()), run.interruptible():
            run.train(parts, epochs, batch_size, plan.lambda_reg, errors)
            if output.has_failed():
                run.tell_of_end("Stopped")
                return
            if run.patience.is_over and len(network.history_.loss) < epochs:
                console.print(run.patience.reason, soft_wrap=True)
            try:
                kept_epoch, rows = run.patience.kept_epoch, split.kept_rows(len(y))
                report(network, dataset, parts, rows, folder, console, kept_epoch, request.options)
            except Exception as error:
                error.add_note(f"the model is saved: {folder / MODEL_NAME}")
                raise
            files.finish()
