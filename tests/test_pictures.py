"""The pictures: what is in them, and that drawing them leaves no trace elsewhere."""

from __future__ import annotations

import io
import subprocess
import sys

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from fastmlp import pictures

RANDOM = np.random.RandomState(0)
X = RANDOM.randint(0, 256, (30, 64)).astype(np.uint8)
Y = np.arange(30) % 3


def probabilities(wrong: dict[int, float]) -> np.ndarray:
    """Sure of the truth everywhere, but of the next class, this sure, in the rows given."""
    p = np.full((30, 3), 0.01)
    p[np.arange(30), Y] = 0.98
    for row, sure in wrong.items():
        p[row] = (1 - sure) / 2
        p[row, (Y[row] + 1) % 3] = sure
    return p


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for axes in figure.axes for text in axes.texts]


def png(figure: Figure) -> bytes:
    stream = io.BytesIO()
    figure.savefig(stream)
    return stream.getvalue()


def test_learning_curves_show_losses_and_accuracy() -> None:
    figure = pictures.learning_curves([2.0, 1.0, 0.5], [2.5, 1.5, 0.75], [0.5, 0.75, 0.9])
    losses, accuracies = figure.axes
    training, validation = losses.lines
    assert list(training.get_ydata()) == [2.0, 1.0, 0.5]
    assert list(validation.get_ydata()) == [2.5, 1.5, 0.75]
    assert list(accuracies.lines[0].get_ydata()) == [50.0, 75.0, 90.0]
    assert list(training.get_xdata()) == [1, 2, 3]
    assert texts(figure) == ["training 0.500", "validation 0.750", "90.00 %"]
    assert png(figure).startswith(b"\x89PNG")


@pytest.mark.parametrize("last", [0.3, 0.3001, 0.2999])
def test_the_words_at_the_curves_ends_do_not_cover_each_other(last: float) -> None:
    figure = pictures.learning_curves([2.0, 1.0, 0.3], [2.0, 1.0, last], [0.5, 0.75, 0.9])
    png(figure)
    one, other = (text.get_window_extent() for text in figure.axes[0].texts)
    assert not one.overlaps(other)


def test_what_is_not_known_has_no_curve() -> None:
    assert texts(pictures.learning_curves([2.0, 0.5])) == ["training 0.500"]
    (axes,) = pictures.learning_curves([2.0, 0.5], [3.0, 1.0]).axes
    assert len(axes.lines) == 2


def test_learning_curves_of_one_epoch_or_a_diverged_run_can_be_drawn() -> None:
    one = pictures.learning_curves([2.0], [1.5], [0.5])
    assert one.axes[0].lines[0].get_marker() == "o"
    assert png(one)
    assert png(pictures.learning_curves([2.0, float("nan")], [2.0, 3.0], [0.5, 0.1]))


def test_the_sample_draws_each_image_under_its_label() -> None:
    figure = pictures.labelled_sample(X, Y, n_images=12)
    (axes,) = figure.axes
    assert len(axes.images) == 12
    np.testing.assert_array_equal(axes.images[4].get_array(), X[4].reshape(8, 8))
    assert texts(figure)[:12] == [str(label) for label in Y[:12]]
    assert "12 of 30" in texts(figure)[12]


def test_the_sample_of_little_data_shows_all_of_it() -> None:
    assert len(pictures.labelled_sample(X[:3], Y[:3]).axes[0].images) == 3


def test_the_gallery_begins_with_the_most_confident_mistake() -> None:
    figure = pictures.misclassified_gallery(X, Y, probabilities({3: 0.5, 7: 0.9, 20: 0.7}))
    (axes,) = figure.axes
    shown = [image.get_array() for image in axes.images]
    for array, row in zip(shown, [7, 20, 3], strict=True):
        np.testing.assert_array_equal(array, X[row].reshape(8, 8))
    assert texts(figure)[:4] == ["predicted 2 · 90 %", "true 1", "predicted 0 · 70 %", "true 2"]
    assert texts(figure)[6] == "3 of 30 validation images misclassified (10.00 %)"


def test_the_gallery_shows_no_more_than_asked() -> None:
    figure = pictures.misclassified_gallery(
        X, Y, probabilities({3: 0.5, 7: 0.9, 20: 0.7}), n_images=2
    )
    assert len(figure.axes[0].images) == 2
    assert texts(figure)[4].endswith("the 2 most confident mistakes")


@pytest.mark.parametrize("names", [None, ["WWWWWWWWWWWWW", "$M_{WWWWWWW}$", "i"]])
def test_captions_do_not_touch_each_other(names: list[str] | None) -> None:
    wrong = dict.fromkeys(range(len(X)), 1.0)
    figure = pictures.misclassified_gallery(X, Y, probabilities(wrong), names)
    FigureCanvasAgg(figure).draw()
    boxes = [text.get_window_extent() for text in figure.axes[0].texts[:-1]]
    assert len(boxes) == 2 * len(X)
    assert min(box.x0 for box in boxes) >= 0
    assert max(box.x1 for box in boxes) <= figure.bbox.x1
    gap = 0.03 * figure.dpi
    for box in boxes:
        same_line = [
            b.x0 for b in boxes if b is not box and abs(b.y0 - box.y0) < 4 and b.x0 >= box.x0
        ]
        assert all(start - box.x1 > gap for start in same_line)


def test_the_gallery_without_a_mistake_can_be_drawn() -> None:
    figure = pictures.misclassified_gallery(X, Y, probabilities({}))
    assert not figure.axes[0].images
    assert png(figure)


@pytest.mark.parametrize("side", [None, 2, 8, 28])
def test_image_side(side: int | None) -> None:
    assert pictures.image_side(side * side if side else 20) == side


def test_rows_that_are_no_images_are_refused() -> None:
    with pytest.raises(ValueError, match="x has 20 features a row, which is no square image: give"):
        pictures.labelled_sample(X[:, :20], Y)


def test_drawing_touches_no_state_of_pyplot() -> None:
    code = (
        "import sys, numpy as np\n"
        "from fastmlp import pictures\n"
        "assert 'matplotlib' not in sys.modules\n"
        "pictures.labelled_sample(np.ones((2, 4)), np.zeros(2, int)).savefig(sys.stdout.buffer)\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(b"\x89PNG")
