"""load: from a pipe, which gives its bytes once; and folders with a pipe in them."""

from __future__ import annotations

import gzip
import io
import os
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from table_tools import X, Y, frame

from fastmlp import MLP
from fastmlp.data import load, load_csv

pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")


def npz() -> bytes:
    stream = io.BytesIO()
    np.savez(stream, x=X, y=Y)
    return stream.getvalue()


def idx() -> bytes:
    return bytes([0, 0, 8, 2, 0, 0, 0, 40, 0, 0, 0, 16]) + X.tobytes()


CONTENTS = {
    "csv": frame().to_csv(index=False).encode(),
    "csv.gz": gzip.compress(frame().to_csv(index=False).encode()),
    "npz": npz(),
    "idx": idx(),
}


@pytest.fixture
def pipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A named pipe; no copy of its content may be left at the end."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    os.mkfifo(tmp_path / "pipe")
    yield tmp_path / "pipe"
    assert list(temporary.iterdir()) == []


@contextmanager
def filled(pipe: Path, content: bytes) -> Iterator[None]:
    def fill() -> None:
        with suppress(BrokenPipeError):
            pipe.write_bytes(content)

    thread = threading.Thread(target=fill)
    thread.start()
    yield
    thread.join(60)


class Stdin:
    closed = False

    def __init__(self, content: bytes) -> None:
        self.buffer = io.BytesIO(content)


@pytest.mark.parametrize("kind", CONTENTS)
def test_every_format_comes_out_of_a_pipe(
    pipe: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with filled(pipe, CONTENTS[kind]):
        data = load(pipe)
    monkeypatch.setattr(sys, "stdin", Stdin(CONTENTS[kind]))
    same = load("-")
    assert data.name == str(pipe)
    assert data.found.startswith(f"{pipe}: 40 rows of 16 pixels, ")
    assert same.name == "standard input"
    assert same.found.startswith("standard input: 40 rows of 16 pixels, ")
    for found in (data, same):
        assert_array_equal(found.x, X)
        if kind != "idx":
            assert_array_equal(found.y, Y)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"label,pixel0\n1,2\n1,dark\n", ", line 3, column 'pixel0': 'dark' is no number: correct"),
        (CONTENTS["npz"][:-20], " is damaged or cut short: download"),
        (b"<html>", " is a web page, not the data: "),
        (b"", " is empty: give a file with rows"),
        (bytes(100_001), " takes more than 100,000 bytes: give fewer rows"),
    ],
)
def test_errors_name_the_pipe_and_not_its_copy(
    pipe: Path, content: bytes, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with filled(pipe, content), pytest.raises(ValueError, match=re.escape(said)) as of_pipe:
        load(pipe, max_bytes=100_000)
    rest = str(of_pipe.value).removeprefix(str(pipe))
    assert rest.startswith(said)
    assert str(pipe.parent) not in rest
    monkeypatch.setattr(sys, "stdin", Stdin(content))
    with pytest.raises(ValueError, match=f"^standard input{re.escape(rest)}$"):
        load("-", max_bytes=100_000)


def test_a_file_called_like_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("-").write_bytes(CONTENTS["csv"])
    assert_array_equal(load("./-").x, X)
    assert_array_equal(load(Path("-")).x, X)
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(OSError, match="standard input is closed: give a file"):
        load("-")


FOLDERS = """
import sys
from fastmlp.data import load, load_csv, load_idx
for call, path in ((load, "images"), (load, "arrays"), (load, "idx"), (load, "nothing"),
                   (load_csv, "nothing/a.csv"), (load_idx, "idx")):
    try:
        found = call(path)
        print(call.__name__, getattr(found, "found", "read"))
    except (OSError, ValueError) as error:
        print(call.__name__, error)
"""


def test_a_pipe_in_a_folder_is_no_file_of_it(tmp_path: Path) -> None:
    from PIL import Image

    for folder, name in (("images/3", "b.png"), ("arrays", "b.npz"), ("idx", "b-images.idx")):
        (tmp_path / folder).mkdir(parents=True)
        os.mkfifo(tmp_path / folder / f"a.{name[-3:]}")
        if name != "b.png":
            (tmp_path / folder / name).write_bytes(CONTENTS[name[-3:]])
    Image.fromarray(X[0].reshape(4, 4)).save(tmp_path / "images/3/b.png")
    (tmp_path / "nothing").mkdir()
    os.mkfifo(tmp_path / "nothing" / "a.csv")
    os.mkfifo(tmp_path / "idx/train-images-idx3-ubyte")
    command = [sys.executable, "-c", FOLDERS]  # that hangs, where one of them is opened
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True
    )
    lines = done.stdout.splitlines()
    assert lines[0].startswith(
        "load images: 1 row of 784 pixels, 1 image, 1 class, one a folder (3), "
    )
    assert "passed over: a.png" in lines[0]
    assert lines[1].startswith("load arrays: 40 rows of 16 pixels")
    assert lines[2].startswith("load idx holds b-images.idx, but not its partner")
    assert lines[3].startswith("load nothing holds a.csv, and nothing that is read from a folder")
    assert lines[4].startswith("load_csv nothing/a.csv is a pipe or a device: ")
    assert lines[5].startswith("load_idx idx holds no IDX files")


def test_load_csv_names_a_remedy(pipe: Path) -> None:
    with pytest.raises(OSError, match="is a pipe or a device: give it to "):
        load_csv(pipe)


@pytest.mark.parametrize("kind", ["csv.gz", "npz"])
@pytest.mark.parametrize("data", ["-", "/dev/stdin", "<(cat data)"])
def test_the_commands_read_pipes(tmp_path: Path, kind: str, data: str) -> None:
    (tmp_path / "data").write_bytes(CONTENTS[kind])
    command = f"cat data | {sys.executable} -m fastmlp train --epochs 1 --out out --data {data}"
    done = subprocess.run(
        ["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    name = "/dev/fd/" if data.startswith("<") else "standard input: "
    assert done.stdout.startswith(name)
    assert MLP.load(tmp_path / "out").layer_sizes == (16, 64, 7)
