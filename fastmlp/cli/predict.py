"""`fastmlp predict`: labels for unlabelled rows, in Kaggle's layout."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

import fastmlp
from fastmlp.cli import matching, options, output, sources
from fastmlp.cli.table_model import table_model
from fastmlp.cli.terminal import Terminal, tell
from fastmlp.files import atomic_write, check_writable
from fastmlp.words import counted, encodable


def predict(
    model: options.Model,
    data: options.Data,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="CSV",
            help="The file to write. By default, and for -, standard output.",
            show_default=False,
            callback=options.expanded,
        ),
    ] = None,
    label: options.Label = None,
    id_column: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="What the first column is called. A table's column of that name gives the ids. "
            "By default ImageId for square images, else row.",
            show_default=False,
        ),
    ] = None,
    header: Annotated[
        bool, typer.Option("--header/--no-header", help="Whether the columns' names come first.")
    ] = True,
    proba: Annotated[
        bool,
        typer.Option("--proba", help="Write each class's probability instead, a column for each."),
    ] = False,
    scale: options.ModelScale = None,
    max_bytes: options.MaxBytes = None,
) -> None:
    """Predict every row's label, as a CSV of ids and labels; a label column is ignored.

    A row is named by its id in the data, such as a column id or an image's name, or else by its
    number, from 1.
    """
    source = sources.Source(data, label, id_column, scale, max_bytes)
    stdout = output.standard_output()
    if out is not None and str(out) != "-":
        check_writable(out)
    elif stdout is None:
        raise OSError("standard output is closed: name a file with --out")
    else:
        out = None
    if (found := table_model(model)) is not None:
        from fastmlp.cli import table_use

        names, cells = table_use.predictions(found, source, id_column, proba)
    else:
        names, cells = _of_network(model, source, id_column, proba)
    lines = [_line(names)] if header else []
    lines += map(_line, cells)
    # Names that are not UTF-8 must still differ from each other.
    data_written = encodable("".join(lines)).encode()
    if out is None:
        assert stdout is not None
        stdout.write_bytes(data_written)
        return
    with atomic_write(out) as stream:
        stream.write(data_written)
    tell(f"Wrote {counted(len(cells), 'row' if proba else 'label')} to {out}")


def _of_network(
    model: str, source: sources.Source, id_column: str | None, proba: bool
) -> tuple[list[str], list[list[object]]]:
    """Return the names of the columns to write, and the lines."""
    network = fastmlp.MLP.load(model)
    errors = Terminal(stderr=True)
    dataset = matching.load_for(network, model, source, errors)
    matching.say(dataset, network, model, errors)
    names = matching.class_words(network)
    is_image = sources.are_images(dataset)
    columns = ["Label"] if is_image else ["label"]
    if proba:
        columns, cells = names, network.predict_proba(dataset.x).astype(str).tolist()
    else:
        cells = [[names[label]] for label in network.predict(dataset.x).tolist()]
    ids = range(1, len(cells) + 1) if dataset.ids is None else dataset.ids.tolist()
    first = id_column or ("ImageId" if is_image else "row")
    return [first, *columns], [[row, *rest] for row, rest in zip(ids, cells, strict=True)]


def _line(cells: Iterable[object]) -> str:
    """Return a line of CSV; before Python 3.13, the module csv leaves a bare \\r unquoted."""
    return ",".join(map(_quoted, map(str, cells))) + "\n"


def _quoted(text: str) -> str:
    if re.search('[,"\r\n]', text):
        return '"' + text.replace('"', '""') + '"'
    return text
