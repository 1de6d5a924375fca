"""`fastmlp predict`: labels for unlabelled rows, in Kaggle's layout."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from fastmlp.cli import options


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
        ),
    ] = None,
    label: options.Label = None,
    scale: options.ModelScale = None,
    max_bytes: options.MaxBytes = None,
) -> None:
    """Predict every row's label, as a CSV of ImageId,Label; a label column is ignored.

    Rows go by the id that the data have for them, such as a column id or an image's name, or else
    by their number, from 1.
    """
    from fastmlp import MLP
    from fastmlp.cli import output, sources
    from fastmlp.files import atomic_write, check_writable

    options.check_scale(scale)
    stdout = output.standard_output()
    if out is not None and str(out) != "-":
        check_writable(out)
    elif stdout is None:
        raise OSError("standard output is closed: name a file with --out")
    else:
        out = None
    network = MLP.load(model)
    errors = Console(stderr=True, highlight=False)
    dataset = sources.load_for(network, model, data, errors, label, scale, max_bytes)
    sources.say(dataset, network, model, errors)
    names = sources.class_words(network)
    labels = network.predict(dataset.x).tolist()
    ids = range(1, len(labels) + 1) if dataset.ids is None else dataset.ids.tolist()
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["ImageId", "Label"])
    rows.writerows((row, names[label]) for row, label in zip(ids, labels, strict=True))
    data_written = text.getvalue().encode()
    if out is None:
        assert stdout is not None
        stdout.write_bytes(data_written)
        return
    with atomic_write(out) as stream:
        stream.write(data_written)
    typer.echo(f"Wrote {len(labels):,} labels to {out}", err=True)
