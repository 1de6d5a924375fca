"""What ``--data`` names, as arrays, and how it fits a model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from fastmlp import checks
from fastmlp.cli.progress import progress_of
from fastmlp.cli.terminal import Terminal
from fastmlp.reference import LOSSES
from fastmlp.words import counted, listed, shortened, shown

if TYPE_CHECKING:
    import numpy as np

    from fastmlp.data import Dataset
    from fastmlp.network.mlp import MLP

BUILT_IN = (
    "These are built-in digits, rendered from fonts. For real ones: --data mnist, "
    "--data train.csv (Kaggle's Digit Recognizer) or --data FOLDER (MNIST's IDX files)."
)
PIXEL_MAX, SMALL_MAX = 255, 127  # as in fastmlp.data.pixels
SMALLEST_SIDE = 4  # pixels: a table of four or nine columns is no picture
SIDE = 28  # of MNIST's images
MAX_CLASSES = 10_000  # above it, labels are no classes but something else, such as prices
FRESH_DIGITS, FRESH_SEED = 2000, 43  # built-in digits that no training has seen: those have seed 42


def load(
    data: str,
    use: Literal["train", "test"],
    console: Terminal,
    *,
    label: str | None = None,
    scale: float | None = None,
    side: int = SIDE,
    feature_names: Sequence[str] | None = None,
    id_column: str | None = None,
    max_bytes: int | None = None,
) -> Dataset:
    """Read, download or render the data.

    Parameters
    ----------
    data : str
        ``mnist``, ``digits``, ``-`` for standard input, or the path of what `fastmlp.data.load`
        reads. A file that bears one of these names is reached as ``./mnist``.
    use : {'train', 'test'}
        Which of MNIST's two sets to prefer; for built-in digits, whether to render the standard
        ones or fresh ones, so that a model is not tested on what it was trained on.
    console : Terminal
        Where progress is shown.
    label, scale, side, feature_names, id_column, max_bytes
        As for `fastmlp.data.load`.
    """
    from fastmlp import data as sources

    prefer: Literal["train", "t10k"] = "train" if use == "train" else "t10k"
    if data == "digits":
        with progress_of("Rendering digits", console) as report:
            if use == "train":
                return _known(sources.make_digits(progress=report), "built-in digits", scale)
            fresh = sources.make_digits(FRESH_DIGITS, FRESH_SEED, progress=report)
            return _known(fresh, "fresh built-in digits", scale)
    if data == "mnist":
        with progress_of("Downloading MNIST", console) as report:
            return _known(sources.load_mnist(prefer=prefer, progress=report), "MNIST", scale)
    with progress_of("Reading images", console) as report:
        return sources.load(
            data, label=label, scale=scale, prefer=prefer, side=side, progress=report,
            feature_names=feature_names, id_column=id_column, max_bytes=max_bytes,
        )  # fmt: skip


def load_for(
    network: MLP,
    model: str,
    data: str,
    console: Terminal,
    label: str | None = None,
    scale: float | None = None,
    id_column: str | None = None,
    max_bytes: int | None = None,
) -> Dataset:
    """Read data to use a model on: values are divided as those were that it was trained on.

    Where both have names for their columns, these are put in the model's order, with a word.
    A `scale` that is given goes before the model's own, and the network gets it as its input_scale.

    Raises
    ------
    ValueError
        Where the rows have other columns than the model's input, or the model has no classes.
    """
    if LOSSES[network.loss].targets != "labels":
        raise ValueError(
            f"{model} was trained with the loss {network.loss!r}, which knows no classes: use it "
            "from Python, as in fastmlp.MLP.load(path).predict(x)"
        )
    inputs = network.layer_sizes[0]
    side = image_side(inputs) or SIDE
    divisor = scale or network.input_scale or 1.0
    known = network.feature_names
    if id_column is not None and id_column.strip().lower() in _lowered(known):
        raise ValueError(
            f"--id-column is {shown(id_column)}, which is a feature that {model} was trained on: "
            "give the column that names the rows"
        )
    dataset = load(
        data, "test", console, label=label, scale=divisor, side=side, feature_names=known,
        id_column=id_column, max_bytes=max_bytes,
    )  # fmt: skip
    if known is not None and dataset.feature_names is not None:
        dataset = _by_name(dataset, known, model, console)
    columns = dataset.x.shape[1]
    if columns != inputs:
        unit = dataset.unit[:-1]
        raise ValueError(
            f"{dataset.name} has {counted(columns, unit)} a row, {model} was trained on {inputs}: "
            f"give rows of {counted(inputs, unit)}, or train a model on rows of {columns}"
        )
    if scale is not None:
        network.input_scale = scale
    return dataset


def _lowered(names: Sequence[str] | None) -> set[str]:
    return {name.strip().lower() for name in names or ()}


def _by_name(dataset: Dataset, known: tuple[str, ...], model: str, console: Terminal) -> Dataset:
    """Return data with their columns in the order of a model's, which are `known`."""
    assert dataset.feature_names is not None
    try:
        order = checks.order_of(dataset.feature_names, known)
    except ValueError as error:
        label = " (a column of labels is named with --label)" if dataset.y is None else ""
        raise ValueError(
            f"{dataset.name} {error}: give the columns that {model} was trained on{label}, or the "
            "table without a header, to go by their places"
        ) from None
    if order is None:
        return dataset
    console.print_line(
        f"Columns of {dataset.name} are in another order than those that {model} was trained on: "
        "they are taken by their names."
    )
    return replace(dataset, x=dataset.x.take(order, axis=1), feature_names=known)


def are_images(dataset: Dataset) -> bool:
    """Say whether rows are square images: a table of 16 columns with names of their own is none."""
    return dataset.unit == "pixels" and image_side(dataset.x.shape[1]) is not None


def image_side(n_features: int) -> int | None:
    """Return the side of the square images that rows of so many numbers are; else None."""
    from fastmlp import pictures

    side = pictures.image_side(n_features)
    return side if side and side >= SMALLEST_SIDE else None


def doubt(dataset: Dataset, network: MLP, model: str) -> str:
    """Say so where the values' range is not that of the model's training; else nothing."""
    low, high = dataset.limits
    scale = network.input_scale
    is_whole = dataset.x.dtype.kind == "u"
    # A scale in between is the largest value of some rows, which others may exceed.
    slack = 2 if scale and 1 < scale <= SMALL_MAX else 1
    if is_whole and high > slack * (scale or 1):
        way = f"divided by {scale:g}" if scale and scale != 1 else "not divided"
        was = f"were {way}" if scale else "may have been divided or not, it does not say"
        remedy = f"give --scale {PIXEL_MAX if high > SMALL_MAX else high:g} if that is wrong"
    elif scale and scale > 1 and 0 <= low < high <= 1:
        was = f"were divided by {scale:g}"
        way = f"divided by {scale:g} too" if is_whole else "taken as divided already"
        remedy = "give --scale 1 if that is wrong" if is_whole else "check that this is so"
    else:
        return ""
    return (
        f"Warning: {dataset.unit} of {dataset.name} go from {low:g} to {high:g}, those that "
        f"{model} was trained on {was}: these are {way}; {remedy}."
    )


def say(dataset: Dataset, network: MLP, model: str, console: Terminal) -> None:
    """Print what was found, and what is doubtful about it."""
    for line in (dataset.found, doubt(dataset, network, model), _numbering(dataset, network)):
        if line:
            console.print_line(line)


def rows(dataset: Dataset, dtype: str) -> np.ndarray:
    """Return pixels to train on in this type: whole numbers stay as small as they are."""
    x = dataset.x
    return x if x.dtype.kind == "u" else x.astype(dtype, copy=False)


def labels(dataset: Dataset, purpose: str) -> np.ndarray:
    """Return the labels, or raise an error that says where they belong."""
    if dataset.y is None:
        raise ValueError(
            f"{dataset.name} has no labels, and {purpose} needs them: "
            "give a file with a column 'label', or name the column with --label"
        )
    return dataset.y


def labels_for(network: MLP, model: str, dataset: Dataset, purpose: str) -> np.ndarray:
    """Return the labels as the model's own classes, or raise an error that names a foreign one."""
    import numpy as np

    y = labels(dataset, purpose)
    known = network.class_names
    if dataset.class_names is None and known is None:
        if y.max() >= network.n_classes:
            raise ValueError(
                f"{dataset.name} holds the label {y.max()}, {model} knows 0 to "
                f"{network.n_classes - 1}: train a model on data with all labels"
            )
        return y
    if known is None:
        word = shown(dataset.class_names[y[0]])  # type: ignore[index]
        raise ValueError(
            f"{dataset.name} holds the label {word}, {model} knows 0 to "
            f"{network.n_classes - 1}: give numbers for labels, or train a model on such words"
        )
    if dataset.class_names is None:
        if _are_numbers_of(y, known):
            return y
        values, places = np.unique(y, return_inverse=True)
        names = tuple(str(value) for value in values)
    else:
        names, places = dataset.class_names, y
    class_of = {name: label for label, name in enumerate(known)}
    foreign = [name for name in names if name not in class_of]
    if foreign:
        raise ValueError(
            f"{dataset.name} holds the label {shown(foreign[0])}, {model} knows {listed(known)}: "
            "train a model on data with all labels"
        )
    return np.array([class_of[name] for name in names])[places]


def _are_numbers_of(y: np.ndarray, known: tuple[str, ...]) -> bool:
    """Say whether labels number the classes, and are not what the classes are called."""
    return not {str(label) for label in set(y.tolist())} & set(known) and y.max() < len(known)


def _numbering(dataset: Dataset, network: MLP) -> str:
    """Say what numbers are taken for, where the model knows names; else nothing."""
    y, known = dataset.y, network.class_names
    if y is None or known is None or dataset.class_names or not _are_numbers_of(y, known):
        return ""
    order = ", ".join(f"{i} for {shortened(name)}" for i, name in enumerate(known[:3]))
    more = " and so on" if len(known) > 3 else ""
    return f"Labels of {dataset.name} are numbers, taken in the order of the names: {order}{more}."


def class_words(network: MLP) -> list[str]:
    """Return what each of the model's classes is called: its name, or its number."""
    return list(network.class_names or map(str, range(network.n_classes)))


def n_classes(dataset: Dataset, purpose: str) -> int:
    """Return the number of classes to train, or raise where the labels are no such thing."""
    import numpy as np

    from fastmlp.data.labels import MANY_NUMBERS, REGRESSION, looks_like_regression

    y, name = labels(dataset, purpose), dataset.name
    values, counts = np.unique(y, return_counts=True)
    if len(values) < 2:
        only = shortened(str(y[0] if dataset.class_names is None else dataset.class_names[y[0]]))
        raise ValueError(f"{name} has the label {only} only: give data with two classes at least")
    if dataset.class_names is not None:
        n_classes = len(dataset.class_names)
        largest = f"{n_classes:,} different words for labels"
    else:
        n_classes = int(values[-1]) + 1
        largest = f"the label {values[-1]}"
        are_far = n_classes > MAX_CLASSES and MANY_NUMBERS < len(values) < n_classes - 1
        if are_far or looks_like_regression(values, counts):
            raise ValueError(
                f"{name} has {len(values):,} different numbers for labels in {len(y):,} rows, from "
                f"{values[0]} to {values[-1]}: {REGRESSION}"
            )
    if n_classes > MAX_CLASSES:
        raise ValueError(
            f"{name} has {largest}: number the classes from 0 without gaps, "
            f"{MAX_CLASSES:,} of them at most"
        )
    return n_classes


def _known(arrays: tuple[np.ndarray, np.ndarray], name: str, scale: float | None) -> Dataset:
    """What needs no judging."""
    from fastmlp.data import Dataset

    x, y = arrays
    scale = scale or PIXEL_MAX
    found = f"{name}: {len(x):,} rows of {x.shape[1]} pixels, divided by {scale:g}"
    return Dataset(x, y, scale=scale, name=name, found=found)
