"""load_mnist: against a server on this machine that can also misbehave."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from fastmlp.data import load_mnist, mnist

RANDOM = np.random.RandomState(0)
IMAGES = {"train": RANDOM.randint(0, 256, (300, 28, 28)), "t10k": RANDOM.randint(0, 256, (7, 5, 5))}
LABELS = {part: RANDOM.randint(0, 10, len(images)) for part, images in IMAGES.items()}


def packed(array: np.ndarray) -> bytes:
    header = np.array([0x800 + array.ndim, *array.shape], ">u4").tobytes()
    return gzip.compress(header + array.astype(np.uint8).tobytes())


CONTENT = {
    f"{part}-{kind}-ubyte.gz": packed(array)
    for part in ("train", "t10k")
    for kind, array in (("images-idx3", IMAGES[part]), ("labels-idx1", LABELS[part]))
}
TOTAL = sum(map(len, CONTENT.values()))


class Server(ThreadingHTTPServer):
    """Serves CONTENT in the manner that the first folder of the address names."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[str] = []
        self.sent = 0  # bytes, by an endless mirror

    def mirrors(self, *manners: str) -> tuple[str, ...]:
        return tuple(f"http://127.0.0.1:{self.server_port}/{manner}/" for manner in manners)


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        _, manner, name = self.path.split("/")
        content = CONTENT[name]
        if manner == "missing":
            self.send_error(404)
            return
        self.send_response(200)
        if manner == "endless":
            self.end_headers()
            with contextlib.suppress(ConnectionError):
                while self.server.sent < 2**26:
                    self.server.sent += self.wfile.write(bytes(2**16))
            return
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if manner == "corrupt":
            content = content[:-1] + bytes([content[-1] ^ 1])
        elif manner == "cut":
            content = content[: len(content) // 2]
        elif manner == "late" and name.startswith("t10k"):  # hangs up on the last two files only
            content = b""
        self.wfile.write(content)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    archives = tuple(
        mnist.Archive(name, len(content), hashlib.sha256(content).hexdigest())
        for name, content in CONTENT.items()
    )
    monkeypatch.setattr(mnist, "ARCHIVES", archives)
    with Server() as server:
        monkeypatch.setattr(mnist, "MIRRORS", server.mirrors("good"))
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def assert_is_mnist(folder: Path) -> None:
    for part in ("train", "t10k"):
        x, y = load_mnist(part, cache_dir=folder)  # type: ignore[arg-type]
        assert x.dtype == np.uint8
        assert_array_equal(x, IMAGES[part].reshape(len(x), -1))
        assert_array_equal(y, LABELS[part])
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == CONTENT


def test_downloads_once(server: Server, tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    folder = tmp_path / "deep" / "cache"
    assert_is_mnist(folder)
    assert len(server.asked) == 4
    assert_is_mnist(folder)
    assert len(server.asked) == 4
    assert capfd.readouterr() == ("", "")


def test_progress(server: Server, tmp_path: Path):
    calls: list[tuple[int, int]] = []
    load_mnist(cache_dir=tmp_path, progress=lambda *call: calls.append(call))
    done, totals = zip(*calls, strict=True)
    assert set(totals) == {TOTAL}
    assert list(done) == sorted(done)
    assert len(set(done)) > len(CONTENT)  # also while a file is under way
    assert done[-1] == TOTAL
    calls.clear()
    load_mnist(cache_dir=tmp_path, progress=lambda *call: calls.append(call))
    assert calls == []


@pytest.mark.parametrize("manner", ["missing", "corrupt", "cut", "late", "endless"])
def test_the_next_mirror_steps_in(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, manner: str
):
    monkeypatch.setattr(mnist, "MIRRORS", server.mirrors(manner, "good"))
    assert_is_mnist(tmp_path)
    assert len(server.asked) == 5  # the first mirror isn't asked again


def test_a_mirror_that_is_down(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with Server() as other:
        nobody = other.mirrors("good")
    monkeypatch.setattr(mnist, "MIRRORS", (*nobody, *server.mirrors("good")))
    assert_is_mnist(tmp_path)


@pytest.mark.parametrize(
    ("manner", "reason"),
    [
        ("missing", "answers 404"),
        ("corrupt", "sends another file"),
        ("cut", "hangs up"),
        ("endless", "sends another file"),
    ],
)
def test_no_mirror_left(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, manner: str, reason: str
):
    mirrors = server.mirrors(manner, manner)
    monkeypatch.setattr(mnist, "MIRRORS", mirrors)
    with pytest.raises(ConnectionError) as caught:
        load_mnist(cache_dir=tmp_path)
    message = str(caught.value)
    assert "\n" not in message
    assert f"can't download train-images-idx3-ubyte.gz ({mirrors[0]} {reason}, " in message
    assert message.endswith("or put MNIST's files in a folder and give that folder")
    assert list(tmp_path.iterdir()) == []  # nothing half done
    assert server.sent < 2**26  # which is what an endless mirror would have sent


def test_silence_and_refusal_are_named(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    with Server() as other:
        nobody = other.mirrors("good")
    with Server() as silent:  # accepts connections, and never serves them
        monkeypatch.setattr(mnist, "MIRRORS", (*nobody, *silent.mirrors("good")))
        monkeypatch.setattr(mnist, "SECONDS_OF_SILENCE", 0.1)
        with pytest.raises(ConnectionError, match=r"can't be reached, .* doesn't answer\): check"):
            load_mnist(cache_dir=tmp_path)


def test_valid_files_are_kept_and_damaged_ones_downloaded_again(server: Server, tmp_path: Path):
    load_mnist(cache_dir=tmp_path)
    server.asked.clear()
    (tmp_path / "train-labels-idx1-ubyte.gz").write_bytes(CONTENT["t10k-labels-idx1-ubyte.gz"])
    (tmp_path / "t10k-images-idx3-ubyte.gz").unlink()
    assert_is_mnist(tmp_path)
    assert server.asked == [
        "/good/train-labels-idx1-ubyte.gz",
        "/good/t10k-images-idx3-ubyte.gz",
    ]


def test_default_folder(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FASTMLP_CACHE_DIR", str(tmp_path))
    load_mnist()
    assert_is_mnist(tmp_path / "data" / "mnist")


@pytest.mark.parametrize("folder", ["file", "file/cache", "."])
def test_a_cache_that_cannot_be_written(server: Server, tmp_path: Path, folder: str):
    (tmp_path / "file").touch()
    (tmp_path / "train-images-idx3-ubyte.gz").mkdir()  # in the way of the first archive
    with pytest.raises(OSError, match=r"^can't keep MNIST in .*: set FASTMLP_CACHE_DIR to .*$"):
        load_mnist(cache_dir=tmp_path / folder)
    assert server.asked == []


def test_published_archives():
    assert [len(archive.sha256) for archive in mnist.ARCHIVES] == [64] * 4
    assert len(mnist.MIRRORS) > 1
    assert all(mirror.startswith("https://") and mirror.endswith("/") for mirror in mnist.MIRRORS)
