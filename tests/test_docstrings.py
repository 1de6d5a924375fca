"""The docstrings of everything public: they name the real parameters, and their examples run."""

from __future__ import annotations

import doctest
import importlib
import inspect
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import fastmlp
from fastmlp import data, pictures, profiling, reference

SECTION = re.compile(r"^(\w[\w ]*)\n-{3,}$", re.MULTILINE)
WITH_EXAMPLES = (
    "MLP", "History", "one_hot_encode", "make_prediction", "find_misclassified",
    "data.load", "data.load_csv", "data.make_digits", "data.train_val_split",
    "MLP.save", "pictures.learning_curves", "profiling.profile",
)  # fmt: skip


def members(prefix: str, names: list[str], home: Any) -> Iterator[tuple[str, Any]]:
    for name in names:
        thing = getattr(home, name)
        if inspect.ismodule(thing) or not inspect.isroutine(thing) | inspect.isclass(thing):
            continue
        yield f"{prefix}{name}", thing
        if inspect.isclass(thing):
            for method, function in inspect.getmembers(thing, inspect.isroutine):
                if not method.startswith("_") and (
                    getattr(function, "__module__", None) or ""
                ).startswith("fastmlp"):
                    yield f"{prefix}{name}.{method}", function


def exported(module: Any) -> list[str]:
    def is_own(thing: Any) -> bool:
        return (getattr(thing, "__module__", None) or "").startswith("fastmlp.")

    own = [name for name, thing in vars(module).items() if name[0] != "_" and is_own(thing)]
    return getattr(module, "__all__", own)


PUBLIC = dict(
    thing
    for prefix, module in {"": fastmlp, "data.": data, "profiling.": profiling,
                           "pictures.": pictures}.items()
    for thing in members(prefix, exported(module), module)
)  # fmt: skip
PUBLIC |= dict(members("reference.", reference.__all__, reference))


def documented(text: str, section: str = "Parameters") -> list[str]:
    """The names that a section of a numpydoc docstring describes."""
    parts = SECTION.split(text)
    sections = dict(zip(parts[1::2], parts[2::2], strict=True))
    found: list[str] = []
    for line in sections.get(section, "").splitlines():
        if line and not line.startswith(" "):
            names, _, _ = line.partition(" : ")
            found += [name.strip().lstrip("*") for name in names.split(",")]
    return found


def real(thing: Any) -> list[str]:
    signature = inspect.signature(thing)
    return [name for name in signature.parameters if name != "self"]


@pytest.mark.parametrize("name", PUBLIC)
def test_it_is_described(name):
    text = inspect.getdoc(PUBLIC[name])
    assert text
    summary = text.split("\n\n")[0]
    assert summary.rstrip().endswith((".", ":", "`")), summary


@pytest.mark.parametrize("name", PUBLIC)
def test_documented_and_real_parameters_agree(name):
    thing = PUBLIC[name]
    text = inspect.getdoc(thing)
    names = documented(text)
    if not names and inspect.isclass(thing):  # a dataclass: its fields are its parameters
        names = documented(text, "Attributes")
        names = [name for name in names if name in real(thing)]
    is_of_another = re.search(r"^\s*Parameters .*of `", text, re.MULTILINE)
    if not is_of_another:
        assert names == real(thing)


@pytest.mark.parametrize("name", [name for name in PUBLIC if inspect.isroutine(PUBLIC[name])])
def test_results_are_documented(name):
    """Of functions without parameters, the summary says it."""
    function = PUBLIC[name]
    text = inspect.getdoc(function)
    returns_nothing = inspect.signature(function).return_annotation in ("None", None)
    if real(function) or returns_nothing:
        assert ("Returns" in SECTION.findall(text)) != returns_nothing
    else:
        assert text.startswith("Return")


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_examples_run(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    thing = PUBLIC[name]
    module = importlib.import_module(thing.__module__)
    finder, runner = doctest.DocTestFinder(recurse=False), doctest.DocTestRunner()
    (test,) = finder.find(thing, name, module=module, globs={thing.__name__: thing, "np": np})
    assert test.examples
    assert runner.run(test).failed == 0


def test_the_parser_finds_what_is_missing():
    text = (
        "What.\n\nParameters\n----------\na, b : int\n    Both.\n*c : str\n\nReturns\n-------\nint"
    )
    assert documented(text) == ["a", "b", "c"]
