"""`fastmlp train` on a table: `TableClassifier` or `TableRegressor`, and what a run leaves."""

from __future__ import annotations

import time
import warnings
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import typer
from numpy.typing import NDArray

from fastmlp.cli import output, table_notes
from fastmlp.cli.request import Request, digest_of_table
from fastmlp.cli.run_files import HISTORY, RunFiles, write_table
from fastmlp.cli.signals import signals
from fastmlp.cli.sources import Source
from fastmlp.cli.table_kind import Kind, Task
from fastmlp.cli.table_report import draw, found_line, summary
from fastmlp.cli.table_targets import as_targets, labels_of, task_of
from fastmlp.cli.terminal import Terminal, tell, warnings_as_lines
from fastmlp.data.frames import Table, load_table
from fastmlp.network.model_file import MODEL_NAME


class TableRun(NamedTuple):
    """A training on a table, as the options describe it.

    Attributes
    ----------
    source : Source
    task : Task or None
        None lets the labels decide.
    seed : int
    n_threads : int or None
    verbose : bool or None
        None for progress and a summary, False for nothing but errors.
    """

    source: Source
    task: Task | None
    seed: int
    n_threads: int | None
    verbose: bool | None

    def train(
        self, files: RunFiles, options: Mapping[str, Any], former: Request | None,
        tables: ModuleType,
    ) -> None:  # fmt: skip
        """Train on the table, and fill the folder of the run."""
        is_quiet = self.verbose is False
        console, errors = Terminal(quiet=is_quiet), Terminal(stderr=True, quiet=is_quiet)
        table = load_table(
            self.source.data, label=self.source.label, id_column=self.source.id_column,
            max_bytes=self.source.max_bytes,
        )  # fmt: skip
        labels = labels_of(table, "train")
        task = self.task or task_of(labels)
        y = as_targets(labels, task, table.name)
        console.print_line(table.found)
        said: set[str] = set()
        with warnings_as_lines(errors, said):
            encoder = tables.TableEncoder(n_bins=0).fit(table.x)
        console.print_line(found_line(encoder, y, task, table))
        kind = tables.TableClassifier if task is Task.classify else tables.TableRegressor
        estimator = kind(random_state=self.seed, n_threads=self.n_threads, verbose=not is_quiet)
        request = Request.of(options, Kind.table, digest_of_table(table.x, y))
        request.check_rows(former, table.name)
        with files.begun(request.text()):
            start = time.perf_counter()
            try:
                with warnings_as_lines(errors, said), files.kept() as kept_in:
                    estimator.fit(table.x, y, **kept_in)
            except KeyboardInterrupt:
                if not (command := files.command_to_go_on):
                    raise
                tell(f"{signals.word}. To go on: {command}")
                raise typer.Exit(signals.status) from None
            seconds = time.perf_counter() - start
            with signals.held():
                files.save(lambda place: _save(place, estimator, table, y))
            model = files.folder / MODEL_NAME
            if output.has_failed():
                tell(f"The model is saved: {model}")
                return
            try:
                summary(estimator, table, y, task, seconds, console)
                with warnings.catch_warnings():
                    # Of letters that matplotlib's font lacks, whose place an empty box takes.
                    warnings.filterwarnings("ignore", "Glyph", UserWarning)
                    draw(estimator, table, y, task, request.options, files.folder, console)
            except Exception as error:
                error.add_note(f"the model is saved: {model}")
                raise
            files.finish()


def _save(folder: Path, estimator: Any, table: Table, y: NDArray[Any]) -> None:
    model = folder / MODEL_NAME
    estimator.save(model)
    oof = estimator.oof_predictions_
    columns: dict[str, NDArray[Any]] = {}
    if hasattr(estimator, "classes_"):
        columns["prediction"] = estimator.classes_[oof.argmax(axis=1)]
        for name, share in zip(estimator.classes_.tolist(), oof.T, strict=True):
            columns[f"P({name})"] = share
    else:
        columns["prediction"] = oof
    digest = table_notes.write_out_of_fold(folder / table_notes.OUT_OF_FOLD, table.ids, y, columns)
    rows = table_notes.fingerprint(estimator, table.x, y)
    table_notes.Notes(table.label_name, table.id_name, rows, digest).write(model)
    write_table(estimator.history_.to_frame().reset_index(), folder / HISTORY)
