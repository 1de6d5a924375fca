"""Whether ``--data`` is a table for `fastmlp.tables`, or pixels for a network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from types import ModuleType
from typing import Any

from fastmlp.cli.sources import Source
from fastmlp.data.limits import at_most
from fastmlp.data.pipes import kept, name_of
from fastmlp.data.recognise import Reason, why_table
from fastmlp.words import listed

BUILT_IN = ("digits", "mnist")
# Options of `train` that say how a network is trained; a table's networks have no such choice.
OF_NETWORKS = {
    "scale": "--scale", "hidden": "--hidden", "activation": "--activation",
    "dropout": "--dropout", "optimizer": "--optimizer", "epochs": "--epochs",
    "patience": "--patience", "keep": "--keep", "batch_size": "--batch-size", "lr": "--lr",
    "l2": "--l2", "val_fraction": "--val-fraction", "dtype": "--dtype",
}  # fmt: skip


class Kind(StrEnum):
    """What data can be taken for."""

    pixels = "pixels"
    table = "table"


class Task(StrEnum):
    """What can be done with a table's labels."""

    classify = "classify"
    regress = "regress"


def options_of_networks(ctx: Any) -> list[str]:
    """Return the options of a network that the command line gives."""
    given = {name for name in OF_NETWORKS if is_given(ctx.get_parameter_source(name))}
    return [option for name, option in OF_NETWORKS.items() if name in given]


def is_given(source: Any) -> bool:
    """Whether a parameter's source, as typer tells it, is the user."""
    return source is not None and source.name in ("COMMANDLINE", "ENVIRONMENT")


@contextmanager
def read_once(source: Source) -> Iterator[None]:
    """Keep what comes from a pipe: it is looked at first, and then read."""
    if source.data in BUILT_IN:
        yield
        return
    with at_most(source.max_bytes), kept(source.data):
        yield


def reason_of(source: Source, kind: Kind | None, given: Sequence[str]) -> Reason | None:
    """Say why data are a table; None if they are pixels.

    Parameters
    ----------
    source : Source
    kind : Kind or None
        What the user has said.
    given : sequence of str
        Options of a network: numbers are pixels if there is one, however few they are in a row.

    Raises
    ------
    ValueError
        If a table is to be trained on with options of a network.
    """
    if kind is Kind.pixels or (kind is None and source.data in BUILT_IN):
        return None
    if kind is Kind.table:
        if source.data in BUILT_IN:
            raise ValueError(
                f"--data is {source.data}, which are pixels: leave --kind and --task out"
            )
        reason: Reason | None = Reason("--kind says so", False)
    else:
        reason = why_table(
            source.data, label=source.label, id_column=source.id_column,
            max_bytes=source.max_bytes,
        )  # fmt: skip
    if reason is None or not given:
        return reason
    if reason.is_numeric:
        return None
    verb, them = ("is an option", "it") if len(given) == 1 else ("are options", "them")
    raise ValueError(
        f"{name_of(source.data)} is a table ({reason.words}), and {listed(given)} {verb} for "
        f"pixels: leave {them} out, or give --kind pixels"
    )


def tables_module(name: str, reason: str) -> ModuleType:
    """Return `fastmlp.tables`.

    Raises
    ------
    ValueError
        If scikit-learn, which it needs, is missing or too old.
    """
    try:
        from fastmlp import tables
    except ImportError as error:
        if not (error.name or "sklearn").startswith("sklearn"):
            raise
        raise ValueError(
            f"{name} is a table ({reason}), for which scikit-learn 1.9 or newer is needed: "
            "pip install 'fastmlp[sklearn]'"
        ) from error
    return tables
