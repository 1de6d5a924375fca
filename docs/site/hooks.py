"""What mkdocs needs beside its configuration: pages from outside of docs/, and optional ones.

The site is flat: README.md (as index.md), its neighbours and the benchmarks' pictures lie beside
the pages of docs/. Links, which lead through the repository's folders, are shortened accordingly.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[2]
OUTSIDE = {
    "index.md": "README.md",
    **{name: name for name in ("CHANGES.md", "CONTRIBUTING.md", "SECURITY.md", "LICENSE")},
    **{
        path.relative_to(ROOT).as_posix(): path.relative_to(ROOT).as_posix()
        for pattern in ("pictures/*.png", "tables/*.py")
        for path in sorted((ROOT / "benchmarks").glob(pattern))
    },
}
LINK = re.compile(r"(\]\(|(?:src|srcset|href)=\")(?:\.\./|docs/)")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put the notebooks into the menu, if there are any."""
    docs = Path(config.docs_dir)
    notebooks = sorted(path.relative_to(docs).as_posix() for path in docs.glob("notebooks/*.ipynb"))
    config.nav = list(_menu(config.nav or [], docs, notebooks))
    return config


def _menu(entries: list[Any], docs: Path, notebooks: list[str]) -> Any:
    for entry in entries:
        ((title, target),) = entry.items()
        if isinstance(target, list):
            yield {title: list(_menu(target, docs, notebooks))}
        elif target == "notebooks":
            if notebooks:
                yield {title: notebooks}
        else:
            yield entry


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Lay what is outside of docs/ beside its pages."""
    for place, source in OUTSIDE.items():
        files.append(File.generated(config, place, abs_src_path=str(ROOT / source)))
    return files


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Shorten links between the repository's root and docs/, where all is flat here."""
    if "/" in page.file.src_uri:
        return markdown
    return LINK.sub(r"\1", markdown).replace("](README.md", "](index.md")
