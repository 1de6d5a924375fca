"""The documentation: its code runs, its links lead somewhere, its commands exist."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
import typer
from script_tools import write_csv

from fastmlp.cli import app

ROOT = Path(__file__).parents[1]
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "CHANGES.md",
    ROOT / "SECURITY.md",
    *sorted((ROOT / "docs").glob("*.md")),
]
ELSEWHERE = ("coming-from-scikit-learn.md",)  # run by the estimators' own test, with what it needs
BLOCK = re.compile(r"^(<!-- not run -->\n)?```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\(([^)\s]+)\)")
WITH_CODE = [
    page for page in PAGES if "```python" in page.read_text() and page.name not in ELSEWHERE
]


def blocks(page: Path, language: str) -> Iterator[str]:
    for not_run, found, code in BLOCK.findall(page.read_text()):
        if found == language and not not_run:
            yield code


def anchors(page: Path) -> set[str]:
    """The headings, as hosts of Markdown name them."""
    text = BLOCK.sub("", page.read_text())
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in headings}


@pytest.mark.parametrize("page", WITH_CODE, ids=lambda page: page.name)
def test_code_runs(page, tmp_path, monkeypatch, capsys):
    """A page's blocks follow on each other; they find a small train.csv, and train briefly."""
    random = np.random.RandomState(0)
    x, y = random.randint(0, 256, (200, 784)) * (random.rand(200, 784) < 0.2), np.arange(200) % 10
    write_csv(tmp_path, (x, y))
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    n_run = 0
    with mpl.rc_context({"backend": "agg"}):
        for code in blocks(page, "python"):
            if "MLPClassifier" in code:
                pytest.importorskip("fastmlp.estimators")
            code = re.sub(r"epochs=\d+", "epochs=2", code)
            exec(compile(code, page.name, "exec"), names)
            n_run += 1
    assert n_run > 0


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for link in LINK.findall(BLOCK.sub("", page.read_text())):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_each_page_is_reached_from_the_readme(page):
    links = {
        (ROOT / link.partition("#")[0]).resolve()
        for link in LINK.findall((ROOT / "README.md").read_text())
    }
    assert page.name == "README.md" or page in links


def test_the_readme_is_one_screen_and_has_its_two_commands():
    text = (ROOT / "README.md").read_text()
    assert len(text.splitlines()) <= 65
    assert list(blocks(ROOT / "README.md", "")) == [
        "pip install . && fastmlp train\n",
        "pip install nox && nox -s tests\n",
    ]
    table = [line for line in text.splitlines() if line.startswith("|")]
    assert len(table) <= 2 + 8


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_exist(page):
    """Each ``fastmlp ...`` in a shell block is parsed as the program would."""
    program = typer.main.get_command(app)
    for line in "".join(blocks(page, "sh")).splitlines():
        name, *words = shlex.split(line.partition(">")[0])
        if name == "fastmlp":
            command = program.commands[words[0]]
            command.make_context(words[0], words[1:])  # raises where an option is unknown


IN_DETAIL = ("fastmlp", "fastmlp/checks", "fastmlp/reference", "fastmlp/kernels")


def the_map() -> list[str]:
    """What CONTRIBUTING's map names, in its order: files, and folders as wholes."""
    _, _, text = (ROOT / "CONTRIBUTING.md").read_text().partition("## The map")
    text, _, _ = text.split("```")[1].partition("docs/")
    named, folder = [], ""
    for name in re.findall(r"[\w/]+\.py\b|fastmlp/\w+/", text):
        if name.startswith("fastmlp/"):
            folder = name.rpartition("/")[0]
            named.append(name.rstrip("/"))
        else:
            inside = f"{folder}/{name}"
            named.append(inside if (ROOT / inside).exists() else f"fastmlp/{name}")
    return named


def imports(path: Path) -> Iterator[str]:
    """The files of fastmlp that a file needs when it runs."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            node.body = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("fastmlp"):
            module = (node.module or "").replace(".", "/")
            for name in (f"{module}/{alias.name}" for alias in node.names):
                yield next(f for f in (f"{name}.py", f"{module}.py", name, module)
                           if (ROOT / f).exists())  # fmt: skip


def test_the_map_names_every_file_and_no_other():
    named = the_map()
    assert [name for name in named if not (ROOT / name).exists()] == []
    files = {f.relative_to(ROOT).as_posix() for folder in IN_DETAIL
             for f in (ROOT / folder).glob("*.py") if f.name != "__init__.py"}  # fmt: skip
    assert files - set(named) == set()


def test_imports_point_upwards_in_the_map():
    named = the_map()

    def place(file: str) -> int:
        folder = file.rpartition("/")[0]
        return named.index(file if folder in IN_DETAIL else folder)

    downwards = []
    for path in sorted((ROOT / "fastmlp").glob("**/*.py")):
        file = path.relative_to(ROOT).as_posix()
        if path.name != "__init__.py":
            wanted = [f for f in imports(path) if f != "fastmlp"]  # which imports nothing by itself
            downwards += [(file, f) for f in wanted if place(f) > place(file)]
    assert downwards == []
