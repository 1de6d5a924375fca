"""Formats untrusted values and names for messages: short, and harmless to terminals."""

from __future__ import annotations

import re
import reprlib
from collections.abc import Iterable
from itertools import islice

LONGEST_VALUE, LONGEST_NAME = 200, 60  # characters
# Control characters such as ESC; line and paragraph separators; marks that change the direction of
# writing.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")

_brief = reprlib.Repr()
_brief.maxlevel = 3
_brief.maxstring = _brief.maxother = LONGEST_VALUE


def shown(value: object) -> str:
    """Return ``repr(value)`` for a message: on one line, and short, whatever the value is.

    Examples
    --------
    >>> shown("relu"), shown(list(range(1000)))
    ("'relu'", '[0, 1, 2, 3, 4, 5, ...]')
    """
    try:
        text = _brief.repr(value)
    except Exception:  # for example of an int with more digits than Python prints
        text = f"<{type(value).__name__}>"
    if "\n" in text:  # from arrays and frames; in strings it is escaped
        text = " ".join(text.split())
    return shortened(text, LONGEST_VALUE)


def encodable(name: str) -> str:
    r"""Return a name as text that can be encoded as UTF-8.

    Bytes of a file name that are not UTF-8, which Python represents as surrogates, become ``\xe9``
    and the like.
    """
    try:
        name.encode()
    except UnicodeEncodeError:
        try:
            return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
        except UnicodeEncodeError:  # surrogates that stand for no bytes
            return name.encode("utf-8", "backslashreplace").decode()
    return name


def printable(text: str) -> str:
    r"""Return `text` with all that a terminal would interpret, or can't show, escaped.

    Examples
    --------
    >>> print(printable("plain, \x1b[31mred"))
    plain, \x1b[31mred
    """
    text = encodable(text)
    return _UNPRINTABLE.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def listed(names: Iterable[object], at_most: int = 5, longest: int = LONGEST_NAME) -> str:
    """Return the first names for a message, each shortened, and how many more there are.

    Examples
    --------
    >>> listed("abcdefg"), listed([])
    ('a, b, c, d, e and 2 more', 'none')
    """
    rest = iter(names)
    first = [shortened(str(name), longest) for name in islice(rest, at_most)]
    n_more = sum(1 for _ in rest)
    return (", ".join(first) or "none") + f" and {n_more} more" * (n_more > 0)


def counted(n: int, noun: str) -> str:
    """Return a count with its noun, in the plural unless the count is 1.

    Examples
    --------
    >>> counted(1, "class"), counted(2000, "row")
    ('1 class', '2,000 rows')
    """
    plural = noun + ("es" if noun.endswith("s") else "s")
    return f"{n:,} {noun if n == 1 else plural}"


def shortened(text: str, length: int = LONGEST_NAME) -> str:
    """Return `text`; if it is longer than `length`, "[...]" replaces its middle.

    Examples
    --------
    >>> shortened("a" * 50 + "b" * 50, 20)
    'aaaaaaaa [...] bbbbb'
    """
    if len(text) <= length:
        return text
    mark = " [...] "
    tail = (length - len(mark)) * 2 // 5  # the beginning says more than the end
    return text[: length - len(mark) - tail] + mark + text[-tail:]
