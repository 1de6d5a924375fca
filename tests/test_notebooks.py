"""The notebooks of the documentation, run headless: pictures, tables and bars show."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

nbformat = pytest.importorskip("nbformat", reason="notebooks need nbformat")
nbclient = pytest.importorskip("nbclient", reason="notebooks need nbclient to be run")
pytest.importorskip("ipykernel", reason="notebooks need a kernel: ipykernel")

ROOT = Path(__file__).parents[1]
PNG, HTML, TEXT = "image/png", "text/html", "text/plain"
# The libraries that run notebooks give warnings of their own.
pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.usefixtures("warnings_are_errors")]


@pytest.fixture
def warnings_are_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the kernels, too, as far as they are fastmlp's."""
    monkeypatch.setenv("PYTHONWARNINGS", "error::UserWarning:__main__")
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(paths))


def run(book: Any, folder: Path) -> list[list[Any]]:
    """Run a notebook in a folder; return the outputs of each cell of code."""
    client = nbclient.NotebookClient(
        book, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    )
    client.execute()
    return [cell.outputs for cell in book.cells if cell.cell_type == "code"]


def kinds(outputs: list[Any]) -> set[str]:
    """What a cell shows, by their types."""
    return {kind for output in outputs for kind in output.get("data", ())}


def html_of(outputs: list[Any]) -> list[str]:
    return [o["data"][HTML] for o in outputs if HTML in o.get("data", ())]


def read(name: str) -> Any:
    return nbformat.read(ROOT / "docs" / "notebooks" / f"{name}.ipynb", as_version=4)


def test_digits(tmp_path: Path) -> None:
    sample, network, training, curves, gallery = run(read("digits"), tmp_path)
    for pictured in (sample, curves, gallery):
        assert PNG in kinds(pictured)
    (html,) = html_of(network)
    assert "784 x 64" in html
    assert "50,890 parameters of float32: 203,560 bytes" in html
    bar, history = html_of(training)  # one line, of the last epoch, and the table of all
    assert "<progress" in bar
    assert "20/20" in bar
    assert "validation" in bar
    assert bar.endswith(" s</div>")
    assert "<td" in history
    assert "val_accuracy" in history
    assert not any(output.output_type == "stream" and "Epoch" in output.text for output in training)


def test_a_table(tmp_path: Path) -> None:
    _, members, curves, early = run(read("table"), tmp_path)
    assert PNG in kinds(curves)
    assert PNG in kinds(early)
    (bar,) = html_of(members)
    assert "<progress" in bar
    assert "384/384" in bar  # by three threads
    (bar,) = html_of(early)
    assert "<progress" in bar


def test_profiling_and_deploying(tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    profile, figure, prediction, size = run(read("profiling-and-deploying"), tmp_path)
    (html,) = html_of(profile)
    assert "rows/s" in html
    assert "forward 1" in html
    assert "Advice: " in html
    assert PNG in kinds(figure)
    assert "array" in prediction[-1]["data"][TEXT]
    assert "bytes" in size[-1]["data"][TEXT]


def test_show_shows_and_errors_leave_the_bar_as_it_is(tmp_path: Path) -> None:
    cells = [
        "from fastmlp import MLP, History\nHistory(loss=[2.0, 1.0]).plot().show()",
        "import numpy as np\n"
        "def stop(epoch, logs):\n    if epoch == 2: raise KeyError('stop')\n"
        "try:\n"
        "    MLP(3, 2, 3).train(np.eye(3), [0, 1, 2], 9, verbose='bar', callbacks=[stop])\n"
        "except KeyError: pass",
    ]
    shown, stopped = run(
        nbformat.v4.new_notebook(cells=list(map(nbformat.v4.new_code_cell, cells))), tmp_path
    )
    assert PNG in kinds(shown)
    assert "2/9" in html_of(stopped)[0]
