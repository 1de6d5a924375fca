"""The disk cache of compiled kernels: what it must find again, and all that it must not."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pytest
from cache_tools import HELPERS, NUMBERS, Project, key_of
from numba import int64
from numba.core import config
from numba.core.errors import NumbaWarning, TypingError

from fastmlp.engine import CompilerOffError
from fastmlp.kernels.codegen import cache, compile_notice

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


# -- keys --------------------------------------------------------------------------------------


def test_key_tells_variants_apart(kernels: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    kernel, signature = kernels.from_numbers, (int64, int64)
    keys = [key_of(kernel, *signature), key_of(kernel, int64), key_of(kernels.from_arrays, int64)]
    monkeypatch.setattr(config, "BOUNDSCHECK", int(not config.BOUNDSCHECK))
    keys.append(key_of(kernel, *signature))
    monkeypatch.setattr(cache, "_constants", {})
    cache.key_on(lanes=4)
    keys.append(key_of(kernel, *signature))
    cache.key_on(lanes=8)
    keys.append(key_of(kernel, *signature))
    assert len(set(keys)) == len(keys) == 6


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
    assert project.entries() == []


# -- what the user sees ------------------------------------------------------------------------


@pytest.fixture
def quiet_so_far(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compile_notice.watch, "_announced", False)
    monkeypatch.setattr(compile_notice.watch, "_explained", False)
    monkeypatch.setattr(compile_notice.watch, "_spent", 0.0)


@pytest.mark.usefixtures("quiet_so_far")
def test_slow_compiling_is_announced_once(
    kernels: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(compile_notice, "ANNOUNCE_AFTER", 0.0)
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
    monkeypatch.setattr(compile_notice, "ANNOUNCE_AFTER", 600.0)
    kernels.from_numbers(5, 4)
    kernels.from_kernel(5)
    assert capsys.readouterr().err == ""
    # ... but many quick ones add up.
    monkeypatch.setattr(compile_notice, "ANNOUNCE_AFTER", compile_notice.watch._spent)
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
    monkeypatch.setattr(compile_notice, "ANNOUNCE_AFTER", 600.0)
    kernels.from_kernel(5)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(compile_notice, "ANNOUNCE_AFTER", 0.0)
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


def test_switched_off_jit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config, "DISABLE_JIT", 1)
    namespace: dict[str, Any] = {}
    exec("def generated(a): return a", namespace)
    with pytest.raises(CompilerOffError, match="NUMBA_DISABLE_JIT"):
        cache.compiled(namespace["generated"])
