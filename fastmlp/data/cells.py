"""What the text in a cell of a table is: a number, a word, or a missing value."""

from __future__ import annotations

from collections.abc import Callable, Iterable

MISSING = frozenset({"", "na", "n/a", "#n/a", "nan", "<na>", "null", "none", "nil", "?", "-"})


def as_number(text: str, decimal: str = ".") -> float | None:
    """Return the number that pandas reads from a text, or None.

    Python's float reads more, such as 1_000.
    """
    if decimal == ",":
        text = text.replace(",", ".")
    try:
        return float(text) if text.isascii() and "_" not in text else None
    except ValueError:
        return None


def is_missing(cell: str) -> bool:
    """Say whether a cell is empty, or says that its value is missing."""
    return cell.strip().lower() in MISSING


def is_text(cells: Iterable[str], number: Callable[[str], float | None] = as_number) -> bool:
    """Say whether most cells of a column, without missing values, are words.

    "true" and "false" are not: pandas and pyarrow have a dtype for them.
    """
    filled = [cell.strip().lower() for cell in cells if not is_missing(cell)]
    words = [cell for cell in filled if number(cell) is None and cell not in ("true", "false")]
    return len(words) > len(filled) / 2


def text_remedy(has_label: bool) -> str:
    """Return what to do about a column of words among the features."""
    label = "" if has_label else ", or name it with --label if it holds the labels"
    return (
        "leave it out, or encode it, as OneHotEncoder does in a Pipeline with MLPClassifier" + label
    )
