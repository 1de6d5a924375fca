"""What is said of a release in several places is the same in all of them."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from fastmlp import __version__

ROOT = Path(__file__).parents[1]
RECIPE = ROOT / ".github" / "recipe.yaml"
CITATION = ROOT / "CITATION.cff"
if not RECIPE.exists():
    pytest.skip("an sdist has no recipe", allow_module_level=True)


def test_one_version() -> None:
    for file in (RECIPE, CITATION):
        (version,) = re.findall(r"^ *version: (\d\S*)$", file.read_text(), re.MULTILINE)
        assert version == __version__, file.name


def test_the_recipe_needs_what_the_package_needs() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    listed = RECIPE.read_text().partition("  run:")[2].partition("\n\n")[0]
    needed = re.findall(r"^    - (\S+) (\S+)$", listed, re.MULTILINE)
    of_package = [tuple(re.findall(r"^([\w-]+)(.*)$", line)[0]) for line in project["dependencies"]]
    of_package = [("matplotlib-base" if n == "matplotlib" else n, v) for n, v in of_package]
    assert needed == [("python", project["requires-python"]), *of_package]
