"""Options that several commands share, and the checks of what typer can't check."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, TypeVar

import typer

from fastmlp import checks, reference
from fastmlp.problem import SETTINGS, TUTORIAL, Choice, Problem, as_problem
from fastmlp.reference import OPTIMIZERS
from fastmlp.reference.optimizers import USUAL_RATE

if TYPE_CHECKING:
    import numpy as np

    from fastmlp import MLP
    from fastmlp.data import Dataset

# The settings that are options, and how their help denotes a value.
METAVARS = {"activation": "NAME[,NAME...]", "optimizer": "NAME", "dropout": "X"}
OPTION_NAMES = {
    "learning_rate": "--lr",
    "lambda_reg": "--l2",
    "val_fraction": "--val-fraction",
    "n_threads": "--threads",
    **{name: f"--{name}" for name in METAVARS},
}
ACTIVATION = ",".join(TUTORIAL.activations(2))  # the default, as --activation takes it
UNUSUAL_RATES = {
    name: optimizer.usual_rate
    for name, optimizer in OPTIMIZERS.items()
    if optimizer.usual_rate != USUAL_RATE
}
DATA_HELP = (
    "A file or folder, recognised by its content: CSV (any separator, with or without a header), "
    "IDX as MNIST's, .npz, .npy, .parquet, a folder of images per class; gzip, zip, xz and bz2 "
    "are unpacked. Or - for standard input, 'mnist' (downloaded once), 'digits' (built in)."
)
LABEL_HELP = (
    "The column of the labels in a table: its name, or first, last, none. "
    "By default label, class, target or y; without a header, what looks like labels."
)
SCALE_HELP = (
    "What values are divided by. By default 1 where they are at most 1, their largest for other "
    "whole numbers up to 127, and 255 for those up to 255 and for images."
)
MAX_BYTES_HELP = (
    "Limit of a file's unpacked size, in bytes. By default a hundred times its size, and at least "
    "1 GiB."
)
MODEL_SCALE_HELP = "What values are divided by. By default what the model was trained with."


Given = TypeVar("Given", str, Path, None)


def expanded(path: Given) -> Given:
    """Return a path with its ~ expanded, which shells don't do in --data=~/x."""
    return type(path)(os.path.expanduser(path)) if path else path


def folder(help: str, name: str) -> Any:
    """Return the option --out of a command that makes a folder, by default of this name."""
    return typer.Option(
        metavar="FOLDER",
        help=help,
        show_default=f"{name}, or {name}-2 and so on",
        callback=expanded,
    )


def _setting(name: str) -> Any:
    setting = SETTINGS[name]
    names = f": {', '.join(setting.known(reference))}" if isinstance(setting, Choice) else ""
    return typer.Option(metavar=METAVARS[name], help=f"{setting.doc}{names}.")


Data = Annotated[str, typer.Option(metavar="PATH|mnist|digits", help=DATA_HELP, callback=expanded)]
Label = Annotated[str | None, typer.Option(metavar="COLUMN", help=LABEL_HELP, show_default=False)]
IdColumn = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="The column of a table that identifies its rows; it is not an input. "
        "By default id, ImageId, image_id or index.",
        show_default=False,
    ),
]
Scale = Annotated[float | None, typer.Option(metavar="X", help=SCALE_HELP, show_default=False)]
MaxBytes = Annotated[
    int | None, typer.Option(min=1, metavar="N", help=MAX_BYTES_HELP, show_default=False)
]
ModelScale = Annotated[
    float | None, typer.Option("--scale", metavar="X", help=MODEL_SCALE_HELP, show_default=False)
]
Model = Annotated[
    str,
    typer.Argument(
        metavar="MODEL", help="A .safetensors file, or the folder of a run.", callback=expanded
    ),
]
Hidden = Annotated[str, typer.Option(metavar="N[,N...]", help="Size of each hidden layer.")]
Epochs = Annotated[int, typer.Option(min=1, metavar="N", help="Passes over the training data.")]
BatchSize = Annotated[int, typer.Option(min=1, metavar="N", help="Rows in a mini-batch.")]
Activation = Annotated[str, _setting("activation")]
Optimizer = Annotated[str, _setting("optimizer")]
Dropout = Annotated[float, _setting("dropout")]
LearningRate = Annotated[
    float | None,
    typer.Option(
        "--lr",
        metavar="X",
        help="Learning rate.",
        show_default="; ".join(
            [str(USUAL_RATE), *(f"{rate} for {name}" for name, rate in UNUSUAL_RATES.items())]
        ),
    ),
]
L2 = Annotated[float, typer.Option("--l2", metavar="X", help="L2 strength, on weights only.")]
Seed = Annotated[
    int,
    typer.Option(min=0, max=2**32 - 1, metavar="N", help="Seed of split, weights and row order."),
]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Replace the run that --out holds already.")
]
Threads = Annotated[
    int | None,
    typer.Option(
        min=1, metavar="N", help="Number of threads; by default, as many as make it faster."
    ),
]


class Dtype(StrEnum):
    """The types of the arithmetic, as choices for typer."""

    float32 = "float32"
    float64 = "float64"


Arithmetic = Annotated[Dtype, typer.Option(help="Type of the arithmetic.")]


def hidden_sizes(text: str) -> tuple[int, ...]:
    """Return ``"512,512"`` as ``(512, 512)``."""
    try:
        sizes = tuple(int(size) for size in text.split(","))
    except ValueError:
        sizes = (0,)
    if min(sizes) < 1:
        raise ValueError(
            f"--hidden is {text!r}: give whole numbers of at least 1, such as 64 or 512,512"
        )
    return sizes


class Plan(NamedTuple):
    """A training, as the options describe it."""

    hidden: tuple[int, ...]
    problem: Problem
    learning_rate: float
    lambda_reg: float
    dtype: str
    n_threads: int | None

    def network(
        self, dataset: Dataset, n_classes: int, random_state: int | np.random.RandomState
    ) -> MLP:
        """Return the network to train on the dataset."""
        from fastmlp import MLP

        network = MLP(
            dataset.x.shape[1],
            self.hidden,
            n_classes,
            self.learning_rate,
            **vars(self.problem),
            random_state=random_state,
            dtype=self.dtype,
            n_threads=self.n_threads,
            input_scale=dataset.scale,
        )
        network.class_names = dataset.class_names
        return network


def plan(
    hidden: str,
    lr: float | None,
    l2: float,
    dtype: Dtype,
    threads: int | None,
    *,
    activation: str,
    **settings: Any,
) -> Plan:
    """Return what is to be trained, checked before data are read.

    Without --lr, the learning rate is the optimiser's usual one.
    """
    sizes = hidden_sizes(hidden)
    names = tuple(name.strip() for name in activation.split(","))
    with option_names():
        problem = Problem(names if len(names) > 1 else names[0], **settings)
        problem = as_problem(problem, len(sizes) + 1, reference)
        rate = OPTIMIZERS[problem.optimizer].usual_rate if lr is None else lr
        rate, l2 = checks.as_rates(rate, l2)
        if threads is not None:
            checks.as_threads(threads)
    return Plan(sizes, problem, rate, l2, dtype.value, threads)


@contextmanager
def option_names() -> Iterator[None]:
    """In messages of errors, replace names of Python's arguments by those of the options."""
    try:
        yield
    except ValueError as error:
        pattern = rf"\b({'|'.join(OPTION_NAMES)})\b"
        message = re.sub(pattern, lambda found: OPTION_NAMES[found[0]], str(error))
        raise ValueError(message) from error


def check_overwrite(overwrite: bool, out: Path | None) -> None:
    """Check that it is said which run may be replaced."""
    if overwrite and out is None:
        raise ValueError("--overwrite replaces the run in a folder: name that folder with --out")


def check_fraction(val_fraction: float) -> None:
    """Check that a share of the rows can be kept for validation."""
    if not 0 < val_fraction < 1:
        raise ValueError(
            f"--val-fraction is {val_fraction}: give a number between 0 and 1, such as 0.2"
        )
