"""`fastmlp predict`: labels for unlabelled rows, as Kaggle wants them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from fastmlp.cli import options


def predict(
    model: options.Model,
    data: options.Data,
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="CSV", help="The file to write: ImageId,Label.")
    ],
) -> None:
    """Predict every row's label and write Kaggle's ImageId,Label; a label column is ignored."""
    from fastmlp import MLP
    from fastmlp.cli import sources
    from fastmlp.files import atomic_write, check_writable

    check_writable(out)
    network = MLP.load(model)
    dataset = sources.load(data, "test", Console(stderr=True))
    sources.check_fits(dataset, network, model)
    labels = network.predict(dataset.x)
    with atomic_write(out) as stream:
        stream.write(b"ImageId,Label\n")
        stream.writelines(b"%d,%d\n" % pair for pair in enumerate(labels.tolist(), start=1))
    typer.echo(f"Wrote {len(labels):,} labels to {out}", err=True)
