"""Everything that an API page shows is described: functions, methods, properties, attributes."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from test_docstrings import SECTION

PAGES = Path(__file__).parents[1] / "docs" / "api"
NAMES = [
    name
    for page in sorted(PAGES.glob("*.md"))
    for name in re.findall(r"^::: (\S+)$", page.read_text(), re.MULTILINE)
]

OWN = ("fastmlp",)  # modules whose classes are to be described


def thing_of(name: str) -> Any:
    """The object of this full name."""
    if re.match(r"fastmlp\.(MLPC|MLPR|Table|fit_many|register)", name):
        pytest.importorskip("fastmlp.estimators")
    home, _, last = name.rpartition(".")
    return getattr(importlib.import_module(home), last)


def own_classes(kind: type) -> list[type]:
    """The class, and those of fastmlp's that it inherits from."""
    return [each for each in kind.__mro__ if each.__module__.startswith(OWN)]


def attributes(kind: type) -> set[str]:
    """Public attributes: declared or set in the class, or set by its methods on ``self``."""
    found: set[str] = set()
    for each in own_classes(kind):
        found |= {name for name, value in vars(each).items() if not callable(value)}
        found |= vars(each).get("__annotations__", {}).keys()
        for node in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(each)))):
            if (
                isinstance(node, ast.Attribute)
                and isinstance(node.ctx, ast.Store)
                and isinstance(node.value, ast.Name)
                and node.value.id == "self"
            ):
                found.add(node.attr)
    methods = {name for name, value in inspect.getmembers(kind) if inspect.isroutine(value)}
    return {name for name in found - methods if not name.startswith("_")}


def described(kind: type) -> set[str]:
    """Names that a class describes, or one that it refers to, or properties' docstrings do."""
    found = set()
    for each in own_classes(kind):
        parts = SECTION.split(inspect.cleandoc(each.__doc__ or ""))
        for section, text in zip(parts[1::2], parts[2::2], strict=True):
            if section in ("Attributes", "Parameters"):
                for names in re.findall(r"^(\S[^:\n]*)(?: :.*)?$", text, re.MULTILINE):
                    found |= {name.strip().lstrip("*") for name in names.split(",")}
                    if "..." in names:  # w1, ..., wL: declared are the tutorial's two
                        found.add(f"{names[0]}2")
                for other in re.findall(r"other attributes, see `(\S+)`", text):
                    found |= described(thing_of(other))
    for name, value in inspect.getmembers(kind):
        if isinstance(value, property) and (value.__doc__ or "").strip():
            found.add(name)
    return found


def undescribed(thing: Any) -> Iterator[str]:
    """Public parts of a class or function that have no description."""
    if not (inspect.getdoc(thing) or "").strip():
        yield thing.__name__
    if not inspect.isclass(thing):
        return
    for name, value in inspect.getmembers(thing, inspect.isroutine):
        of_own = (getattr(value, "__module__", None) or "").startswith(OWN)
        if not name.startswith("_") and of_own and not (inspect.getdoc(value) or "").strip():
            yield name
    yield from sorted(attributes(thing) - described(thing))


@pytest.mark.parametrize("name", NAMES)
def test_everything_on_api_pages_is_described(name: str) -> None:
    assert list(undescribed(thing_of(name))) == []


class Lacking:
    """What describes some of its parts.

    Attributes
    ----------
    a, b : int
    """

    c: int
    a = d = 1

    def __init__(self) -> None:
        self.b = self._hidden = self.e = 0

    @property
    def f(self) -> int:
        return 0

    @property
    def g(self) -> int:
        """What it is."""
        return 0

    def h(self) -> None:
        return None


def test_what_is_missing_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{__name__}.OWN", (*OWN, __name__))
    assert list(undescribed(Lacking)) == ["h", "c", "d", "e", "f"]
