"""Data to use a model on: their columns, scale and labels are matched with the model's own."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from fastmlp import checks
from fastmlp.cli.sources import SIDE, Source, image_side, labels, load
from fastmlp.cli.terminal import Terminal
from fastmlp.data import Dataset
from fastmlp.data.pixels import PIXEL_MAX, SMALL_MAX
from fastmlp.reference import LOSSES
from fastmlp.words import counted, listed, shortened, shown

if TYPE_CHECKING:
    from fastmlp.network.mlp import MLP


def load_for(network: MLP, model: str, source: Source, errors: Terminal) -> Dataset:
    """Read data to use a model on; values are divided as in its training.

    If both data and model have column names, columns are put in the model's order, with a note.
    A scale of the source takes precedence over the model's and becomes its `input_scale`.

    Raises
    ------
    ValueError
        If the rows don't have the columns of the model's input, or the model has no classes.
    """
    if LOSSES[network.loss].targets != "labels":
        raise ValueError(
            f"{model} was trained with the loss {network.loss!r}, which knows no classes: use it "
            "from Python, as in fastmlp.MLP.load(path).predict(x)"
        )
    inputs = network.layer_sizes[0]
    known = network.feature_names
    id_column = source.id_column
    if id_column is not None and id_column.strip().lower() in {
        name.strip().lower() for name in known or ()
    }:
        raise ValueError(
            f"--id-column is {shown(id_column)}, which is a feature that {model} was trained on: "
            "give the column that names the rows"
        )
    scaled = replace(source, scale=source.scale or network.input_scale or 1.0)
    side = image_side(inputs) or SIDE
    dataset = load(scaled, "t10k", errors, side=side, feature_names=known)
    if known is not None and dataset.feature_names is not None:
        dataset = _by_name(dataset, known, model, errors)
    columns = dataset.x.shape[1]
    if columns != inputs:
        unit = dataset.unit[:-1]
        raise ValueError(
            f"{dataset.name} has {counted(columns, unit)} a row, {model} was trained on {inputs}: "
            f"give rows of {counted(inputs, unit)}, or train a model on rows of {columns}"
        )
    if source.scale is not None:
        network.input_scale = source.scale
    return dataset


def _by_name(dataset: Dataset, known: tuple[str, ...], model: str, errors: Terminal) -> Dataset:
    """Return data with their columns in the order of the model's, which are `known`."""
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
    errors.print_line(
        f"Columns of {dataset.name} are in another order than those that {model} was trained on: "
        "they are taken by their names."
    )
    return replace(dataset, x=dataset.x.take(order, axis=1), feature_names=known)


def say(dataset: Dataset, network: MLP, model: str, errors: Terminal) -> None:
    """Say what was found, and what may be wrong with it."""
    for line in (dataset.found, _doubt(dataset, network, model), _numbering(dataset, network)):
        if line:
            errors.print_line(line)


def _doubt(dataset: Dataset, network: MLP, model: str) -> str:
    """Return a warning if values seem to be scaled unlike those of the model's training."""
    low, high = dataset.limits
    scale = network.input_scale
    is_whole = dataset.x.dtype.kind == "u"
    # A scale from 2 to 127 is the largest value in the training data; other data may exceed it.
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


def _numbering(dataset: Dataset, network: MLP) -> str:
    """Return a note on how numeric labels are understood if the model's classes have names."""
    y, known = dataset.y, network.class_names
    if y is None or known is None or dataset.class_names or not _are_numbers_of(y, known):
        return ""
    order = ", ".join(f"{i} for {shortened(name)}" for i, name in enumerate(known[:3]))
    more = " and so on" if len(known) > 3 else ""
    return f"Labels of {dataset.name} are numbers, taken in the order of the names: {order}{more}."


def labels_for(network: MLP, model: str, dataset: Dataset) -> np.ndarray:
    """Return labels as indices of the model's classes, or raise an error if one has no class."""
    y, names, known = labels(dataset, "evaluate"), dataset.class_names, network.class_names
    retrain = "train a model on data with all labels"
    if known is None:
        if names is not None:
            label = shown(names[y[0]])
            remedy = "give numbers for labels, or train a model on such words"
        elif y.max() >= network.n_classes:
            label, remedy = str(y.max()), retrain
        else:
            return y
        raise ValueError(
            f"{dataset.name} holds the label {label}, {model} knows 0 to "
            f"{network.n_classes - 1}: {remedy}"
        )
    if names is None:
        if _are_numbers_of(y, known):
            return y
        values, y = np.unique(y, return_inverse=True)
        names = tuple(map(str, values))
    class_of = {name: label for label, name in enumerate(known)}
    foreign = [name for name in names if name not in class_of]
    if foreign:
        raise ValueError(
            f"{dataset.name} holds the label {shown(foreign[0])}, {model} knows {listed(known)}: "
            f"{retrain}"
        )
    return np.array([class_of[name] for name in names])[y]


def _are_numbers_of(y: np.ndarray, known: tuple[str, ...]) -> bool:
    """Whether labels are indices of classes, and none of them is the name of a class."""
    return not {str(label) for label in set(y.tolist())} & set(known) and y.max() < len(known)


def class_words(network: MLP) -> list[str]:
    """Return the name of each of the model's classes; its index if it has none."""
    return list(network.class_names or map(str, range(network.n_classes)))
