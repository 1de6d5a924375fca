"""Improves the TypeError of a call with wrong arguments: it suggests what was meant."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, TypeVar

from fastmlp.checks.names import SHARES_HELD_OUT, letters_of, nearest
from fastmlp.words import shown

S = TypeVar("S")
R = TypeVar("R")
P = ParamSpec("P")


def telling_names(
    other: str,
) -> Callable[[Callable[Concatenate[S, P], R]], Callable[Concatenate[S, P], R]]:
    """Make a method raise a helpful TypeError if it is called with wrong arguments.

    Python's own message names the class that defines the method instead of the one that was called,
    and suggests no remedy.

    Parameters
    ----------
    other : str
        Another method of the class, whose arguments users may have meant.
    """

    def decorate(method: Callable[Concatenate[S, P], R]) -> Callable[Concatenate[S, P], R]:
        signature = inspect.signature(method)

        @functools.wraps(method)
        def checked(self: S, *args: P.args, **kwargs: P.kwargs) -> R:
            try:
                signature.bind(self, *args, **kwargs)
            except TypeError as error:
                kind = type(self)
                called = _called(kind, method.__name__)
                unknown = next((name for name in kwargs if name not in signature.parameters), None)
                if unknown is None:
                    places = ", ".join(_arguments(method, by_place=True))
                    raise TypeError(f"{called}: {error}; by position it takes {places}") from None
                remedy = _remedy(unknown, method, _called(kind, other), getattr(kind, other))
                raise TypeError(
                    f"{called} got an unexpected keyword argument {shown(unknown)}: {remedy}"
                ) from None
            return method(self, *args, **kwargs)

        return checked

    return decorate


def _remedy(unknown: str, method: Any, other: str, other_method: Any) -> str:
    """Suggest what was meant: an argument of the method, or else of the other one."""
    own, others = _arguments(method), _arguments(other_method)
    if letters_of(unknown) in SHARES_HELD_OUT:
        return "give train validation_data=(x, y), rows as fastmlp.data.train_val_split holds out"
    if unknown in others:
        return f"give it to {other}"
    if meant := nearest(unknown, own):
        return f"did you mean {meant}?"
    if meant := nearest(unknown, others):
        return f"did you mean {meant}, of {other}?"
    return f"give some of {', '.join(own)}"


def _arguments(method: Any, by_place: bool = False) -> list[str]:
    _, *parameters = inspect.signature(method).parameters.values()  # the first one is self
    return [p.name for p in parameters if not by_place or p.kind is p.POSITIONAL_OR_KEYWORD]


def _called(kind: type, method: str) -> str:
    return kind.__name__ if method == "__init__" else f"{kind.__name__}.{method}"
