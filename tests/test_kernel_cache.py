"""The disk cache of compiled kernels: what it must find again, and all that it must not."""

from __future__ import annotations

import errno
import importlib.util
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from numba import int64
from numba.core import config
from numba.core.errors import NumbaWarning, TypingError
from numba.core.registry import cpu_target

from fastmlp.kernels import announce, cache

HELPERS = """
import numba
from fastmlp.kernels.cache import compiled

@compiled
def scaled(a):
    return 3 * a

def make(n):
    @numba.njit
    def tile(a):
        total = 0
LOOPS
        return total
    return tile

tile8 = make(8)
"""
# Too much code to be inlined.
LOOPS = """
        for i in range(a):
            total += (i ^ n) * n
            if total > 1000000:
                total -= i * i
"""
HELPERS = HELPERS.replace("LOOPS", 12 * LOOPS)
KERNELS = """
import numpy as np
from fastmlp.kernels.cache import compiled
from helpers import scaled, tile8

@compiled
def from_numbers(a, n):
    for i in range(n):
        a += scaled(i)
    return a

@compiled
def from_arrays(x):
    total = np.float32(0)
    for i in range(len(x)):
        total += x[i] + scaled(np.float32(i))
    return total

@compiled
def from_kernel(a):
    return from_numbers(a, 3) + 1

@compiled
def from_factory(a):
    return tile8(a)
"""
# Calls kernels in a process of their own, and says what came out and what the cache had.
SCRIPT = """
import json, sys
sys.path.insert(0, sys.argv[1])
import numpy as np
import kernels
results = []
for name, argument in json.loads(sys.argv[2]):
    kernel = getattr(kernels, name)
    value = np.arange(4, dtype=np.float32) if name == "from_arrays" else argument
    results.append(float(kernel(value, 4) if name == "from_numbers" else kernel(value)))
    hits = sum(kernel.stats.cache_hits.values())
    results.append("hit" if hits else "miss")
print(json.dumps([results, "scipy.linalg" in sys.modules]))
"""
Call = tuple[str, int]
NUMBERS: Call = ("from_numbers", 5)


class Project:
    """A folder of kernels and a folder for their cache."""

    def __init__(self, root: Path) -> None:
        self.source = root / "source"
        self.source.mkdir()
        (self.source / "helpers.py").write_text(HELPERS)
        (self.source / "kernels.py").write_text(KERNELS)
        self.cache = root / "cache" / "kernels"

    def start(self, *calls: Call) -> subprocess.Popen[str]:
        arguments = [str(self.source), json.dumps(calls)]
        return subprocess.Popen(
            [sys.executable, "-W", "error", "-c", SCRIPT, *arguments],
            env=os.environ | {"FASTMLP_CACHE_DIR": str(self.cache.parent)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def finish(self, process: subprocess.Popen[str]) -> tuple[list[Any], bool]:
        output, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
        assert "Warning" not in errors
        results, full_start = json.loads(output)
        return results, full_start

    def run(self, *calls: Call) -> list[Any]:
        return self.finish(self.start(*calls))[0]

    def entries(self) -> list[Path]:
        return sorted(self.cache.iterdir())


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


@pytest.fixture
def kernels(project: Project, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The same kernels in this process, not yet compiled."""
    monkeypatch.setenv("FASTMLP_CACHE_DIR", str(project.cache.parent))
    monkeypatch.syspath_prepend(project.source)
    for name in ("helpers", "kernels"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    spec = importlib.util.spec_from_file_location("kernels", project.source / "kernels.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.delitem(sys.modules, "helpers")
    return module


def key_of(kernel: Any, *types: Any) -> str:
    return kernel._cache._key(types, cpu_target.target_context.codegen())


# -- from process to process -------------------------------------------------------------------


def test_second_process_loads(project: Project) -> None:
    calls = [NUMBERS, ("from_arrays", 0)]
    assert project.run(*calls) == [23.0, "miss", 24.0, "miss"]
    # One whole entry for each kernel called from Python, none for helpers, nothing left behind.
    names = [path.name.partition(".")[0] for path in project.entries()]
    assert names == ["from_arrays", "from_numbers"]
    assert all(path.suffix == ".kernel" for path in project.entries())
    results, full_start = project.finish(project.start(*calls))
    assert results == [23.0, "hit", 24.0, "hit"]
    # Numba's full start, which the code needs no part of, costs 0.3 s and imports SciPy.
    assert not full_start


def test_loaded_kernel_is_called_by_a_new_one(project: Project) -> None:
    project.run(NUMBERS)
    assert project.run(NUMBERS, ("from_kernel", 5)) == [23.0, "hit", 15.0, "miss"]


def test_edit_in_another_file_is_seen(project: Project) -> None:
    assert project.run(NUMBERS) == [23.0, "miss"]
    (project.source / "helpers.py").write_text(HELPERS.replace("3 * a", "4 * a"))
    assert project.run(NUMBERS) == [29.0, "miss"]
    assert len(project.entries()) == 2


def test_processes_share_a_cold_cache(project: Project) -> None:
    processes = [project.start(NUMBERS) for _ in range(3)]
    assert [project.finish(process)[0][0] for process in processes] == [23.0] * 3
    assert len(project.entries()) == 1
    assert project.run(NUMBERS) == [23.0, "hit"]


def test_damaged_entry_is_compiled_and_written_again(project: Project) -> None:
    project.run(NUMBERS)
    (entry,) = project.entries()
    whole = entry.read_bytes()
    entry.write_bytes(whole[:-100])
    assert project.run(NUMBERS) == [23.0, "miss"]
    assert entry.stat().st_size > len(whole) - 100
    assert project.run(NUMBERS) == [23.0, "hit"]


@pytest.mark.skipif(os.name == "nt", reason="no POSIX modes")
def test_folder_that_others_can_write_to_is_left_alone(project: Project) -> None:
    project.run(NUMBERS)
    assert project.cache.stat().st_mode & 0o777 == 0o700
    (entry,) = project.entries()
    entry.unlink()
    project.cache.chmod(0o777)
    assert project.run(NUMBERS) == [23.0, "miss"]
    assert project.entries() == []


def test_cache_that_cannot_be_made(project: Project) -> None:
    project.cache.parent.write_text("a file, where a folder should be")
    assert project.run(NUMBERS) == [23.0, "miss"]


# -- entries -----------------------------------------------------------------------------------


def flip_last_byte(content: bytes) -> bytes:
    return content[:-1] + bytes([content[-1] ^ 1])


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: content[:-1],
        lambda content: content[: len(cache.FORMAT) + 10],
        lambda content: content + b"\n",
        lambda content: content.replace(b"format 1", b"format 0"),
        flip_last_byte,
    ],
)
def test_damaged_entry_is_not_read(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    path = tmp_path / "entries" / "entry"
    cache._write(path, "key", b"some\ncode\n")
    assert cache._read(path, "key") == b"some\ncode\n"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ValueError, match=r"damaged|unpack"):
        cache._read(path, "key")


def test_entry_of_another_key_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "entries" / "entry"
    cache._write(path, "key", b"code")
    with pytest.raises(ValueError, match="another kernel"):
        cache._read(path, "kez")


@pytest.mark.skipif(os.name == "nt", reason="no POSIX modes")
@pytest.mark.parametrize("mode", [0o020, 0o002])
@pytest.mark.parametrize("name", ["entries", "entries/entry"])
def test_entry_that_others_can_write_is_not_read(tmp_path: Path, name: str, mode: int) -> None:
    path = tmp_path / "entries" / "entry"
    cache._write(path, "key", b"code")
    changed = tmp_path / name
    changed.chmod(changed.stat().st_mode | mode)
    with pytest.raises(PermissionError):
        cache._read(path, "key")


@pytest.mark.skipif(os.name == "nt", reason="no POSIX owners")
def test_entry_of_another_user_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "entries" / "entry"
    cache._write(path, "key", b"code")
    owner = path.stat().st_uid
    if owner == 0:  # root, who can change any file anyway, is trusted: give the file away
        owner = 1000
        os.chown(path, owner, -1)
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    with pytest.raises(PermissionError):
        cache._read(path, "key")


def test_reader_never_sees_half_an_entry(tmp_path: Path) -> None:
    path = tmp_path / "entries" / "entry"
    payloads = [bytes([letter]) * 300_000 for letter in b"ab"]
    cache._write(path, "key", payloads[0])
    done = threading.Event()

    def write() -> None:
        for i in range(60):
            cache._write(path, "key", payloads[i % 2])
        done.set()

    writers = [threading.Thread(target=write) for _ in range(2)]
    for writer in writers:
        writer.start()
    while not done.is_set():
        assert cache._read(path, "key") in payloads
    for writer in writers:
        writer.join()
    assert list(path.parent.iterdir()) == [path]


def test_full_disk(project: Project, kernels: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def replace(source: str, target: str) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "replace", replace)
    assert kernels.from_numbers(5, 4) == 23
    assert project.entries() == []


def test_old_entries_are_pruned(tmp_path: Path) -> None:
    now = time.time()
    old = now - cache.PRUNE_AFTER - 60
    times = {
        "f.current.1.kernel": old,
        "f.other.2.kernel": old,
        "f.other.3.kernel": now,
        "abc.tmp": old,
        "abd.tmp": now,
        "notes.txt": old,
    }
    for name, seconds in times.items():
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (seconds, seconds))
    cache._prune.__wrapped__(tmp_path, "current")
    left = {path.name for path in tmp_path.iterdir()}
    assert set(times) - left == {"f.other.2.kernel", "abc.tmp"}


# -- keys --------------------------------------------------------------------------------------


def test_key_tells_variants_apart(kernels: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    kernel, signature = kernels.from_numbers, (int64, int64)
    keys = [key_of(kernel, *signature), key_of(kernel, int64), key_of(kernels.from_arrays, int64)]
    for options in ({"fastmath": {"contract"}}, {"boundscheck": True}):
        keys.append(key_of(cache.compiled(**options)(kernel.py_func), *signature))
    monkeypatch.setattr(config, "BOUNDSCHECK", int(not config.BOUNDSCHECK))
    keys.append(key_of(kernel, *signature))
    monkeypatch.setattr(cache, "_constants", {})
    cache.key_on(lanes=4)
    keys.append(key_of(kernel, *signature))
    cache.key_on(lanes=8)
    keys.append(key_of(kernel, *signature))
    assert len(set(keys)) == len(keys) == 8


def test_key_is_the_same_in_every_process(kernels: Any) -> None:
    flags = {"contract", "reassoc", "nsz", "arcp"}  # sets of strings have no fixed order
    kernel = cache.compiled(fastmath=flags)(kernels.from_numbers.py_func)
    assert '"fastmath": ["arcp", "contract", "nsz", "reassoc"]' in key_of(kernel, int64)


def test_function_without_source_has_no_key() -> None:
    namespace: dict[str, Any] = {}
    exec("def generated(a): return a", namespace)
    assert key_of(cache.compiled(namespace["generated"]), int64) == ""


def test_function_without_a_name_of_its_own_is_refused() -> None:
    with pytest.raises(TypeError, match="at the top of a module"):
        cache.compiled(lambda a: a)


def test_factory_made_helper_is_not_stored(project: Project, kernels: Any) -> None:
    with pytest.warns(NumbaWarning, match="from_factory is not cached.*tile"):
        assert kernels.from_factory(1) == 12 * 64
    assert not project.cache.exists()


# -- what the user sees ------------------------------------------------------------------------


@pytest.fixture
def quiet_so_far(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(announce.watch, "_announced", False)
    monkeypatch.setattr(announce.watch, "_explained", False)
    monkeypatch.setattr(announce.watch, "_spent", 0.0)


@pytest.mark.usefixtures("quiet_so_far")
def test_slow_compiling_is_announced_once(
    kernels: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(announce, "ANNOUNCE_AFTER", 0.0)
    kernels.from_numbers(5, 4)
    announced, ended = capsys.readouterr().err.splitlines()
    assert announced == "fastmlp: compiling kernels for this machine, once ..."
    assert ended.startswith("fastmlp: compiled in ")
    kernels.from_numbers(5, 4)
    assert capsys.readouterr().err == ""
    kernels.from_kernel(5)
    (ended,) = capsys.readouterr().err.splitlines()
    assert ended.startswith("fastmlp: compiled in ")


@pytest.mark.usefixtures("quiet_so_far")
def test_quick_compiling_is_not_announced(
    kernels: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(announce, "ANNOUNCE_AFTER", 600.0)
    kernels.from_numbers(5, 4)
    kernels.from_kernel(5)
    assert capsys.readouterr().err == ""
    # ... but many quick ones add up.
    monkeypatch.setattr(announce, "ANNOUNCE_AFTER", announce.watch._spent)
    kernels.from_arrays(np.ones(3))
    assert len(capsys.readouterr().err.splitlines()) == 2


@pytest.mark.usefixtures("quiet_so_far")
def test_slow_compiling_that_cannot_be_stored_is_explained(
    project: Project,
    kernels: Any,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    project.cache.parent.write_text("a file, where a folder should be")
    monkeypatch.setattr(announce, "ANNOUNCE_AFTER", 600.0)
    kernels.from_kernel(5)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(announce, "ANNOUNCE_AFTER", 0.0)
    kernels.from_numbers(5.0, 4)
    reason = capsys.readouterr().err.splitlines()[-1]
    assert reason.startswith("fastmlp: the next process compiles again")
    assert str(project.cache) in reason
    assert "set FASTMLP_CACHE_DIR" in reason


def test_failed_compiling_leaves_no_trace(project: Project, kernels: Any) -> None:
    with pytest.raises(TypingError):
        kernels.from_kernel("text")
    assert kernels.from_numbers(5, 4) == 23
    assert len(project.entries()) == 1


def test_switched_off_jit_leaves_the_function(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config, "DISABLE_JIT", 1)
    namespace: dict[str, Any] = {}
    exec("def generated(a): return a", namespace)
    generated = namespace["generated"]
    assert cache.compiled(generated) is generated
    assert cache.compiled(boundscheck=True)(generated) is generated
    assert not vars(generated)
