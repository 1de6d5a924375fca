"""Dates in text: the forms that are known, and which of them words have."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

import numpy as np

ISO = "%Y-%m-%d"
FORMS = (
    ISO, "%Y/%m/%d", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y", "%d.%m.%Y", "%b %d, %Y",
    "%d %b %Y",
)  # fmt: skip
"""As `pandas.to_datetime` has them. A time of day may follow, and a zone; zeros may be left out."""

_PARTS = {
    "%Y": r"(?P<year>\d{4})", "%m": r"(?P<month>\d\d?)", "%d": r"(?P<day>\d\d?)",
    "%b": r"(?P<name>[a-z]{3,9})",
}  # fmt: skip
_TIME = r"(?:[t ](?P<time>\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?))?(?: ?(?:z|[+-]\d\d:?\d\d))?"
_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september",
    "october", "november", "december",
)  # fmt: skip
_MONTH_OF = {name[:n]: i for i, name in enumerate(_MONTHS, 1) for n in (3, len(name))}


def date_of(word: str, form: str) -> np.datetime64 | None:
    """Return a date or time in microseconds, without its zone; None where it has not this form."""
    found = _pattern(form).fullmatch(word)
    if not found:
        return None
    parts = found.groupdict()
    month = parts.get("month") or _MONTH_OF.get(parts["name"].lower(), 0)
    clock = f"T{parts['time']}" if parts["time"] else ""
    try:
        return np.datetime64(f"{parts['year']}-{int(month):02}-{int(parts['day']):02}{clock}", "us")
    except ValueError:  # there is no such day
        return None


def forms_of(words: Iterable[str]) -> list[str]:
    """Return the forms in which all words are dates: two, if no day is above 12; or none."""
    words = list(words)
    return [
        form for form in FORMS if words and all(date_of(word, form) is not None for word in words)
    ]


@cache
def _pattern(form: str) -> re.Pattern[str]:
    date = re.sub("%[a-zA-Z]", lambda part: _PARTS[part[0]], form.replace(".", r"\."))
    return re.compile(date + _TIME, re.ASCII | re.IGNORECASE)
