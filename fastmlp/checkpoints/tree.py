"""Nested dicts and lists, taken apart into plain JSON and arrays by name, and put together again.

An array's name is its path, ``run/trainer/weights/0``, in which JSON has null.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, unquote

import numpy as np
from numpy.typing import NDArray

from fastmlp.words import shown

Array = NDArray[Any]


def taken_apart(tree: Any) -> tuple[Any, dict[str, Array]]:
    """Return what JSON can hold of a tree, and copies of its arrays.

    Parameters
    ----------
    tree : dict, list, tuple, str, int, float, bool, None, NumPy scalar
        A dict or list may hold arrays, too. Tuples become lists.

    Returns
    -------
    plain : the same without tuples, NumPy scalars and arrays
    arrays : dict of ndarray
        C-contiguous, by their paths.

    Raises
    ------
    TypeError
        If it holds anything else, or a dict's key is no string.
    """
    arrays: dict[str, Array] = {}
    return _plain(tree, [], arrays), arrays


def _plain(node: Any, path: list[str], arrays: dict[str, Array]) -> Any:
    if isinstance(node, np.ndarray) and path and node.dtype.kind in "biuf":
        name = "/".join(path)
        # In the machine's own byte order, as safetensors takes an array's memory as it is.
        arrays[name] = np.array(node, node.dtype.newbyteorder("="), order="C")
        return None
    if isinstance(node, np.bool_ | np.integer | np.floating):
        return node.item()
    if node is None or isinstance(node, str | int | float):
        return node
    if isinstance(node, list | tuple):
        return [_plain(child, [*path, str(i)], arrays) for i, child in enumerate(node)]
    if isinstance(node, dict):
        for key in node:
            if not isinstance(key, str):
                raise TypeError(f"{shown(key)} is a key of a dict, and no string")
        return {
            key: _plain(child, [*path, quote(key, safe="")], arrays) for key, child in node.items()
        }
    raise TypeError(f"{shown(node)} is no number, string, list, dict or array of numbers")


def put_together(plain: Any, arrays: Mapping[str, Array]) -> Any:
    """Return the tree that `taken_apart` was given; it has `plain` in it, changed.

    Raises
    ------
    LookupError, TypeError, ValueError
        If an array has no place in it.
    """
    for name, array in arrays.items():
        *path, last = map(unquote, name.split("/"))
        node = plain
        for key in path:
            node = node[_key(node, key)]
        key = _key(node, last)
        if node[key] is not None:
            raise ValueError(f"the place of the array {shown(name)} is taken")
        node[key] = array
    return plain


def _key(node: Any, key: str) -> Any:
    return int(key) if isinstance(node, list) else key
