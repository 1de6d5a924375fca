"""Checks single arguments: counts, rates, names, seeds, dtypes, functions."""

from __future__ import annotations

import math
import operator
import os
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from fastmlp.checks.names import nearest
from fastmlp.words import shown

NETWORK_DTYPES = (np.dtype(np.float32), np.dtype(np.float64))
MOST_THREADS = 1024  # or four per core, if that is more; each thread has its own buffers


def as_count(value: object, name: str) -> int:
    """Return `value` as an int of at least 1; errors name the argument."""
    try:
        if isinstance(value, (bool, np.bool_)):
            raise TypeError
        count = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise TypeError(f"{name} is {shown(value)}: give a whole number of at least 1") from None
    if count < 1:
        raise ValueError(f"{name} is {shown(count)}: give a whole number of at least 1")
    return count


def as_threads(n_threads: object, name: str = "n_threads") -> int:
    """Return a number of threads, an int of at least 1 that is not absurdly large."""
    count = as_count(n_threads, name)
    if count <= MOST_THREADS:  # cpu_count takes longer than a layer of a small prediction
        return count
    n_cores = os.cpu_count() or 1
    most = max(MOST_THREADS, 4 * n_cores)
    if count > most:
        raise ValueError(
            f"{name} is {shown(count)}, more than a machine of {n_cores} cores can hold: give "
            f"at most {most}; more than {n_cores} don't make it faster"
        )
    return count


def as_positive(value: object, name: str) -> float:
    """Return `value` as a finite float above 0."""
    return _as_float(value, name, "a finite number above 0", lambda number: number > 0)


def as_input_scale(input_scale: float | None, dtype: np.dtype[Any]) -> float:
    """Return what inputs are divided by, 1 for None; `dtype` must hold it and its inverse."""
    scale = 1.0 if input_scale is None else float(input_scale)
    tiny = float(np.finfo(dtype).tiny)
    if not tiny <= scale <= 1 / tiny:
        raise ValueError(
            f"input_scale is {shown(input_scale)}, out of the range of {dtype}: "
            "give a value closer to 1"
        )
    return scale


def as_share(value: object, name: str) -> float:
    """Return `value` as a float in [0, 1)."""
    return _as_float(value, name, "a number from 0 on, below 1", lambda number: 0 <= number < 1)


def as_name(value: object, name: str, known: Collection[str]) -> str:
    """Return `value` if it is one of the `known` names; the error lists them."""
    if isinstance(value, str) and value in known:
        return str(value)
    message = f"{name} is {shown(value)}: give one of {', '.join(map(repr, known))}"
    if not isinstance(value, str):
        raise TypeError(message)
    meant = nearest(value, known)
    raise ValueError(message if meant is None else f"{message}; did you mean {meant!r}?")


def as_rates(learning_rate: object, lambda_reg: object) -> tuple[float, float]:
    """Return the learning rate and the L2 strength as floats; their product must be below 1."""
    rate = as_positive(learning_rate, "learning_rate")
    wanted = "0 or a finite number above it"
    decay = _as_float(lambda_reg, "lambda_reg", wanted, lambda number: number >= 0)
    if rate * decay >= 1:
        raise ValueError(
            f"learning_rate * lambda_reg is {rate * decay:g}, the share of each weight that a "
            "step removes: make one of them smaller, so that it is below 1"
        )
    return rate, decay


def as_dtype(dtype: DTypeLike | None) -> np.dtype[Any] | None:
    """Return float32 or float64 as a NumPy dtype; None stays None."""
    if dtype is None:
        return None
    try:
        given = np.dtype(dtype)
    except (TypeError, ValueError, SyntaxError):  # SyntaxError for ",float32"
        given = np.dtype(object)
    if given not in NETWORK_DTYPES:
        raise ValueError(f"dtype is {shown(dtype)}: give 'float32' or 'float64'")
    return given


def as_layer_sizes(input_size: object, hidden_size: object, output_size: object) -> tuple[int, ...]:
    """Return every layer's size, input first; `hidden_size` is one size or a sequence of them."""
    hidden: tuple[Any, ...] = (hidden_size,)
    if isinstance(hidden_size, np.ndarray):
        hidden = tuple(np.atleast_1d(hidden_size))
    elif isinstance(hidden_size, Sequence) and not isinstance(hidden_size, str | bytes):
        hidden = tuple(hidden_size)
    if not hidden:
        raise ValueError("hidden_size is empty: give the size of at least one hidden layer")
    return (
        as_count(input_size, "input_size"),
        *(as_count(size, "hidden_size") for size in hidden),
        as_count(output_size, "output_size"),
    )


def as_random_state(random_state: object) -> np.random.RandomState | None:
    """Return a private generator for a seed, the generator itself, or None for NumPy's own."""
    if random_state is None or isinstance(random_state, np.random.RandomState):
        return random_state
    try:
        seed = operator.index(random_state)  # type: ignore[arg-type]
    except TypeError:
        raise TypeError(
            f"random_state is {shown(random_state)}: "
            "give a whole number, a numpy RandomState or None"
        ) from None
    if not 0 <= seed < 2**32:
        raise ValueError(f"random_state is {shown(seed)}: give a seed from 0 to 4294967295")
    return np.random.RandomState(seed)


def as_callables(callbacks: Iterable[Any], name: str) -> list[Callable[..., Any]]:
    """Return `callbacks` as a list of functions."""
    try:
        functions = list(callbacks)
    except TypeError:
        raise TypeError(f"{name} is {shown(callbacks)}: give a list of functions") from None
    for function in functions:
        if not callable(function):
            raise TypeError(
                f"{name} holds {shown(function)}: give functions, callback(epoch, logs)"
            )
    return functions


def _as_float(value: object, name: str, wanted: str, is_valid: Callable[[float], bool]) -> float:
    """Return `value` as a finite float that is valid; the error says what is `wanted`."""
    try:
        if isinstance(value, (bool, np.bool_, str, bytes)):
            raise TypeError
        number = float(value)  # type: ignore[arg-type]
    except OverflowError:
        number = math.inf
    except (TypeError, ValueError):
        raise TypeError(f"{name} is {shown(value)}: give {wanted}") from None
    if not (math.isfinite(number) and is_valid(number)):
        raise ValueError(f"{name} is {shown(value)}: give {wanted}")
    return number
