"""Model files are read, not mapped, and not at all where they are something else."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import safetensors

import fastmlp
from fastmlp import MLP, MLPClassifier, tensors

X = np.random.RandomState(0).rand(40, 6)


def make_mlp():
    network = MLP(6, 5, 3, random_state=0)
    network.train(X, np.arange(40) % 3, 1, verbose=False)
    return network


def make_classifier():
    return MLPClassifier((5,), max_iter=1000, tol=1, random_state=0).fit(X, np.arange(40) % 3)


BOTH = pytest.mark.parametrize("make", [make_mlp, make_classifier])


@BOTH
def test_no_file_is_mapped(make, tmp_path, monkeypatch):
    model, path = make(), tmp_path / "m.safetensors"
    model.save(path)

    def refuse(*_, **__):
        raise AssertionError("this maps the file: a signal ends the process if it is cut meanwhile")

    monkeypatch.setattr(safetensors, "safe_open", refuse)
    monkeypatch.setattr(np, "memmap", refuse)
    loaded = type(model).load(path)
    if sys.platform == "linux":
        assert path.name not in Path("/proc/self/maps").read_text()
    path.write_bytes(b"")
    np.testing.assert_array_equal(loaded.predict_proba(X), model.predict_proba(X))


@pytest.mark.skipif(os.name != "posix", reason="elsewhere an open file can't be cut")
def test_a_file_that_is_cut_while_it_is_loaded(tmp_path):
    """In a process of its own, which a signal would end."""
    path = tmp_path / "m.safetensors"
    MLP(2000, 500, 10, random_state=0, dtype="float32").save(path)
    program = """if True:
        import os, sys
        from fastmlp import MLP, checks
        look = checks.as_layer_sizes

        def cut(*sizes):  # which is called when the metadata have been read
            os.truncate(sys.argv[1], 4096)
            return look(*sizes)

        checks.as_layer_sizes = cut
        assert MLP.load(sys.argv[1]).w1.any(axis=1).all()
    """
    run = subprocess.run([sys.executable, "-c", program, path], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert path.stat().st_size == 4096


@BOTH
def test_loaded_weights_can_be_changed_in_place(make, tmp_path):
    model = make()
    model.save(tmp_path / "m.safetensors")
    loaded = type(model).load(tmp_path / "m.safetensors")
    first = loaded.w1 if isinstance(loaded, MLP) else loaded.coefs_[0]
    first *= 2
    assert np.any(loaded.predict_proba(X) != model.predict_proba(X))


@pytest.mark.parametrize(
    "start", [b"\0" * 9, b"\2" + b"\0" * 7 + b"[", b"\xff" * 8 + b"{", b"PK", b""]
)
def test_other_files_are_not_read_to_their_end(start, tmp_path):
    path = tmp_path / "large.safetensors"
    path.write_bytes(start)
    os.truncate(path, 2**20)
    assert len(tensors._read(path)[0]) < 10
    for kind in (MLP, MLPClassifier):
        with pytest.raises(ValueError, match=r"large\.safetensors is cut short or no "):
            kind.load(path)


def test_a_type_that_numpy_does_not_have(tmp_path):
    header = b'{"w1":{"dtype":"BF16","shape":[1],"data_offsets":[0,2]}}'
    path = tmp_path / "odd.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header + b"\0\0")
    for kind in (MLP, MLPClassifier):
        with pytest.raises(ValueError, match=r"odd\.safetensors is cut short or no .*BF16"):
            kind.load(path)


@BOTH
def test_a_file_that_may_not_be_read(make, tmp_path, monkeypatch):
    model, path = make(), tmp_path / "m.safetensors"
    model.save(path)

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(OSError, match=r"can't read .*m\.safetensors"):
        type(model).load(path)


def test_the_metadata_are_the_file_s(tmp_path):
    network = fastmlp.MLP(3, 2, 2, random_state=0)
    network.save(tmp_path / "m.safetensors")
    with safetensors.safe_open(tmp_path / "m.safetensors", framework="numpy") as file:
        expected = file.metadata(), {name: file.get_tensor(name) for name in ("w1", "b2")}
    metadata, arrays = tensors.read_tensors(tmp_path / "m.safetensors")
    assert metadata == expected[0]
    for name, array in expected[1].items():
        np.testing.assert_array_equal(arrays[name], array)
