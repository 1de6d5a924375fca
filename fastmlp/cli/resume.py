"""`fastmlp train --resume`: the command line of a run that was interrupted, once more."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastmlp.cli.request import request_in
from fastmlp.cli.run_files import FINISHED, UNFINISHED, RunFiles
from fastmlp.cli.run_folder import run_folder
from fastmlp.cli.table_kind import is_given
from fastmlp.cli.terminal import Terminal
from fastmlp.words import listed

# What may be otherwise when a run goes on: the data may have moved, and threads change no bit.
FREE = ("data", "threads")


def go_on(ctx: Any, folder: Path) -> None:
    """Invoke the command again, with the options of the run in a folder.

    Parameters
    ----------
    ctx : typer.Context
        Of the command with --resume. The one with the run's options has its request as ``obj``.
    folder : Path

    Raises
    ------
    OSError, ValueError
        If there is no run to go on with, or options are given that are the run's.
    """
    given = {
        name: param.opts[0]
        for param in ctx.command.params
        if is_given(ctx.get_parameter_source(name := param.name))
    }
    others = [option for name, option in given.items() if name not in (*FREE, "resume", "verbose")]
    if others:
        raise ValueError(
            f"--resume takes data and settings from the run: leave {listed(others)} out"
        )
    if not (folder / UNFINISHED).exists():
        if not (folder / FINISHED).exists():
            raise FileNotFoundError(
                f"{folder} holds no run that was interrupted: give the folder of one, or leave "
                "--resume out to begin one"
            )
        with run_folder(folder):
            RunFiles(folder).give_up()  # a checkpoint, where it was killed at its very end
        Terminal(quiet=ctx.params["verbose"] is False).print_line(
            f"The run in {folder} has finished: there is nothing left to do."
        )
        return
    request = request_in(folder)
    arguments = [f"--out={folder}"]
    arguments += [f"{given[name]}={ctx.params[name]}" for name in FREE if name in given]
    if "verbose" in given:
        arguments.append("--verbose" if ctx.params["verbose"] else "--quiet")
    with request.context(ctx.command, ctx.parent, folder / UNFINISHED, arguments) as again:
        ctx.command.invoke(again)
