"""Generators of random numbers, which may be of a class of the user's own."""

from __future__ import annotations

from typing import NoReturn

import numpy as np


def is_trusted(random_state: np.random.RandomState) -> bool:
    """Whether a generator is NumPy's own; another one's numbers are to be looked at."""
    return type(random_state) is np.random.RandomState


def refuse(random_state: np.random.RandomState, method: str) -> NoReturn:
    """Raise for a method that has done anything."""
    raise ValueError(
        f"random_state is a {type(random_state).__name__}, whose {method} does not do what that of "
        "np.random.RandomState does: give one of these, or an int"
    )
