"""`fastmlp profile`: where a training's time goes, and how close it is to the machine's limits."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import fastmlp
from fastmlp.cli import options, output, sources, table_kind
from fastmlp.cli.progress import progress_of
from fastmlp.cli.run_files import new_files, write_figure
from fastmlp.cli.run_folder import print_files, run_folder
from fastmlp.cli.saved import networks_of
from fastmlp.cli.terminal import Terminal
from fastmlp.files import atomic_write
from fastmlp.problem import TUTORIAL
from fastmlp.words import counted

if TYPE_CHECKING:
    from fastmlp.profiling import Profile

DEFAULT_NAME = "fastmlp-profile"
# Options that a saved network leaves no choice of; one of estimators, of these too.
OF_MODEL = {
    "hidden": "--hidden", "activation": "--activation", "dropout": "--dropout",
    "optimizer": "--optimizer", "lr": "--lr", "seed": "--seed", "dtype": "--dtype",
    "threads": "--threads",
}  # fmt: skip
OF_ESTIMATOR = {"batch_size": "--batch-size", "l2": "--l2"}
STAGES, ROOFLINE = "profile.csv", "roofline.png"


def profile(
    ctx: typer.Context,
    data: options.Data = "digits",
    label: options.Label = None,
    id_column: options.IdColumn = None,
    scale: options.Scale = None,
    max_bytes: options.MaxBytes = None,
    model: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL",
            help="The file of an MLP, MLPClassifier or MLPRegressor, or the folder of a run: "
            "profile the training of such a network, with its settings.",
            show_default="a network of the options below",
            callback=options.expanded,
        ),
    ] = None,
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
    saved = None if model is None else _saved(model, ctx)
    source = sources.Source(data, label, id_column, scale, max_bytes)
    console, errors = Terminal(), Terminal(stderr=True)

    import numpy as np

    from fastmlp import profiling

    kept = () if overwrite else (STAGES, ROOFLINE)
    with run_folder(out, DEFAULT_NAME, kept=kept) as folder:
        dataset, y, n_classes = sources.load_to_train(
            source, plan.dtype, "profile", console, errors
        )
        network, x = saved or plan.network(dataset, n_classes, seed), dataset.x
        rates: dict[str, Any] = {"batch_size": batch_size, "lambda_reg": plan.lambda_reg}
        if not isinstance(network, fastmlp.MLP):  # an estimator: it has these, and divides nothing
            rates = {}
            if x.dtype == np.uint8:
                x = x / np.dtype(plan.dtype).type(dataset.scale)
        with progress_of("Training", errors) as report:
            result = profiling.profile(network, x, y, epochs, progress=report, **rates)
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


def _saved(model: str, ctx: typer.Context) -> Any:
    """Return the network in a file, if the command line does not ask for another one.

    Raises
    ------
    ValueError
        If it does, or the model is a table's.
    """
    network, *others = networks_of(model)
    if others:
        raise ValueError(
            f"{model} was trained on a table, and is {len(others) + 1} networks: give the file of "
            "one MLP, MLPClassifier or MLPRegressor"
        )
    own = OF_MODEL if isinstance(network, fastmlp.MLP) else OF_MODEL | OF_ESTIMATOR
    for name, option in own.items():
        if table_kind.is_given(ctx.get_parameter_source(name)):
            raise ValueError(f"{option} is given with --model, which has its own: leave one out")
    return network


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
