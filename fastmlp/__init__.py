"""fastmlp: the fastest way to train a small multi-layer perceptron on a CPU from Python."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from fastmlp.history import History
from fastmlp.mlp import MLP
from fastmlp.tutorial import (
    find_misclassified,
    make_prediction,
    one_hot_encode,
    show_misclassified_example,
)

if TYPE_CHECKING:
    from fastmlp import data, profiling

__all__ = [
    "MLP",
    "History",
    "data",
    "find_misclassified",
    "make_prediction",
    "one_hot_encode",
    "profiling",
    "show_misclassified_example",
]


def __getattr__(name: str) -> Any:
    """Look up what costs time to import, or to find out, only when it is asked for."""
    if name in ("data", "profiling"):
        return importlib.import_module(f"fastmlp.{name}")
    if name == "__version__":
        from importlib.metadata import version

        return version("fastmlp")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
