"""What tests of copies, archives and forks share: fastmlp in other processes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import fastmlp


def copy_package(folder: Path) -> None:
    """Copy the package's files into a folder, and nothing else that pip would put there."""
    source = Path(fastmlp.__file__).parent
    shutil.copytree(
        source, folder / "fastmlp", ignore=shutil.ignore_patterns("__pycache__", "*.pyc")
    )


def run_python(*arguments: str | Path, cwd: Path, code: int = 0, **env: str) -> tuple[str, str]:
    """Run Python with arguments; return what it has printed and complained of."""
    done = subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=cwd, env=os.environ | env, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout, done.stderr
