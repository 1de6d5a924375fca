"""The page of a run: what stands on it, and that it stands alone."""

from __future__ import annotations

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from fastmlp import MLP
from fastmlp.page.charts import HEIGHT, WIDTH, Line, curves, truth_and_prediction
from fastmlp.page.confusion import confusion_of
from fastmlp.page.images import digits, weights
from fastmlp.page.pad import ACTIVATIONS, network_of, why_no_pad
from fastmlp.page.page import Importance, Mistakes, Page
from fastmlp.reference import ACTIVATIONS as ALL_ACTIVATIONS

HOSTILE = "</script><script>alert(1)</script>\x1b[31m\u202e&<b>"


def pixels(address: str) -> np.ndarray:
    data = address.removeprefix("data:image/png;base64,")
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data, validate=True))))


def places(text: str) -> np.ndarray:
    return np.array([place.split(",") for place in text.split()], float)


def full_page(name: str) -> str:
    network = MLP(16, (3,), 2, random_state=0)
    return Page(
        name,
        {"Data": name},
        [curves(name, [Line([2.0, 1.0], "training", name)])],
        confusion_of(np.array([0, 1]), np.array([1, 1]), [name, "b"]),
        Mistakes("One.", ("predicted", "row"), [(name, "1")], digits(np.eye(1, 16), 4)),
        [Importance(name, 1.0, 0.1)],
        "Rise",
        weights(network.w1, 4),
        3,
        network_of(network, 4, 0.0, 1.0),
        [name, "b"],
    ).html()


def test_names_are_text_wherever_they_stand() -> None:
    page, plain = full_page(HOSTILE), full_page("plain")
    assert page.count("<script") == plain.count("<script") == 2
    assert "<b>" not in page
    assert "\x1b" not in page
    assert "\u202e" not in page
    assert plain.count("plain") == page.count("alert(1)")


def test_the_page_loads_nothing() -> None:
    page = full_page("plain")
    assert "default-src 'none'" in page
    assert not re.findall(r"(?:src|href|url|import)\s*[=(]\s*[\"']?(?!data:)[\w/.]+", page)
    assert "http" not in page.replace("http-equiv", "")


def test_what_is_empty_is_left_out() -> None:
    page = Page("Title", {"Data": "some"}, no_pad="No pad here.").html()
    assert "No pad here." in page
    for word in ("<h2>", "<script", "<svg", "<img"):
        assert word not in page


def test_curves_are_placed_by_their_values_and_leave_gaps_out() -> None:
    chart = curves("loss", [Line([1.0, np.nan, 3.0, 2.0], "training", "train", 4)])
    ((kind, text),) = chart.curves
    found = places(text)
    assert kind == "training"
    assert len(found) == 3
    assert np.all((found >= 0) & (found <= [WIDTH, HEIGHT]))
    assert np.all(np.diff(found[:, 0]) > 0)
    low, high, middle = found[:, 1]  # from the top
    assert middle == pytest.approx((low + high) / 2)
    assert high < low
    np.testing.assert_allclose(chart.marks, found[2:], atol=0.05)
    assert (middle, "2") in [
        (pytest.approx(place, abs=0.05), text) for place, text in chart.y_ticks
    ]


def test_a_curve_of_many_epochs_keeps_its_ends_and_stays_small() -> None:
    values = np.linspace(5, 1, 20_000)
    ((_, text),) = curves("loss", [Line(values, "training")]).curves
    found = places(text)
    assert len(found) == 500
    ends = curves("loss", [Line([5.0, 1.0], "training")]).curves[0][1]
    np.testing.assert_allclose(found[[0, -1]], places(ends))


@pytest.mark.parametrize("values", [[3.0], [3.0, 3.0], [0.0], [np.nan, 2.0]])
def test_curves_without_a_range_are_placed(values: list[float]) -> None:
    ((_, text),) = curves("loss", [Line(values, "training")]).curves
    assert np.isfinite(places(text)).all()


def test_truth_and_prediction_share_a_scale() -> None:
    true = np.array([0.0, 10.0, 4.0])
    chart = truth_and_prediction(true, true)
    line = places(chart.diagonal)
    np.testing.assert_allclose(chart.points[:2], line, atol=0.05)
    many = truth_and_prediction(np.arange(9000.0), np.arange(9000.0))
    assert len(many.points) == 2000
    assert many.title == "Truth and prediction: 2,000 of 9,000 rows"


def test_a_confusion_counts_all_rows_of_a_true_class() -> None:
    true = np.repeat(np.arange(40), np.arange(1, 41))
    predicted = true.copy()
    predicted[-30:] = 0  # of the 40 rows of class 39, as the rarest class, which is left out
    found = confusion_of(true, predicted, [str(i) for i in range(40)])
    assert found.names == [str(i) for i in range(10, 40)]
    assert found.n_classes == 40
    assert found.counts[0][0] == 11
    assert found.shares[0][0] == 1
    assert found.counts[29] == [0] * 29 + [10]
    assert found.shares[29][29] == 0.25


def test_images_are_dark_on_light() -> None:
    ((one, two), (three, four)) = pixels(digits(np.array([[0.0, 0.5, 1.0, -1.0]]), 2)[0])
    assert (one, three, four) == (255, 0, 255)
    assert two in (127, 128)


def test_weights_are_blue_above_zero_and_orange_below() -> None:
    w = np.zeros((4, 120))
    w[:, 1] = [0.5, -1.0, 0.0, 0.25]
    found = weights(w, 2)
    assert len(found) == 100
    assert pixels(found[0])[..., 3].max() == 0
    up, down, none, little = pixels(found[1]).reshape(4, 4).astype(int)
    assert up[2] > up[0]
    assert down[0] > down[2]
    assert (up[3], down[3], none[3], little[3]) == (128, 255, 0, 64)


def test_the_pad_has_the_parameters_in_their_order() -> None:
    network = MLP(4, (3,), 2, random_state=0)
    found = network_of(network, 2, 0.0, 1.0)
    values = np.frombuffer(base64.b64decode(found["parameters"]), "<f4")
    expected = [part.ravel() for part in (network.w1, network.b1, network.w2, network.b2)]
    np.testing.assert_array_equal(values, np.concatenate(expected).astype("f4"))


def test_a_pad_that_can_t_be_is_replaced_by_a_word() -> None:
    assert why_no_pad(MLP(16, (4,), 2)) == ""
    assert why_no_pad(MLP(16, (4, 4), 2, activation=("relu", "gelu"))) == ""
    fits, exceeds = MLP(49_996, (100,), 2), MLP(49_997, (100,), 2)
    assert why_no_pad(fits) == ""
    assert "5,000,002 parameters" in why_no_pad(exceeds)
    assert "loss squared_error" in why_no_pad(MLP(16, (4,), 2, loss="squared_error"))


def test_the_pad_has_all_activations() -> None:
    assert {*ACTIVATIONS} == {*ALL_ACTIVATIONS}
