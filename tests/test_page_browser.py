"""The pad of the page, in a real browser: what it computes, and what is drawn on it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fastmlp import MLP
from fastmlp.page.pad import network_of
from fastmlp.page.page import Page

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = shutil.which("chromium")
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed"),
    pytest.mark.skipif(os.name == "nt", reason="the path is that of Debian's"),
]
PATIENCE = 60_000  # milliseconds
SEVEN = [(70, 60), (210, 60), (120, 240)]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as started:
        chromium = started.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox"], timeout=PATIENCE
        )
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def digits(real_digits: tuple[np.ndarray, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """MNIST's where they are at hand, handwritten as what is drawn, else fastmlp's own."""
    x, y = real_digits
    return x[:10_000], y[:10_000]


@pytest.fixture(scope="module")
def trained(digits: tuple[np.ndarray, np.ndarray]) -> MLP:
    x, y = digits
    network = MLP(784, (48,), 10, 0.1, random_state=0, input_scale=255)
    network.train(x[50:], y[50:], 10, verbose=False)
    return network


def opened(browser: Any, network: MLP, folder: Path, **options: Any) -> Any:
    """Open the page of a network in the browser, which is offline; whatever fails is an error."""
    file = folder / "report.html"
    classes = [str(label) for label in range(network.n_classes)]
    page = Page("Digits", {}, pad=network_of(network, 28, 0.0, 1.0), classes=classes)
    file.write_text(page.html())
    context = browser.new_context(offline=True, **options)
    context.set_default_timeout(PATIENCE)
    opened = context.new_page()
    opened.faults, opened.requests = [], []
    opened.on("pageerror", lambda error: opened.faults.append(str(error)))
    opened.on("console", lambda said: said.type == "error" and opened.faults.append(said.text))
    opened.on("request", lambda request: opened.requests.append(request.url))
    opened.goto(file.as_uri())
    return opened


def draw(page: Any, places: list[tuple[int, int]]) -> None:
    box = page.locator("#paper").bounding_box()
    moves = [(box["x"] + x, box["y"] + y) for x, y in places]
    page.mouse.move(*moves[0])
    page.mouse.down()
    for move in moves[1:]:
        page.mouse.move(*move, steps=10)
    page.mouse.up()


def draw_by_finger(page: Any, places: list[tuple[int, int]]) -> None:
    """As a touch screen does: Playwright itself can only tap."""
    box = page.locator("#paper").bounding_box()
    screen = page.context.new_cdp_session(page)

    def touch(kind: str, *fingers: np.ndarray) -> None:
        points = [
            {"x": box["x"] + x, "y": box["y"] + y} for x, y in map(np.ndarray.tolist, fingers)
        ]
        screen.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", np.array(places[0]))
    for start, end in pairwise(places):
        for finger in np.linspace(start, end, 11)[1:]:
            touch("touchMove", finger)
    touch("touchEnd")


def seen(page: Any) -> np.ndarray:
    """What the network gets of the drawing, 0 to 255."""
    values = page.evaluate("Array.from(seen.getContext('2d').getImageData(0, 0, 28, 28).data)")
    return np.array(values).reshape(28, 28, 4)[..., 0]


def check_probabilities(page: Any, network: MLP, x: np.ndarray) -> None:
    rows = x.astype(np.float32) / np.float32(255)
    found = page.evaluate("rows => rows.map(row => Array.from(probabilities(row)))", rows.tolist())
    np.testing.assert_allclose(found, network.predict_proba(x), atol=1e-5)


def test_the_page_computes_the_network_s_probabilities(
    browser: Any, trained: MLP, digits: tuple[np.ndarray, np.ndarray], tmp_path: Path
) -> None:
    page = opened(browser, trained, tmp_path)
    x, y = digits[0][:50], digits[1][:50]
    assert np.mean(trained.predict(x) == y) > 0.7  # as sure as networks that are trained
    check_probabilities(page, trained, x)
    assert page.faults == []


@pytest.mark.parametrize(
    "activation",
    ["identity", "logistic", "tanh", "relu", "leaky_relu", "silu", ("gelu", "gelu", "tanh")],
)
def test_the_page_computes_all_activations(
    browser: Any, activation: Any, digits: tuple[np.ndarray, np.ndarray], tmp_path: Path
) -> None:
    sizes = (20, 12, 9) if isinstance(activation, tuple) else (20,)
    network = MLP(784, sizes, 10, activation=activation, random_state=1, input_scale=255)
    network.b1 = np.linspace(-1, 1, 20, dtype=np.float32).reshape(network.b1.shape)
    network.w1 = 20 * network.w1  # to where the curves bend
    check_probabilities(opened(browser, network, tmp_path), network, digits[0][:50])


def test_what_is_drawn_is_centred_scaled_and_read(
    browser: Any, trained: MLP, tmp_path: Path
) -> None:
    page = opened(browser, trained, tmp_path)
    draw(page, SEVEN)
    page.wait_for_function("guess.value.startsWith('7, ')")
    image = seen(page)
    rows, columns = np.nonzero(image > 100)
    assert max(np.ptp(rows), np.ptp(columns)) + 1 in (19, 20, 21)
    at = np.arange(28) + 0.5
    total = image.sum()
    assert (image.sum(axis=0) @ at / total, image.sum(axis=1) @ at / total) == pytest.approx(
        (14, 14), abs=0.1
    )
    shares = page.locator("#classes meter").evaluate_all("all => all.map(one => one.value)")
    expected = trained.predict_proba(image.reshape(1, -1).astype(np.uint8))[0]
    np.testing.assert_allclose(shares, expected, atol=0.02)  # pixels were rounded
    # Small, in a corner, it is the same drawing.
    page.locator("#clear").click()
    page.wait_for_function("guess.value === 'Draw on the left.'")
    assert seen(page).max() == 0
    draw(page, [(x // 2, y // 2) for x, y in SEVEN])
    page.wait_for_function("guess.value.startsWith('7, ')")
    np.testing.assert_allclose(seen(page), image, atol=40)
    assert page.faults == []
    assert page.requests == [(tmp_path / "report.html").as_uri()]


def test_a_finger_draws_and_does_not_scroll(browser: Any, trained: MLP, tmp_path: Path) -> None:
    page = opened(
        browser, trained, tmp_path, has_touch=True, is_mobile=True,
        viewport={"width": 400, "height": 500},
    )  # fmt: skip
    page.locator("#paper").scroll_into_view_if_needed()
    before = page.evaluate("scrollY")
    draw_by_finger(page, SEVEN)
    page.wait_for_function("guess.value.startsWith('7, ')")
    assert page.evaluate("scrollY") == before
    assert seen(page).max() > 200
    assert page.faults == []


def test_the_page_is_light_or_dark(browser: Any, trained: MLP, tmp_path: Path) -> None:
    grounds = [
        opened(browser, trained, tmp_path, color_scheme=scheme).evaluate(
            "getComputedStyle(document.body).backgroundColor"
        )
        for scheme in ("light", "dark")
    ]
    assert grounds == ["rgb(255, 255, 255)", "rgb(20, 24, 29)"]
