"""The documentation: its code runs, its links lead somewhere, its commands exist."""

from __future__ import annotations

import inspect
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
import typer
from script_tools import write_csv
from test_docstrings import PUBLIC

from fastmlp.cli import app

ROOT = Path(__file__).parents[1]
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "CHANGES.md",
    ROOT / "SECURITY.md",
    *sorted((ROOT / "docs").glob("*.md")),
]
# Run by the estimators' own tests, with what they need:
ELSEWHERE = ("coming-from-scikit-learn.md", "many-machines.md", "tables.md")
BLOCK = re.compile(r"^(<!-- not run -->\n)?```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"(?:\]\(|(?:src|srcset)=\")([^)\"\s]+)[)\"]")
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
    """A page's blocks follow on each other; they find small files, and train briefly."""
    random = np.random.RandomState(0)
    x, y = random.randint(0, 256, (200, 784)) * (random.rand(200, 784) < 0.2), np.arange(200) % 10
    write_csv(tmp_path, (x, y))
    customers = pd.DataFrame({"age": x[:, 300] + 1.0, "plan": ["free", "plus", None, "free"] * 50})
    customers.to_csv(tmp_path / "customers.csv", index=False)
    customers.assign(churn=y < 4).to_csv(tmp_path / "churn.csv", index=False)
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    n_run = 0
    with mpl.rc_context({"backend": "agg"}):
        for code in blocks(page, "python"):
            if re.search("sklearn|MLPClassifier|Table(Classifier|Regressor)", code):
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


def test_the_bars_beside_the_table_show_its_figures():
    rows = (ROOT / "benchmarks" / "pictures" / "peers.csv").read_text()
    ours = re.findall(r'^"fastmlp, uint8 pixels",(.*),(.*)$', rows, re.MULTILINE)
    theirs = re.findall(r'^"JAX, .*",(.*),(.*)$', rows, re.MULTILINE)
    table = (ROOT / "README.md").read_text()
    for what, a, b in zip(
        ("an epoch of MNIST, 784-64-10", "the same, 2 threads"), *ours, *theirs, strict=True
    ):
        assert f"| {what} | {a} ms | {b} ms, JAX | {float(b) / float(a):.1f} |" in table


def test_everything_public_has_its_place_on_an_api_page():
    pages = "".join(path.read_text() for path in (ROOT / "docs" / "api").glob("*.md"))
    there = set(re.findall(r"^::: fastmlp\.(\S+)$", pages, re.MULTILINE))
    methods = {f"{name}." for name in PUBLIC if inspect.isclass(PUBLIC[name])}
    expected = {name for name in PUBLIC if not name.startswith(tuple(methods))}
    expected |= {
        "MLPClassifier",
        "MLPRegressor",
        "fit_many",
        "register_skl2onnx",
    }  # not imported: they need an extra
    expected |= {"TableClassifier", "TableEncoder", "TableRegressor"}
    expected |= {"dask.DaskMLPClassifier", "dask.DaskMLPRegressor"}
    assert there - {"network.reference_mlp.MLP", "engine.Trainer"} == expected - {"reference.MLP"}


def test_the_gallery_shows_what_its_code_draws():
    text = (ROOT / "docs" / "gallery.md").read_text()
    drawn = re.findall(r'savefig\("(\S+)"', "".join(blocks(ROOT / "docs" / "gallery.md", "python")))
    assert drawn == re.findall(r"\]\(pictures/(\S+)\)", text)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_exist(page):
    """Each ``fastmlp ...`` in a shell block is parsed as the program would."""
    program = typer.main.get_command(app)
    for line in "".join(blocks(page, "sh")).splitlines():
        name, *words = shlex.split(line.partition(">")[0])
        if name == "fastmlp":
            command = program.commands[words[0]]
            command.make_context(words[0], words[1:])  # raises where an option is unknown
