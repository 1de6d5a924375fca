"""Which source the cache's keys hold: the kernels', and that of the package that is compiled."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import fastmlp.kernels
from fastmlp.kernels.codegen import sources

# Two folders with files of one name, and functions of one name at the same lines.
HELPER = "from fastmlp.kernels.codegen.cache import compiled\n@compiled\ndef value(a):\n    return "
FILES = {
    "package/__init__.py": "",
    "package/here/__init__.py": "",
    "package/here/helper.py": HELPER + "a + 20\n",
    "package/there/helper.py": HELPER + "a + 30\n",  # as a namespace package
    "package/here/kernel.py": """
from fastmlp.kernels.codegen.cache import compiled
from package.there.helper import value

@compiled
def one_more(a):
    return value(a) + 1
""",
}
SCRIPT = """
import sys
sys.path.insert(0, sys.argv[1])
from package.here import helper, kernel
from package.there.helper import value
print(helper.value(0), value(0), kernel.one_more(0))
"""


def run(root: Path) -> list[int]:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(root)],
        env=os.environ | {"FASTMLP_CACHE_DIR": str(root / "cache"), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    return [int(word) for word in done.stdout.split()]


def test_an_edit_in_a_sibling_folder_is_seen(tmp_path: Path) -> None:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert run(tmp_path) == [20, 30, 31]
    assert run(tmp_path) == [20, 30, 31]  # from the cache
    (tmp_path / "package/there/helper.py").write_text(HELPER + "a + 40\n")
    assert run(tmp_path) == [20, 40, 41]


@pytest.mark.parametrize("edited", ["stages/tile.py", "codegen/simd.py", "levels.py"])
def test_an_edit_anywhere_in_the_kernels_changes_all_keys(tmp_path: Path, edited: str) -> None:
    """Also those of an entry from outside, which is compiled into them."""
    root = Path(fastmlp.kernels.__file__).parent.parent
    copy = tmp_path / "fastmlp"
    shutil.copytree(root, copy, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "outside.py").write_text("class Mine: ...\ndef f(): ...\n")
    script = (
        "import outside; from fastmlp.kernels.codegen import sources, simd;"
        "print(sources.hash_of(outside.f), sources.identify(outside.Mine),"
        " sources.hash_of(simd.constant))"
    )

    def hashes() -> list[str]:
        done = subprocess.run(
            [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True,
            check=True, timeout=120, env=os.environ | {"PYTHONPATH": str(tmp_path)},
        )  # fmt: skip
        return done.stdout.split()

    before = hashes()
    with (copy / "cli" / "options.py").open("a") as file:
        file.write("\n# no kernel\n")
    assert hashes() == before
    with (copy / "kernels" / edited).open("a") as file:
        file.write("\n# edited\n")
    assert all(now != then for now, then in zip(hashes(), before, strict=True))


def test_all_folders_of_the_kernels_count() -> None:
    root = Path(fastmlp.kernels.__file__).parent
    found = {name for name, _ in sources._files(root, "")}
    assert {"/trainer.py", "/stages/tile.py", "/codegen/cache.py"} <= found
    assert len(found) == sum(1 for _ in root.rglob("*.py"))
