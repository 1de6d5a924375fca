"""`fastmlp train`: from data to a folder with a model, its history and its pictures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import typer

from fastmlp import checks
from fastmlp.cli import options, output, sources, table_kind
from fastmlp.cli.patience import Keep, Patience
from fastmlp.cli.progress import TrainingProgress
from fastmlp.cli.report import HISTORY, Parts, rehearse, report, save
from fastmlp.cli.run_folder import DEFAULT_NAME, run_folder
from fastmlp.cli.signals import signals
from fastmlp.cli.split import Split
from fastmlp.cli.terminal import Terminal, tell
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
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the run that --out holds already.")
    ] = False,
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
    plan = options.plan(
        hidden, lr, l2, dtype, threads,
        activation=activation, dropout=dropout, optimizer=optimizer,
    )  # fmt: skip
    source = sources.Source(data, label, id_column, scale, max_bytes)
    options.check_fraction(val_fraction)
    if overwrite and out is None:
        raise ValueError("--overwrite replaces the run in a folder: name that folder with --out")
    if task is not None:
        if kind is table_kind.Kind.pixels:
            raise ValueError("--task is for tables: leave it out, or give --kind table")
        kind = table_kind.Kind.table
    given = table_kind.options_of_networks(ctx)
    is_quiet = verbose is False
    console, errors = Terminal(quiet=is_quiet), Terminal(stderr=True, quiet=is_quiet)
    kept = () if overwrite else (MODEL_NAME, HISTORY)
    with run_folder(out, kept=kept) as folder, table_kind.read_once(source):
        reason = table_kind.reason_of(source, kind, given)
        if reason is not None:
            tables = table_kind.tables_module(name_of(source.data), reason.words)
            from fastmlp.cli.table_run import TableRun

            TableRun(source, task, seed, threads, verbose).train(folder, tables)
            return
        dataset, y, n_classes = sources.load_to_train(source, plan.dtype, "train", console, errors)
        # One stream for split, weights and epochs, in the order in which the tutorial draws.
        stream = np.random.RandomState(seed)
        with options.option_names():
            parts = train_val_split(dataset.x, y, val_fraction, stream)
        network = plan.network(dataset, n_classes, stream)
        rehearse(folder, network)
        keep = keep or (Keep.last if patience is None else Keep.best)
        run = _Run(
            folder,
            Split.of(dataset.x, seed, val_fraction),
            Patience(network, patience or epochs, keep),
            TrainingProgress(epochs, console, bool(verbose)),
            checks.names_to_keep(dataset.feature_names),
        )
        with run.interruptible():
            run.train(parts, epochs, batch_size, plan.lambda_reg)
            if output.has_failed():
                tell(f"Stopped {run.reached}")
                return
            if run.patience.is_over and len(network.history_.loss) < epochs:
                console.print(run.patience.reason, soft_wrap=True)
            try:
                report(network, dataset, parts, folder, console, run.patience.kept_epoch)
            except Exception as error:
                error.add_note(f"the model is saved: {folder / MODEL_NAME}")
                raise


class _Run(NamedTuple):
    """A training that is saved as far as it got, whatever ends it."""

    folder: Path
    split: Split
    patience: Patience
    progress: TrainingProgress
    feature_names: tuple[str, ...] | None

    def train(self, parts: Parts, epochs: int, batch_size: int, lambda_reg: float) -> None:
        """Train the network, and save the epoch to keep of those that were completed.

        A first signal, or a failure of standard output, takes effect between two epochs.
        """
        network, (x_train, y_train, x_val, y_val) = self.patience.network, parts
        with signals.held():
            try:
                with signals.patient(), self.progress:
                    network.train(
                        x_train, y_train, epochs, batch_size, lambda_reg=lambda_reg,
                        validation_data=(x_val, y_val), verbose=False,
                        callbacks=[self.progress, _is_to_stop, self.patience],
                    )  # fmt: skip
            except FloatingPointError as error:
                done = len(network.history_.loss)
                kept = f"saved {self.reached}" if done else "nothing is saved"
                raise ValueError(
                    f"the training diverged in epoch {done + 1}: "
                    f"give a smaller --lr than {network.learning_rate:g} ({kept})"
                ) from error
            finally:
                network.feature_names = self.feature_names  # arrays have no names
                if network.history_.loss:
                    self.patience.settle()
                    save(self.folder, network, self.split)

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """If a signal ends what is done here, say what is saved, and exit."""
        try:
            yield
        except KeyboardInterrupt:
            if not self.patience.network.history_.loss:
                raise
            tell(f"{signals.word} {self.reached}")
            raise typer.Exit(signals.status) from None

    @property
    def reached(self) -> str:
        """How far the training has come, and where that is saved."""
        done, kept = len(self.patience.network.history_.loss), self.patience.kept_epoch
        epochs = "1 whole epoch" if done == 1 else f"{done} whole epochs"
        state = "is" if kept == done else f"was after epoch {kept}, the best one"
        return f"after {epochs}; saved as it {state}: {self.folder / MODEL_NAME}"


def _is_to_stop(epoch: int, logs: Mapping[str, float]) -> bool:
    return signals.caught is not None or output.has_failed()
