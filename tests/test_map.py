"""CONTRIBUTING's map of the package: it is whole, and imports point upwards in it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "fastmlp"


def rooms() -> list[str]:
    """The paths of the map, within the package, from its first line to its last one."""
    (block,) = re.findall(
        r"```\n(fastmlp/.*?)```", (ROOT / "CONTRIBUTING.md").read_text(), re.DOTALL
    )
    found, above = [], ""
    for line in block.splitlines():
        name = line.split()[0]
        if not line.startswith(" "):
            name = above = name.removeprefix("fastmlp/")
        else:
            name = above + name
        found.append(name)
    return found


def room_of(module: str, names: list[str]) -> int | None:
    """The place of the room that a module lies in; the innermost one."""
    path = module.replace(".", "/").removeprefix("fastmlp/")
    places = [
        i
        for i, name in enumerate(names)
        if path == name.removesuffix(".py") or (name.endswith("/") and f"{path}/".startswith(name))
    ]
    return max(places, key=lambda i: len(names[i]), default=None)


def imports_of(file: Path) -> Iterator[str]:
    """All that a file imports from fastmlp, wherever in it."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith("fastmlp."))
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "fastmlp":
            module = str(node.module)
            for alias in node.names:
                inner = PACKAGE.joinpath(*module.split(".")[1:], alias.name)
                is_module = inner.is_dir() or inner.with_suffix(".py").exists()
                yield f"{module}.{alias.name}" if is_module else module


def test_everything_stands_on_the_map_once() -> None:
    names = rooms()
    assert len(set(names)) == len(names)
    there = {
        f"{path.relative_to(PACKAGE)}{'/' if path.is_dir() else ''}"
        for folder in (PACKAGE, PACKAGE / "kernels")
        for path in folder.iterdir()
        if path.name not in ("__init__.py", "__pycache__", "py.typed")
    }
    assert set(names) == there


FILES = sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


@pytest.mark.parametrize("file", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_upwards(file: Path) -> None:
    names = rooms()
    module = ".".join(("fastmlp", *file.relative_to(PACKAGE).with_suffix("").parts))
    own = room_of(module.removesuffix(".__init__"), names)
    assert own is not None
    if names[own] == "kernels/":  # its own __init__, the lid on the rooms within
        own = max(i for i, name in enumerate(names) if name.startswith("kernels/"))
    for imported in imports_of(file):
        place = room_of(imported, names)
        if place is None:  # names of the package itself, which are looked up when they are used
            assert imported == "fastmlp"
            continue
        if names[place] == "kernels/":
            place = max(i for i, name in enumerate(names) if name.startswith("kernels/"))
        assert place <= own, f"{imported} stands below {names[own]}"


def test_folders_import_each_other_one_way_only() -> None:
    """No circle within a folder either."""
    for folder in [PACKAGE, *(path for path in PACKAGE.rglob("*") if path.is_dir())]:
        files = {file.stem: file for file in folder.glob("*.py") if file.stem != "__init__"}
        prefix = ".".join(("fastmlp", *folder.relative_to(PACKAGE).parts))
        left = {
            name: {
                imported.removeprefix(f"{prefix}.").split(".")[0]
                for imported in imports_of(file)
                if imported.startswith(f"{prefix}.")
            }
            & (files.keys() - {name})
            for name, file in files.items()
        }
        while left:
            free = [name for name, needed in left.items() if not needed & left.keys()]
            assert free, f"a circle in {folder}: {sorted(left)}"
            for name in free:
                del left[name]


def test_folders_say_what_their_files_are_for() -> None:
    for init in PACKAGE.rglob("*/__init__.py"):
        said = ast.get_docstring(ast.parse(init.read_text())) or ""
        names = [path.stem for path in init.parent.iterdir() if not path.stem.startswith("_")]
        unsaid = [name for name in names if not re.search(rf"`{name}\b", said)]
        assert not unsaid, f"{init.parent.name} has {unsaid}"
