"""The pictures of a run on a table."""

from __future__ import annotations

import io
from typing import Any

import numpy as np

from fastmlp.cli.table_pictures import confusion_matrix, importances, truth_and_prediction

NAMES = [r"$\frac$", "a $ b", "c\x1b[31m"]


def drawn(figure: Any) -> Any:
    """Draw a figure, which raises what is wrong with it; return its axes."""
    figure.savefig(io.BytesIO(), format="png")
    (axes,) = figure.axes
    return axes


def words(labels: Any) -> list[str]:
    return [label.get_text() for label in labels]


def test_a_confusion_matrix_counts() -> None:
    axes = drawn(confusion_matrix(np.array([0, 0, 0, 2]), np.array([0, 0, 2, 1]), NAMES))
    counts = {(*text.get_position(), text.get_text()) for text in axes.texts}
    assert counts == {(0, 0, "2"), (2, 0, "1"), (1, 2, "1")}  # x is the prediction
    assert words(axes.get_yticklabels()) == [r"$\frac$", "a $ b", r"c\x1b[31m"]
    np.testing.assert_allclose(axes.images[0].get_array(), [[2 / 3, 0, 1 / 3], [0] * 3, [0, 1, 0]])


def test_a_confusion_matrix_of_many_classes_has_the_largest() -> None:
    true = np.repeat(np.arange(40), np.arange(1, 41))
    axes = drawn(confusion_matrix(true, true, [str(i) for i in range(40)]))
    assert words(axes.get_xticklabels()) == [str(i) for i in range(10, 40)]
    assert axes.get_title(loc="left") == "Confusion matrix, 30 of 40 classes"


def test_truth_and_prediction_of_many_rows_shows_some() -> None:
    true = np.arange(50_000.0)
    axes = drawn(truth_and_prediction(true, true + 1))
    points = axes.collections[0].get_offsets()
    assert len(points) == 20_000
    np.testing.assert_array_equal(points[:, 1], points[:, 0] + 1)


def test_importances_have_the_largest_on_top() -> None:
    means = np.array([0.1, 0.3, -0.1])
    axes = drawn(importances(NAMES, means, np.full(3, 0.01), "rise"))
    assert words(axes.get_yticklabels()) == [r"c\x1b[31m", r"$\frac$", "a $ b"]
    assert [bar.get_width() for bar in axes.patches] == [-0.1, 0.1, 0.3]
    many = importances([f"x{i}" for i in range(50)], np.arange(50.0), np.zeros(50), "rise")
    axes = drawn(many)
    assert words(axes.get_yticklabels()) == [f"x{i}" for i in range(20, 50)]
    assert "30 of 50 columns" in axes.get_title(loc="left")
