"""`fastmlp profile`: where a training's time goes, and how close it is to the machine's limits."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fastmlp.cli import options, output, sources
from fastmlp.cli.progress import progress_of
from fastmlp.cli.run_files import new_files, write_figure
from fastmlp.cli.run_folder import print_files, run_folder
from fastmlp.cli.terminal import Terminal
from fastmlp.files import atomic_write
from fastmlp.problem import TUTORIAL
from fastmlp.words import counted

if TYPE_CHECKING:
    from fastmlp.profiling import Profile

DEFAULT_NAME = "fastmlp-profile"
STAGES, ROOFLINE = "profile.csv", "roofline.png"


def profile(
    data: options.Data = "digits",
    label: options.Label = None,
    id_column: options.IdColumn = None,
    scale: options.Scale = None,
    max_bytes: options.MaxBytes = None,
    hidden: options.Hidden = "64",
    activation: options.Activation = options.ACTIVATION,
    dropout: options.Dropout = TUTORIAL.dropout,
    optimizer: options.Optimizer = TUTORIAL.optimizer,
    epochs: Annotated[
        int, typer.Option(min=1, metavar="N", help="Epochs to measure; the fastest one counts.")
    ] = 10,
    batch_size: options.BatchSize = 64,
    lr: options.LearningRate = None,
    l2: options.L2 = 0.001,
    seed: options.Seed = 42,
    dtype: options.Arithmetic = options.Dtype.float32,
    threads: options.Threads = None,
    out: Annotated[
        Path | None, options.folder("Where the table and the picture go.", DEFAULT_NAME)
    ] = None,
    overwrite: options.Overwrite = False,
) -> None:
    """Show where the training's time goes, and how close each stage is to the machine's limits."""
    plan = options.plan(
        hidden, lr, l2, dtype, threads,
        activation=activation, dropout=dropout, optimizer=optimizer,
    )  # fmt: skip
    options.check_overwrite(overwrite, out)
    source = sources.Source(data, label, id_column, scale, max_bytes)
    console, errors = Terminal(), Terminal(stderr=True)

    from fastmlp import profiling

    kept = () if overwrite else (STAGES, ROOFLINE)
    with run_folder(out, DEFAULT_NAME, kept=kept) as folder:
        dataset, y, n_classes = sources.load_to_train(
            source, plan.dtype, "profile", console, errors
        )
        network = plan.network(dataset, n_classes, seed)
        with progress_of("Training", errors) as report:
            result = profiling.profile(
                network, dataset.x, y, epochs, batch_size,
                lambda_reg=plan.lambda_reg, progress=report,
            )  # fmt: skip
        with new_files(folder) as new:
            with atomic_write(new / STAGES) as stream:
                stream.write(result.to_frame().to_csv(lineterminator="\n").encode())
            write_figure(result.figure(), new / ROOFLINE)
            for name in (STAGES, ROOFLINE):  # in the place of links, which are not followed
                os.replace(new / name, folder / name)
        _print(result, len(y), console)
        print_files(
            folder,
            {
                STAGES: "the table, with every digit",
                ROOFLINE: "each stage below the machine's limits, drawn",
            },
            console,
        )


def _print(result: Profile, n_rows: int, console: Terminal) -> None:
    """Print the table, and the notes that explain it."""
    console.print()
    console.print(f"An epoch of {counted(n_rows, 'row')}: {result.title}", soft_wrap=True)
    table = result.table()
    output.widen(console, table)
    console.print(table)
    console.print()
    for note in result.notes():
        console.print(f"- {note}", soft_wrap=True)
