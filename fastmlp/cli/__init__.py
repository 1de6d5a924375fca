"""The command line: `fastmlp train`, `evaluate`, `predict` and `profile`.

Numba, pandas and matplotlib are imported inside the commands, so that ``--help`` answers at once.
"""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from fastmlp.cli.evaluate import evaluate
from fastmlp.cli.predict import predict
from fastmlp.cli.profile import profile
from fastmlp.cli.train import train

USER_ERRORS = (ValueError, TypeError, OSError, MemoryError)


class OneLineErrors(TyperGroup):
    """Ends in one line on stderr and exit status 2 where the user can set things right."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        kwargs["standalone_mode"] = False  # typer would print its own errors in a box
        try:
            code = super().main(*args, **kwargs)
        except Exception as error:
            if not (isinstance(error, USER_ERRORS) or hasattr(error, "format_message")):
                raise
            typer.echo(f"{typer.style('Error:', fg='red', bold=True)} {_line(error)}", err=True)
            code = 2
        sys.exit(code if isinstance(code, int) else 0)

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            typer.echo("Interrupted.", err=True)
            raise typer.Exit(130) from None


app = typer.Typer(
    cls=OneLineErrors,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (train, evaluate, predict, profile):
    app.command()(command)


@app.callback(invoke_without_command=True)
def fastmlp(
    ctx: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False,
) -> None:
    """Train a small multi-layer perceptron on a CPU, fast; see how good it is; use it."""
    if version:
        from fastmlp import __version__

        typer.echo(f"fastmlp {__version__}")
        raise typer.Exit()
    if ctx.invoked_subcommand is None:
        typer.echo(ctx.get_help())


def _line(error: Exception) -> str:
    """Return the error's message in one line."""
    usage_error: Any = error
    if hasattr(error, "format_message"):  # typer's own: an unknown option, a missing argument
        text = usage_error.format_message().rstrip(".")
        ctx = getattr(error, "ctx", None)
        text += f"; see {ctx.command_path} --help" if ctx is not None else ""
    else:
        text = str(error) or type(error).__name__
    return " ".join(text.split())
