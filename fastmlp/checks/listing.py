"""Names and values in messages: a few of them, and none that fills the screen."""

from __future__ import annotations

import reprlib
from collections.abc import Iterable
from itertools import islice

LONGEST = 40  # letters of a name that are shown

_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = LONGEST
_SHORT.maxlist = _SHORT.maxtuple = _SHORT.maxdict = 5


def listed(names: Iterable[object], at_most: int = 5, longest: int = LONGEST) -> str:
    """Return names as one short text: ``a, b and 3 more``, or ``none``."""
    rest = iter(names)
    first = [shortened(str(name), longest) for name in islice(rest, at_most)]
    n_more = sum(1 for _ in rest)
    return (", ".join(first) or "none") + f" and {n_more} more" * (n_more > 0)


def shortened(name: str, longest: int = LONGEST) -> str:
    """Return the name, or its first letters and three dots."""
    return name if len(name) <= longest else f"{name[: longest - 3]}..."


def shown(value: object) -> str:
    """Return a value as Python writes it, shortened: of a list, the first values."""
    return _SHORT.repr(value)
