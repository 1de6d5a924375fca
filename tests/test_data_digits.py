"""make_digits: reproducible, kept in the cache, and about as hard and as black as MNIST's."""

from __future__ import annotations

from pathlib import Path

import matplotlib
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from fastmlp.data import digits, make_digits, train_val_split
from fastmlp.data.digits import FIELD, PITCH
from fastmlp.reference import MLP

N = 600


@pytest.fixture(scope="session")
def fields() -> np.ndarray:
    return digits._distance_fields()


@pytest.fixture(autouse=True)
def quick_fields(fields: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    """Render from fields that have been made once."""
    monkeypatch.setattr(digits, "_distance_fields", lambda: fields)


@pytest.fixture(scope="session")
def standard(fields: np.ndarray) -> digits.Digits:
    """The digits that training starts with by default."""
    return digits._render(12_000, np.random.RandomState(42), None)


def test_types_and_values(tmp_path: Path):
    before = np.random.get_state()[1].copy()
    images, labels = make_digits(N, cache_dir=tmp_path)
    assert images.dtype == np.uint8
    assert images.shape == (N, 784)
    assert images.flags.c_contiguous
    assert labels.dtype == np.int64
    assert set(labels) == set(range(10))
    assert images.max() == 255
    assert_array_equal(images.max(axis=1) > 0, True)
    assert_array_equal(np.random.get_state()[1], before)


def test_the_seed_decides(tmp_path: Path):
    images, labels = make_digits(N, seed=1, cache_dir=tmp_path / "a")
    again, labels_again = make_digits(N, seed=1, cache_dir=tmp_path / "b")
    other, _ = make_digits(N, seed=2, cache_dir=tmp_path / "a")
    assert_array_equal(images, again)
    assert_array_equal(labels, labels_again)
    assert (images != other).any()


def test_as_black_and_as_varied_as_mnist(standard: digits.Digits):
    images, labels = standard
    assert_allclose((images > 0).mean(), 0.19, atol=0.01)
    assert_allclose(np.bincount(labels), 1200, rtol=0.1)
    assert len(np.unique(images, axis=0)) == len(images)
    border = np.ones((28, 28), bool)
    border[1:-1, 1:-1] = False
    assert (images[:, border.ravel()] > 0).mean() < 0.01  # hardly ever cut off


def test_the_tutorials_network_learns_them_well_but_not_wholly(standard: digits.Digits):
    x_train, y_train, x_val, y_val = train_val_split(*standard)
    network = MLP(784, 64, 10, 0.1, random_state=42, input_scale=255)  # ten times the tutorial's
    network.train(x_train, y_train, epochs=8, batch_size=64, verbose=False)  # for fewer epochs
    assert 0.93 < np.mean(network.predict(x_val) == y_val) < 0.995


def test_a_square_s_distance_field():
    square = np.array([[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]], float)  # 20 pixels a side
    for outline in (square, square[::-1]):
        field = digits._distance_field([outline])
        at = (np.arange(FIELD) - (FIELD - 1) / 2) * PITCH
        x, y = np.abs(np.meshgrid(at, at)) - 10
        outside = np.hypot(np.maximum(x, 0), np.maximum(y, 0))
        assert_allclose(field, -outside - np.minimum(np.maximum(x, y), 0), atol=1e-5)


def test_holes_are_outside_and_overlaps_inside():
    square = np.array([[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]], float)
    inner = square / 2 + 0.25
    middle = FIELD // 2, FIELD // 2
    assert digits._distance_field([square, inner[::-1]])[middle] < 0
    assert digits._distance_field([square, inner])[middle] > 0


def test_fonts_y_points_up():
    triangle = np.array([[0, 0], [1, 0], [0.5, 1], [0, 0]])
    inside = digits._distance_field([triangle]) > 0
    widths = inside.sum(axis=1)[inside.any(axis=1)]
    assert widths[0] < widths[-1]


def test_zeros_are_empty_in_the_middle_and_ones_are_not(fields: np.ndarray):
    middle = slice(FIELD // 2 - 2, FIELD // 2 + 2)
    assert np.isfinite(fields).all()
    assert (fields[:, 1, middle, middle].max(axis=(1, 2)) > 0).all()
    undotted = [not name.startswith("DejaVuSansMono") for name in digits.FACES]
    assert (fields[undotted, 0, middle, middle].max(axis=(1, 2)) < 0).all()


def test_progress_only_while_rendering(tmp_path: Path):
    calls: list[tuple[int, int]] = []
    make_digits(1200, cache_dir=tmp_path, progress=lambda *call: calls.append(call))
    assert calls == [(0, 1200), (500, 1200), (1000, 1200), (1200, 1200)]
    make_digits(1200, cache_dir=tmp_path, progress=lambda *call: calls.append(call))
    assert len(calls) == 4


def rendered_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Tell whether N digits come from the renderer; either way, they must be the same."""
    expected = digits._render(N, np.random.RandomState(42), None)
    calls: list[int] = []

    def render(*args: object) -> digits.Digits:
        calls.append(1)
        return expected

    monkeypatch.setattr(digits, "_render", render)
    images, labels = make_digits(N, cache_dir=tmp_path)
    monkeypatch.undo()
    assert_array_equal(images, expected[0])
    assert_array_equal(labels, expected[1])
    assert images.flags.writeable
    assert labels.dtype == np.int64
    return bool(calls)


def test_kept_in_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    make_digits(N, cache_dir=tmp_path / "new")
    assert len(list((tmp_path / "new").iterdir())) == 1
    assert not rendered_again(tmp_path / "new", monkeypatch)


@pytest.mark.parametrize("damage", ["cut", "one bit", "empty", "longer", "other"])
def test_a_damaged_cache_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str
):
    make_digits(N, cache_dir=tmp_path)
    (path,) = tmp_path.iterdir()
    whole = path.read_bytes()
    bad = {
        "cut": whole[:-1],
        "one bit": whole[:5000] + bytes([whole[5000] ^ 1]) + whole[5001:],
        "empty": b"",
        "longer": whole + b"\0",
        "other": b"x" * len(whole),
    }
    path.write_bytes(bad[damage])
    assert rendered_again(tmp_path, monkeypatch)
    assert path.read_bytes() == whole


def test_a_cache_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "file").touch()
    assert rendered_again(tmp_path / "file", monkeypatch)


def test_default_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FASTMLP_CACHE_DIR", str(tmp_path))
    make_digits(10)
    assert len(list((tmp_path / "data").iterdir())) == 1


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"n_samples": 0}, ValueError, "n_samples is 0: give"),
        ({"n_samples": 1.5}, TypeError, "n_samples is 1.5: give"),
        ({"seed": -1}, ValueError, "seed is -1: give"),
        ({"seed": 2**32}, ValueError, "seed is 4294967296: give"),
        ({"seed": None}, TypeError, "seed is None: give"),
        ({"seed": "42"}, TypeError, "seed is '42': give"),
        ({"seed": np.random.RandomState(0)}, TypeError, "seed is RandomState.*: give"),
    ],
)
def test_bad_arguments(
    tmp_path: Path, arguments: dict[str, object], error: type[Exception], message: str
):
    with pytest.raises(error, match=message):
        make_digits(**{"n_samples": 10, "cache_dir": tmp_path} | arguments)  # type: ignore[arg-type]


def test_the_faces_come_with_matplotlib():
    fonts = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    assert len(digits.FACES) == 21
    assert all((fonts / f"{face}.ttf").is_file() for face in digits.FACES)
