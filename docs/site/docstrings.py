"""Docstrings as `help` shows them: some are filled with the entries of tables on import."""

from __future__ import annotations

import inspect
from typing import Any

import griffe


class Filled(griffe.Extension):
    """Takes the docstrings of classes from the imported package instead of its source."""

    def on_class(self, *, cls: griffe.Class, **_: Any) -> None:
        """Replace a docstring that has a placeholder in the source."""
        if cls.docstring and "<" in cls.docstring.value:
            cls.docstring.value = inspect.getdoc(griffe.dynamic_import(cls.path)) or ""
