"""What histories, networks and figures show, in notebooks and terminals."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from PIL import ImageShow

from fastmlp import MLP, History, pictures
from fastmlp.notebooks import html_table, in_notebook

X, Y = np.eye(6, dtype=np.uint8), np.arange(6) % 3


def rows_of(html: str) -> list[list[str]]:
    """The cells of an HTML table's lines."""
    return [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", line) for line in html.split("</tr>")[:-1]]


def test_a_history_shows_its_first_and_last_epochs_and_the_best() -> None:
    figures = [float(n) for n in range(1, 31)]
    history = History(loss=figures, val_score=figures, seconds=figures, best_epoch=12)
    head, *rows = rows_of(history._repr_html_())
    assert head == ["epoch", "loss", "val_score", "seconds"]
    shown = [row[0] for row in rows]
    assert shown == [*"12345", "…", "12", "…", *map(str, range(26, 31))]
    (bold,) = re.findall(r'<tr style="font-weight: bold">.*?<td[^>]*>(\d+)<', history._repr_html_())
    assert bold == "12"
    assert "The weights are those after epoch 12." in history._repr_html_()
    history.best_epoch = None
    assert "bold" not in history._repr_html_()
    assert len(rows_of(History(loss=figures[:10])._repr_html_())) == 11
    assert rows_of(History()._repr_html_()) == [["epoch"]]
    # A second interrupt may leave an epoch without its seconds.
    assert len(rows_of(History(loss=[2.0, 1.0], seconds=[0.5])._repr_html_())) == 2


def test_the_best_epoch_is_no_column() -> None:
    history = History(loss=[1.0], best_epoch=1)
    assert list(history.columns()) == ["loss"]
    history.append({"loss": 0.5, "best_epoch": 7})
    assert (history.loss, history.best_epoch) == ([1.0, 0.5], 1)


def test_a_network_shows_its_layers(capsys: pytest.CaptureFixture[str]) -> None:
    network = MLP(
        6, (4, 2), 3, activation=("tanh", "relu"), optimizer="adam", dropout=0.1, input_scale=255
    )
    network.summary()
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[1:] == [
        ["1", "6", "x", "4", "tanh", "28"],
        ["2", "4", "x", "2", "relu", "10"],
        ["3", "2", "x", "3", "softmax", "9"],
        ["47", "parameters", "of", "float64:", "376", "bytes"],
    ]
    html = network._repr_html_()
    assert [row[1:] for row in rows_of(html)[1:]] == [
        ["6 x 4", "tanh", "28"], ["4 x 2", "relu", "10"], ["2 x 3", "softmax", "9"],
    ]  # fmt: skip
    for words in ("47 parameters", "optimizer adam", "dropout 0.1", "input_scale 255"):
        assert words in html
    assert "History" not in html
    network.train(X, Y, 2, verbose=False)
    assert "History: 2 epochs" in network._repr_html_()


def test_words_can_not_be_html() -> None:
    html = html_table("<b>", ["<i>"], [["<u>"]], ["<s>\x1b"])
    assert not re.search("<[bius]>.*<[bius]>|<u>|<s>|\x1b", html.replace("<p><b>", ""))


def test_figures_are_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not in_notebook()
    seen: list[Any] = []
    monkeypatch.setattr(ImageShow, "show", lambda image, title: seen.append(image.size) or True)
    figures = [
        History(loss=[2.0, 1.0]).plot(),
        pictures.labelled_sample(np.ones((3, 16)), Y[:3]),
        pictures.misclassified_gallery(np.ones((3, 16)), Y[:3], np.eye(3)[[1, 1, 1]]),
    ]
    for figure in figures:
        assert figure._repr_png_().startswith(b"\x89PNG")  # type: ignore[attr-defined]
        figure.show()
    assert seen[0] == (700, 560)
    assert len(seen) == 3
    monkeypatch.setattr(ImageShow, "show", lambda image, title: False)
    with pytest.warns(UserWarning, match="no viewer of pictures was found: write the figure with"):
        figures[0].show()
    figures[0].show(warn=False)
