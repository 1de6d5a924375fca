"""The command line: `fastmlp train`, `evaluate`, `predict`, `report`, `profile` and `warm`.

Numba, pandas and matplotlib are imported inside the commands, so that ``--help`` answers at once.

`train`, `evaluate`, `predict`, `report`, `profile` and `warm` are the commands; `options` has the
options that they share. `sources` reads the data, `matching` fits them to a model that was trained
before. All text is printed by `terminal`, which escapes control characters; `progress`,
`pixel_report` and `mistakes` make what is printed. `pixel_run` trains a network. `pixel_page` fills
the page of its run, which `page_file` writes. `run_folder` makes the folder of a run; `run_files`
are the files in it, `request` what was asked of the run, with which `resume` goes on. `split`
remembers the run's rows, `patience` its best epoch. `signals` and `output` save a run that is
interrupted, or whose output fails.

For tables, `table_kind` tells them from pixels, and `table_run` trains on them: `table_targets` are
their labels, `table_notes` what a run remembers beside its model, `table_report` what it says and
draws, with `table_scores`, `table_pictures` and `table_page`. `table_model` matches later tables
with the model, which `table_use` evaluates and predicts with. `saved` loads models of all kinds.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from fastmlp import caches
from fastmlp.cli import output
from fastmlp.cli.evaluate import evaluate
from fastmlp.cli.predict import predict
from fastmlp.cli.profile import profile
from fastmlp.cli.report import report
from fastmlp.cli.signals import signals
from fastmlp.cli.terminal import complain, tell
from fastmlp.cli.train import train
from fastmlp.cli.warm import warm
from fastmlp.engine import CompilerOffError

USER_ERRORS = (ValueError, TypeError, OSError, MemoryError, CompilerOffError)
WIDE = 80  # characters of a terminal that has room for help as a table
# Characters of a narrower one that names of options take, and what explains them, if it can.
FEWEST_OF_NAMES, MOST_OF_NAMES, MOST_OF_TEXT = 8, 30, 35
OUTPUT_CLOSED = 141  # what shells report for a program that SIGPIPE has ended


class PlainHelp:
    """A command whose help shows no value for flags, and in narrow terminals no table."""

    rich_markup_mode: Any

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help as wide as the terminal is."""
        # Of rich's table, the column that explains would be a few letters wide.
        columns = shutil.get_terminal_size().columns
        inherited: Any = super()
        if columns >= WIDE:
            inherited.format_help(ctx, formatter)
            return
        formatter.width = columns
        of_names = max(FEWEST_OF_NAMES, columns - MOST_OF_TEXT)  # longer ones have their own lines
        formatter.write_dl = partial(formatter.write_dl, col_max=min(MOST_OF_NAMES, of_names))
        mode, self.rich_markup_mode = self.rich_markup_mode, None
        try:
            inherited.format_help(ctx, formatter)
        finally:
            self.rich_markup_mode = mode

    def get_params(self, ctx: Any) -> Any:
        """Keep help from showing ``<bool>`` beside flags such as ``--help``."""
        inherited: Any = super()
        params = inherited.get_params(ctx)
        for param in params:
            if getattr(param, "is_flag", False) and param.metavar is None:
                param.metavar = ""
        return params


class Command(PlainHelp, TyperCommand):
    """One of the commands."""


class OneLineErrors(PlainHelp, TyperGroup):
    """Turns errors that the user can correct into one line on stderr and exit status 2."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        kwargs["standalone_mode"] = False  # typer would print its own errors in a box
        with output.guarded(), signals.handled():
            try:
                code = self._run(super().main, *args, **kwargs)
            except KeyboardInterrupt:  # after the handlers below have returned
                code = signals.status
        sys.exit(code)

    def _run(self, main: Callable[..., Any], *args: Any, **kwargs: Any) -> int:
        """Return the exit status; print the error if there is one."""
        try:
            code = main(*args, **kwargs)
        except Exception as error:
            if signals.caught:  # a library has replaced the KeyboardInterrupt by this error
                tell(f"{signals.word}.")
                return signals.status
            if isinstance(
                error, BrokenPipeError
            ):  # from a file that is a pipe, such as /dev/stdout
                return OUTPUT_CLOSED
            if not (isinstance(error, USER_ERRORS) or hasattr(error, "format_message")):
                raise
            complain(_line(error))
            return 2
        if signals.caught:  # even if typer or a library has swallowed the KeyboardInterrupt
            return signals.status
        stdout = output.standard_output()
        if code or stdout is None or stdout.failure is None:
            return code if isinstance(code, int) else 0
        if stdout.is_closed:
            return OUTPUT_CLOSED
        reason = stdout.failure.strerror or stdout.failure
        complain(f"can't write to standard output: {reason}; send it to a place that has space")
        return 1

    def make_context(self, *args: Any, **kwargs: Any) -> Any:
        with _interruptible():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: Any) -> Any:
        with _interruptible():
            return super().invoke(ctx)


app = typer.Typer(
    cls=OneLineErrors,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (train, evaluate, predict, report, profile, warm):
    # Typer keeps the line breaks of the source, except in the first paragraph.
    paragraphs = [" ".join(part.split()) for part in (command.__doc__ or "").split("\n\n")]
    app.command(cls=Command, help="\n\n".join(paragraphs), short_help=paragraphs[0])(command)


@app.callback(invoke_without_command=True)
def fastmlp(
    ctx: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False,
) -> None:
    """Train a small multi-layer perceptron on a CPU, fast; see how good it is; use it."""
    if version:
        from fastmlp.version import __version__

        typer.echo(f"fastmlp {__version__}")
        raise typer.Exit()
    if ctx.invoked_subcommand is None:
        typer.echo(ctx.get_help())
    elif folder := caches.temporary_root():
        tell(
            f"There is no home folder to keep compiled code in, so {folder} has to do: "
            f"set {caches.VARIABLE} to choose another one."
        )
        os.environ.setdefault("MPLCONFIGDIR", str(folder / "matplotlib"))  # which would warn, too


@contextmanager
def _interruptible() -> Iterator[None]:
    """On a signal, say so, and exit with the status that belongs to it."""
    try:
        yield
    except KeyboardInterrupt:
        tell(f"{signals.word}.")
        raise typer.Exit(signals.status) from None


def _line(error: Exception) -> str:
    """Return the error's message and notes."""
    usage_error: Any = error
    if hasattr(error, "format_message"):  # typer's own: an unknown option, a missing argument
        text = usage_error.format_message().rstrip(".")
        ctx = getattr(error, "ctx", None)
        text += f"; see {ctx.command_path} --help" if ctx is not None else ""
    else:
        text = str(error) or type(error).__name__
    notes = getattr(error, "__notes__", ())
    return f"{text} ({'; '.join(notes)})" if notes else text
