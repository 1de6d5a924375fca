"""`fastmlp train`: from data to a folder with a model, its history and its pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from fastmlp import checks
from fastmlp.cli import options, output, sources
from fastmlp.cli.patience import Keep, Patience
from fastmlp.cli.progress import TrainingProgress
from fastmlp.cli.report import HISTORY, rehearse, report, save
from fastmlp.cli.run_folder import DEFAULT_NAME, run_folder
from fastmlp.cli.signals import signals
from fastmlp.cli.split import Split
from fastmlp.cli.terminal import Terminal, tell
from fastmlp.network.model_file import MODEL_NAME


def train(
    data: options.Data = "digits",
    label: options.Label = None,
    id_column: options.IdColumn = None,
    scale: options.Scale = None,
    max_bytes: options.MaxBytes = None,
    hidden: options.Hidden = "64",
    activation: options.Activation = "relu",
    dropout: options.Dropout = 0.0,
    optimizer: options.Optimizer = "sgd",
    epochs: options.Epochs = 100,
    patience: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="Stop when the validation loss has not improved for so many epochs.",
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
    dtype: Annotated[
        options.Dtype, typer.Option(help="Type of the arithmetic.")
    ] = options.Dtype.float32,
    threads: options.Threads = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Where the model and the pictures go.",
            show_default=f"{DEFAULT_NAME}, or {DEFAULT_NAME}-2 and so on",
            callback=options.expanded,
        ),
    ] = None,
    overwrite: Annotated[
        bool,
        typer.Option(
            "--overwrite",
            help="Replace the run that --out holds already.",
        ),
    ] = False,
    verbose: Annotated[
        bool | None,
        typer.Option(
            "--verbose/--quiet",
            help="A line for each epoch, or nothing but errors.",
            show_default="progress and a summary",
        ),
    ] = None,
) -> None:
    """Train a classifier, and save the model, its history and up to three pictures."""
    hidden_sizes = options.hidden_sizes(hidden)
    problem = options.problem(hidden_sizes, activation, optimizer, dropout)
    rate, l2 = options.rates(lr, l2, optimizer)
    options.check_scale(scale)
    options.check_fraction(val_fraction)
    options.check_threads(threads)
    if overwrite and out is None:
        raise ValueError("--overwrite replaces the run in a folder: name that folder with --out")
    is_quiet = verbose is False
    console = Terminal(quiet=is_quiet)
    if data == "digits":
        console.print(sources.BUILT_IN, soft_wrap=True)

    import numpy as np

    from fastmlp import MLP
    from fastmlp.data import train_val_split

    with run_folder(out, kept=() if overwrite else (MODEL_NAME, HISTORY)) as folder:
        errors = Terminal(stderr=True, quiet=is_quiet)
        dataset = sources.load(
            data, "train", errors, label=label, scale=scale, id_column=id_column,
            max_bytes=max_bytes,
        )  # fmt: skip
        n_classes = sources.n_classes(dataset, "train")
        x, y = sources.rows(dataset, dtype.value), sources.labels(dataset, "train")
        # One stream for split, weights and epochs, in the order in which the tutorial draws.
        stream = np.random.RandomState(seed)
        with options.option_names():
            x_train, y_train, x_val, y_val = train_val_split(x, y, val_fraction, stream)
        console.print_line(dataset.found)
        network = MLP(
            x.shape[1],
            hidden_sizes,
            n_classes,
            rate,
            activation=problem.activation,
            optimizer=problem.optimizer,
            dropout=problem.dropout,
            random_state=stream,
            dtype=dtype.value,
            n_threads=threads,
            input_scale=dataset.scale,
        )
        network.class_names = dataset.class_names
        split = Split.of(x, seed, val_fraction)
        keep = keep or (Keep.last if patience is None else Keep.best)
        patient = Patience(network, patience or epochs, keep)
        rehearse(folder, network)

        def fit(progress: TrainingProgress) -> None:
            try:
                network.train(
                    x_train, y_train, epochs, batch_size,
                    lambda_reg=l2, validation_data=(x_val, y_val), verbose=False,
                    callbacks=[progress, _is_to_stop, patient],
                )  # fmt: skip
            finally:  # arrays have no names
                network.feature_names = checks.names_to_keep(dataset.feature_names)

        try:
            progress = TrainingProgress(epochs, console, bool(verbose))
            _train(patient, fit, progress, folder, split)
            if output.has_failed():
                tell(f"Stopped {_reached(patient, folder)}")
                return
            if patient.is_over and len(network.history_.loss) < epochs:
                console.print(
                    f"Stopped: the validation loss has not improved for {patience} epochs; "
                    f"it was lowest, {patient.best:.4f}, after epoch {patient.best_epoch}.",
                    soft_wrap=True,
                )
            with _saved_before(folder):
                report(
                    network, dataset, (x_train, y_train), (x_val, y_val), folder, console,
                    patient.kept_epoch,
                )  # fmt: skip
        except KeyboardInterrupt:
            if not network.history_.loss:
                raise
            tell(f"{signals.word} {_reached(patient, folder)}")
            raise typer.Exit(signals.status) from None


def _train(
    patient: Patience,
    fit: Callable[[TrainingProgress], None],
    progress: TrainingProgress,
    folder: Path,
    split: Split,
) -> None:
    """Train and save the network as far as that gets, whatever it is that ends it.

    What is saved is the epoch that is to be kept, of those that there are by then. A first signal
    takes effect between two epochs; so does a standard output that fails.
    """
    network = patient.network
    with signals.held():
        try:
            with signals.patient(), progress:
                fit(progress)
        except FloatingPointError as error:
            done = len(network.history_.loss)
            kept = f"saved {_reached(patient, folder)}" if done else "nothing is saved"
            raise ValueError(
                f"the training diverged in epoch {done + 1}: "
                f"give a smaller --lr than {network.learning_rate:g} ({kept})"
            ) from error
        finally:
            if network.history_.loss:
                patient.settle()
                save(folder, network, split)


def _is_to_stop(epoch: int, logs: Mapping[str, float]) -> bool:
    return signals.caught is not None or output.has_failed()


@contextmanager
def _saved_before(folder: Path) -> Iterator[None]:
    """Say that the model is saved, whatever goes wrong with what comes after that."""
    try:
        yield
    except Exception as error:
        error.add_note(f"the model is saved: {folder / MODEL_NAME}")
        raise


def _reached(patient: Patience, folder: Path) -> str:
    """How far the training has come, and where that is saved."""
    done, kept = len(patient.network.history_.loss), patient.kept_epoch
    epochs = "1 whole epoch" if done == 1 else f"{done} whole epochs"
    state = "is" if kept == done else f"was after epoch {kept}, the best one"
    return f"after {epochs}; saved as it {state}: {folder / MODEL_NAME}"
