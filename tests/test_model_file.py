"""One .safetensors file holds the whole network, and nothing but a good one is loaded."""

from __future__ import annotations

import json
import pickle
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fastmlp
from fastmlp import files
from fastmlp.network.model_file import Model, write_model
from fastmlp.problem import Problem
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
    mlp_class: type[fastmlp.MLP], tmp_path: Path, dtype: str, hidden: Any
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
            "format_version": "2",
            "fastmlp_version": __version__,
            "layer_sizes": "[20, 8, 6, 3]",
            "dtype": "float32",
            "input_scale": "255.0",
            "learning_rate": "0.01",
            "labels": "[0, 1, 2]",
            "settings": "{}",
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
        ({"format_version": "3"}, "has the format version 3, this fastmlp reads 1 and 2: install"),
        ({"format_version": None}, "has the format version None, this fastmlp reads 1 and 2"),
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
        ({"labels": '["cat", "dog", "cat"]'}, "metadata of .* are damaged .*labels"),
        ({"labels": '["cat", "dog", 2]'}, "metadata of .* are damaged .*labels"),
        ({"labels": '{"0": "cat"}'}, "metadata of .* are damaged .*labels"),
        ({"settings": "[]"}, "metadata of .* are damaged .*settings"),
        ({"settings": "{"}, "metadata of .* are damaged"),
        ({"settings": '{"untrained_classes": [3]}'}, "metadata of .* are damaged .*classes in 0"),
        ({"settings": '{"untrained_classes": [1, 1]}'}, "metadata of .* are damaged .*in order"),
        ({"settings": '{"untrained_classes": "all"}'}, "metadata of .* are damaged .*'all'"),
        ({"settings": '{"colour": "tanh"}'}, "setting 'colour', which .* install the fast"),
        ({"settings": '{"activation": [1, 2]}'}, "metadata of .* are damaged .*list of names"),
        ({"settings": '{"loss": ["poisson"]}'}, "metadata of .* are damaged .*not a name"),
        ({"settings": '{"dropout": true}'}, "metadata of .* are damaged .*not a number"),
        ({"settings": '{"activation": "tan"}'}, "go on with: activation is 'tan': give one of"),
        ({"settings": '{"activation": ["tanh"]}'}, "go on with: activation is .*one for each of 2"),
        ({"settings": '{"optimizer": "gradient"}'}, "go on with: optimizer is 'gradient'"),
        ({"settings": '{"dropout": NaN}'}, "go on with: dropout is nan"),
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


VERSION_1 = (  # a network of version 1's own day: 2-2-2, float32, learning_rate 0.05
    b'\xa8\x01\x00\x00\x00\x00\x00\x00{"__metadata__":{"format":"fastmlp","labels":"[0, 1]",'
    b'"layer_sizes":"[2, 2, 2]","input_scale":"255.0","learning_rate":"0.05","format_version":"1",'
    b'"fastmlp_version":"0.1.0","dtype":"float32"},"b1":{"dtype":"F32","shape":[1,2],'
    b'"data_offsets":[0,8]},"b2":{"dtype":"F32","shape":[1,2],"data_offsets":[8,16]},'
    b'"w1":{"dtype":"F32","shape":[2,2],"data_offsets":[16,32]},'
    b'"w2":{"dtype":"F32","shape":[2,2],"data_offsets":[32,48]}}    '
    b"\x00\x00\x80>\x00\x00\x80>\x00\x00\x00\x00\x00\x00\x00\x00"
    b"\xfe\x10\x85<\xd9u\xc8\xbbB\x12\xad\xbb\x91\xcb/\xbc"
    b"\xd4\xc9\r<\xc4\x8a\xbc\xbc[\xef\x8e<\xaan\xf9\xbb"
)


def test_a_file_of_version_1_still_loads(mlp_class: type[fastmlp.MLP], tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(VERSION_1)
    loaded = mlp_class.load(tmp_path)
    drawn = np.random.RandomState(1).randn(8) * 0.01
    np.testing.assert_array_equal(loaded.w1, drawn[:4].reshape(2, 2).astype(np.float32))
    np.testing.assert_array_equal(loaded.w2, drawn[4:].reshape(2, 2).astype(np.float32))
    np.testing.assert_array_equal(loaded.b1, [[0.25, 0.25]])
    np.testing.assert_array_equal(loaded.b2, [[0, 0]])
    assert (loaded.learning_rate, loaded.input_scale) == (0.05, 255)
    assert (loaded.class_names, loaded.untrained_classes) == (None, ())


def test_the_same_network_gives_the_same_bytes(tmp_path: Path) -> None:
    paths = [tmp_path / f"{i}.safetensors" for i in range(20)]
    for path in paths:  # the library's own order of the metadata is drawn anew each time
        MLP(20, (8, 6), 3, random_state=1, dtype="float32", input_scale=255).save(path)
    assert len({path.read_bytes() for path in paths}) == 1


def test_names_and_missing_classes_come_back(mlp_class: type[fastmlp.MLP], tmp_path: Path) -> None:
    network = mlp_class(2, 2, 4, random_state=0, input_scale=1)
    network.train(np.eye(2), [0, 2], epochs=1, verbose=False)
    network.class_names = ("cat", "d\u00f6g", "0", "cow, brown")
    network.save(tmp_path / "m.safetensors")
    loaded = mlp_class.load(tmp_path / "m.safetensors")
    assert loaded.class_names == network.class_names
    assert loaded.untrained_classes == (1, 3)
    loaded.train(np.eye(4, 2), range(4), epochs=1, verbose=False)
    assert loaded.untrained_classes == ()


def test_the_problem_comes_back(mlp_class: type[fastmlp.MLP], tmp_path: Path) -> None:
    settings = {
        "activation": ("tanh", "silu"),
        "loss": "poisson",
        "optimizer": "adamw",
        "momentum": 0.5,
        "beta_1": 0.8,
        "beta_2": 0.99,
        "epsilon": 1e-6,
        "dropout": 0.25,
    }
    network = mlp_class(4, (3, 5), 2, random_state=0, **settings)
    network.save(tmp_path / "m.safetensors")
    loaded = mlp_class.load(tmp_path / "m.safetensors")
    assert loaded.problem == network.problem == Problem(**settings)
    x = np.random.RandomState(0).rand(9, 4)
    np.testing.assert_array_equal(loaded.predict(x), network.predict(x))
    assert loaded.predict(x).min() > 0  # exp's


def test_defaults_write_no_settings(tmp_path: Path) -> None:
    from safetensors import safe_open

    MLP(4, 3, 2, random_state=0, activation="relu", dropout=0).save(tmp_path / "m.safetensors")
    with safe_open(tmp_path / "m.safetensors", framework="numpy") as tensors:
        assert tensors.metadata()["settings"] == "{}"


def test_what_could_not_be_read_again_is_not_written(tmp_path: Path) -> None:
    network = MLP(2, 2, 3, random_state=0)
    model = Model(network.parameters, 0.1, 255)
    for changes, message in (
        ({"class_names": ("cat", "dog")}, "labels are .*not one for each of 3"),
        ({"class_names": ("cat", "dog", "cat")}, "labels are .*nor different names"),
        ({"settings": {"untrained_classes": (3,)}}, ", not classes in 0..2"),
        ({"settings": {"colour": 0.9}}, "colour"),
    ):
        with pytest.raises(ValueError, match=message):
            write_model(model._replace(**changes), tmp_path / "m.safetensors")
    assert list(tmp_path.iterdir()) == []
