"""Make the pictures of docs/gallery.md again: ``python -m benchmarks.gallery`` runs its code."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "gallery.md"
BLOCK = re.compile(r"^(<!-- not run -->\n)?```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def main() -> None:
    """Run the blocks one after the other where their pictures are kept."""
    folder = PAGE.parent / "pictures"
    folder.mkdir(exist_ok=True)
    names: dict[str, object] = {}
    with contextlib.chdir(folder):
        for not_run, code in BLOCK.findall(PAGE.read_text()):
            if not not_run:
                exec(compile(code, PAGE.name, "exec"), names)
    print(*sorted(folder.iterdir()), sep="\n")


if __name__ == "__main__":
    main()
