"""The states of random generators, as values that a file can hold."""

from __future__ import annotations

from typing import Any

LARGEST = {"pos": "key", "buffer_pos": "buffer"}  # indices of NumPy's generators, and into what


def state_of(random_state: Any) -> dict[str, Any]:
    """Return the state of a RandomState, or of numpy.random; nothing of None."""
    return {} if random_state is None else random_state.get_state(legacy=False)


def restore(random_state: Any, kept: dict[str, Any]) -> None:
    """Give a generator the state that `state_of` has returned of one of its kind.

    Raises
    ------
    LookupError, TypeError, ValueError
        If it is not one, or damaged.
    """
    if random_state is None:
        return
    for part in (kept, kept["state"]):
        for name, of in LARGEST.items():  # which NumPy takes unchecked
            if name in part and not 0 <= part[name] <= len(part[of]):
                raise ValueError(f"{name} of the random generator is {part[name]}")
    random_state.set_state(kept)
