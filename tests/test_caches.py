"""Where caches lie: with no home, an unknown user, or several users."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from cli_tools import easy_digits, start, write_csv

from fastmlp import caches

posix = pytest.mark.skipif(os.name == "nt", reason="users of POSIX")
pytestmark = posix
as_root = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can be several users"
)
STRANGER = 54321

# As another user, who has no name, in a process that has imported all before it changes.
SCRIPT = """
import os, sys
from pathlib import Path
import platformdirs.unix
from fastmlp import caches
from fastmlp.kernels.codegen import cache, cache_file
os.setgroups([]); os.setgid(USER); os.setuid(USER)
""".replace("USER", str(STRANGER))


def as_stranger(code: str, **env: str) -> str:
    """Run code as a user without a home; return what it prints."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT + code],
        env={name: value for name, value in os.environ.items()
             if name not in ("HOME", "FASTMLP_CACHE_DIR", "XDG_CACHE_HOME")} | env,
        capture_output=True, text=True, check=False, cwd="/",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def open_path() -> Path:
    """A folder that all users can write to."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        Path(name).chmod(0o777)
        yield Path(name)


@pytest.fixture
def homeless(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """No home; return the folder for temporary files."""
    for name in ("FASTMLP_CACHE_DIR", "XDG_CACHE_HOME", "MPLCONFIGDIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", os.devnull)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return tmp_path


def test_a_run_without_a_home_works_and_says_so_in_one_line(homeless: Path) -> None:
    csv = write_csv(homeless / "train.csv", *easy_digits())
    temporary = homeless / f"fastmlp-{os.geteuid()}"
    for turn in ("first", "second"):
        process = start("train", "--data", csv, "--epochs", 1, "--out", homeless / turn)
        stderr = process.communicate(timeout=120)[1].decode()
        assert process.returncode == 0, stderr
        first, *rest = stderr.splitlines()
        assert str(temporary) in first
        assert "FASTMLP_CACHE_DIR" in first
        assert all(line.startswith("fastmlp: comp") for line in rest)
        if turn == "second":
            assert rest == []  # compiled before
    assert temporary.stat().st_mode & 0o777 == 0o700
    assert list((temporary / "kernels").iterdir())


def test_a_folder_that_someone_else_could_have_made_is_not_used(homeless: Path) -> None:
    temporary = homeless / f"fastmlp-{os.geteuid()}"
    temporary.mkdir()
    temporary.chmod(0o777)
    assert caches.temporary_root() is None
    assert not os.path.exists(caches.cache_folder("kernels").parent / "x")
    temporary.rmdir()
    temporary.symlink_to(homeless)
    assert caches.temporary_root() is None
    temporary.unlink()
    assert caches.temporary_root() == temporary


def test_no_place_at_all_is_no_error(homeless: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> str:
        raise FileNotFoundError(2, "No usable temporary directory found")

    monkeypatch.setattr(tempfile, "gettempdir", fail)
    with pytest.raises(OSError, match="Not a directory"):
        caches.cache_folder("kernels").mkdir(parents=True)


def test_a_home_is_used_and_nothing_made_before_it_is_needed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("FASTMLP_CACHE_DIR", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert caches.temporary_root() is None
    assert caches.cache_folder("kernels").is_relative_to(tmp_path)
    assert list(tmp_path.iterdir()) == []


@as_root
def test_a_user_without_a_name_gets_a_temporary_folder(open_path: Path) -> None:
    code = "print(caches.temporary_root(), cache.cache_folder(), os.path.exists('~'))"
    temporary = open_path / f"fastmlp-{STRANGER}"
    for home in ({}, {"HOME": "/"}, {"HOME": "/nonexistent"}):
        printed = as_stranger(code, TMPDIR=str(open_path), **home)
        assert printed == f"{temporary} {temporary / 'kernels'} False"


@as_root
@pytest.mark.parametrize("mode", [0o700, 0o755])
def test_users_of_one_folder_have_one_each(open_path: Path, mode: int) -> None:
    kernels = open_path / "kernels"
    kernels.mkdir()
    kernels.chmod(mode)
    os.chown(kernels, 12345, 12345)
    code = """
folder = cache.cache_folder()
cache_file.write(folder / "a.kernel", "key", b"code")
print(folder, cache_file.read(folder / "a.kernel", "key"), cache.cache_folder())
"""
    own = open_path / f"kernels-{STRANGER}"
    printed = as_stranger(code, FASTMLP_CACHE_DIR=str(open_path))
    assert printed == f"{own} b'code' {own}"
    assert own.stat().st_mode & 0o777 == 0o700
    assert list(kernels.iterdir()) == []


@as_root
def test_what_the_superuser_has_put_there_is_read(open_path: Path) -> None:
    for name in ("kernels", "data"):
        (open_path / name).mkdir()
        (open_path / name).chmod(0o755)
        code = f"print(caches.cache_folder({name!r}, only_own=True))"
        assert as_stranger(code, FASTMLP_CACHE_DIR=str(open_path)) == str(open_path / name)


def test_the_advice_knows_whether_the_variable_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FASTMLP_CACHE_DIR", raising=False)
    assert caches.advice() == "set FASTMLP_CACHE_DIR to a folder that you can write to"
    monkeypatch.setenv("FASTMLP_CACHE_DIR", "/x")
    assert caches.advice().startswith("set FASTMLP_CACHE_DIR to another folder")
