"""The page of a run, written to its folder."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fastmlp.cli.run_files import new_files
from fastmlp.cli.terminal import Terminal
from fastmlp.files import atomic_write
from fastmlp.page.page import Page

REPORT = "report.html"


def write_page(page: Page, folder: Path, console: Terminal) -> dict[str, str]:
    """Write the page of a run, in the place of a link too.

    Returns
    -------
    dict
        What to say of the file; empty if there is none, for want of jinja2.
    """
    try:
        text = page.html()
    except ImportError as error:
        if error.name != "jinja2":
            raise
        console.print_line(f"{REPORT} is left out: it takes jinja2 (pip install jinja2).")
        return {}
    with new_files(folder) as new:
        with atomic_write(new / REPORT) as stream:
            stream.write(text.encode())
        os.replace(new / REPORT, folder / REPORT)
    return {REPORT: "all of it as a page for your browser"}


def short_name(name: str) -> str:
    """Return the name of data without the folder: a page is shown to others."""
    return os.path.basename(name.rstrip(os.sep)) or name


def settings_text(options: Mapping[str, Any]) -> str:
    """Return what was asked of a run, but for its data."""
    words = {name.replace("_", " "): value for name, value in options.items() if name != "data"}
    return ", ".join(f"{name} {value}" for name, value in words.items())
