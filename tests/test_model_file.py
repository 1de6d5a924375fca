"""One .safetensors file holds the whole network, and nothing but a good one is loaded."""

from __future__ import annotations

import json
import pickle
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fastmlp import files
from fastmlp.network import Network
from fastmlp.reference import MLP


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "model.safetensors"
    MLP(20, (8, 6), 3, random_state=1, dtype="float32", input_scale=255).save(path)
    return path


def rewrite_metadata(path: Path, **changes: Any) -> None:
    """Change the header's metadata, text by text; None takes an entry out."""
    raw = path.read_bytes()
    (size,) = struct.unpack("<Q", raw[:8])
    header = json.loads(raw[8 : 8 + size])
    metadata = header.get("__metadata__", {}) | changes
    header["__metadata__"] = {key: text for key, text in metadata.items() if text is not None}
    new = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(new)) + new + raw[8 + size :])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("hidden", [5, (5, 4)])
def test_round_trip_keeps_every_bit(
    mlp_class: type[Network], tmp_path: Path, dtype: str, hidden: Any
) -> None:
    network = mlp_class(7, hidden, 3, 0.05, random_state=3, dtype=dtype, input_scale=255)
    network.b1 = network.b1 + 0.25
    network.save(tmp_path / "m.safetensors")
    loaded = mlp_class.load(tmp_path / "m.safetensors")
    assert type(loaded) is mlp_class
    for before, after in zip(
        network.weights + network.biases, loaded.weights + loaded.biases, strict=True
    ):
        assert after.dtype == np.dtype(dtype)
        np.testing.assert_array_equal(after, before)
    for name in ("layer_sizes", "learning_rate", "dtype", "input_scale", "random_state"):
        expected = None if name == "random_state" else getattr(network, name)
        assert getattr(loaded, name) == expected


def test_a_loaded_network_trains_on(saved: Path) -> None:
    loaded = MLP.load(saved)
    x = np.random.RandomState(0).randint(0, 256, (30, 20)).astype(np.uint8)
    before = loaded.w1.copy()
    loaded.train(x, np.arange(30) % 3, epochs=1, verbose=False)
    assert np.any(loaded.w1 != before)


def test_weights_in_fortran_order_come_back_the_same(tmp_path: Path) -> None:
    network = MLP(7, 5, 3, random_state=3)
    network.w1 = np.asfortranarray(network.w1)
    network.save(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(MLP.load(tmp_path / "m.safetensors").w1, network.w1)


def test_loading_leaves_the_global_generator_alone(saved: Path) -> None:
    np.random.seed(5)
    expected = np.random.rand()
    np.random.seed(5)
    MLP.load(saved)
    assert np.random.rand() == expected


def test_any_safetensors_reader_finds_weights_and_metadata(saved: Path) -> None:
    from safetensors import safe_open

    from fastmlp import __version__

    with safe_open(saved, framework="numpy") as tensors:
        assert sorted(tensors.keys()) == ["b1", "b2", "b3", "w1", "w2", "w3"]
        assert tensors.metadata() == {
            "format": "fastmlp",
            "format_version": "1",
            "fastmlp_version": __version__,
            "layer_sizes": "[20, 8, 6, 3]",
            "dtype": "float32",
            "input_scale": "255.0",
            "learning_rate": "0.01",
            "labels": "[0, 1, 2]",
        }


def test_the_folder_of_a_run_stands_for_its_model(saved: Path) -> None:
    assert MLP.load(saved.parent).layer_sizes == (20, 8, 6, 3)


@pytest.mark.parametrize("share", [0.0, 0.001, 0.1, 0.5, 0.9, 0.999])
def test_a_file_cut_short_is_refused(saved: Path, share: float) -> None:
    raw = saved.read_bytes()
    saved.write_bytes(raw[: int(len(raw) * share)])
    with pytest.raises(ValueError, match=r"model\.safetensors is cut short.*copy it anew"):
        MLP.load(saved)


def test_a_pickle_is_refused_and_not_run(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> Any:
            return (Path.touch, (tmp_path / "sprung",))

    bad = tmp_path / "m.safetensors"
    bad.write_bytes(pickle.dumps(Trap()))
    with pytest.raises(ValueError, match=r"m\.safetensors is cut short or no \.safetensors file"):
        MLP.load(bad)
    assert not (tmp_path / "sprung").exists()


def test_another_program_s_model_is_refused(tmp_path: Path) -> None:
    from safetensors.numpy import save_file

    save_file({"w1": np.zeros((2, 2))}, tmp_path / "foreign.safetensors")
    with pytest.raises(ValueError, match=r"foreign\.safetensors was not written by fastmlp: give"):
        MLP.load(tmp_path / "foreign.safetensors")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format_version": "2"}, "has the format version 2, this fastmlp reads 1: install"),
        ({"layer_sizes": "[21, 8, 6, 3]"}, r"do not fit its layer sizes \[21, 8, 6, 3\]"),
        ({"layer_sizes": "[20, 8, 3]"}, r"do not fit its layer sizes \[20, 8, 3\]"),
        ({"dtype": "float64"}, "do not fit its layer sizes .* in float64"),
        ({"dtype": "int8"}, "metadata of .* are damaged .*dtype"),
        ({"layer_sizes": "[20, 8, "}, "metadata of .* are damaged"),
        ({"layer_sizes": "7"}, "metadata of .* are damaged"),
        ({"layer_sizes": None}, "metadata of .* are damaged .*layer_sizes"),
        ({"learning_rate": "NaN"}, "metadata of .* are damaged .*learning_rate"),
        ({"input_scale": "-1"}, "metadata of .* are damaged .*input_scale"),
        ({"labels": "[2, 1, 0]"}, "metadata of .* are damaged .*labels"),
        ({"labels": "[0, 1]"}, "metadata of .* are damaged .*labels"),
    ],
)
def test_metadata_that_do_not_fit_are_refused(
    saved: Path, changes: dict[str, Any], message: str
) -> None:
    rewrite_metadata(saved, **changes)
    with pytest.raises(ValueError, match=message) as caught:
        MLP.load(saved)
    assert "\n" not in str(caught.value)


def test_rewriting_the_metadata_alone_does_no_harm(saved: Path) -> None:
    """The tests above prove nothing if the helper broke the file."""
    rewrite_metadata(saved, comment="hello")
    assert MLP.load(saved).layer_sizes == (20, 8, 6, 3)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no model file .*nowhere\.safetensors: give"):
        MLP.load(tmp_path / "nowhere.safetensors")
    with pytest.raises(FileNotFoundError, match=r"no model file .*model\.safetensors: give"):
        MLP.load(tmp_path)


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    network = MLP(3, 2, 2, random_state=0)
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError, match=r"can't write .*m\.safetensors: .*give a file in"):
        network.save(tmp_path / "file" / "m.safetensors")
    with pytest.raises(FileNotFoundError, match=r"can't write .*m\.safetensors"):
        network.save(tmp_path / "missing" / "m.safetensors")
    with pytest.raises(IsADirectoryError, match="can't write"):
        network.save(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_failed_save_leaves_the_old_file_and_no_other(
    saved: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    def fail(*_: object) -> None:
        raise error

    before = saved.read_bytes()
    monkeypatch.setattr(files.os, "fsync", fail)
    with pytest.raises(type(error)):
        MLP(3, 2, 2, random_state=0).save(saved)
    assert saved.read_bytes() == before
    assert list(saved.parent.iterdir()) == [saved]
