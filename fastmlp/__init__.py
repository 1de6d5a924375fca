"""fastmlp: the fastest way to train a small multi-layer perceptron on a CPU from Python."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from fastmlp import forks as _forks  # noqa: F401 - before slow imports, which forks wait for
from fastmlp import moved as _moved  # noqa: F401 - before anything is unpickled
from fastmlp.version import __version__ as __version__

if TYPE_CHECKING:
    from fastmlp import data, profiling
    from fastmlp.estimators import MLPClassifier as MLPClassifier
    from fastmlp.estimators import MLPRegressor as MLPRegressor
    from fastmlp.estimators import register_skl2onnx as register_skl2onnx
    from fastmlp.estimators.fit_many import fit_many as fit_many
    from fastmlp.history import History
    from fastmlp.network.mlp import MLP
    from fastmlp.tables import TableClassifier as TableClassifier
    from fastmlp.tables import TableEncoder as TableEncoder
    from fastmlp.tables import TableRegressor as TableRegressor
    from fastmlp.tutorial import (
        find_misclassified,
        make_prediction,
        one_hot_encode,
        show_misclassified_example,
    )

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
_HOMES = {
    "MLP": "network.mlp",
    "History": "history",
    # Not in __all__: ``from fastmlp import *`` works without scikit-learn, which these need.
    "MLPClassifier": "estimators",
    "MLPRegressor": "estimators",
    "fit_many": "estimators",
    "register_skl2onnx": "estimators",
    "TableClassifier": "tables",
    "TableEncoder": "tables",
    "TableRegressor": "tables",
    "find_misclassified": "tutorial",
    "make_prediction": "tutorial",
    "one_hot_encode": "tutorial",
    "show_misclassified_example": "tutorial",
}
_MODULES = ("checks", "data", "history", "network", "profiling", "reference", "tutorial")


def __dir__() -> list[str]:
    """List public names, and those of every module, but not what this file imports."""
    dunders = {name for name in globals() if name.startswith("__") and name.endswith("__")}
    return sorted({*__all__, *_HOMES, *dunders})


def _reference_mlp() -> Any:
    """Return `fastmlp.reference.MLP`, for `fastmlp.reference`, which itself imports no network."""
    return importlib.import_module("fastmlp.network.reference_mlp").MLP


if not TYPE_CHECKING:  # with __getattr__, type checkers would accept any name

    def __getattr__(name: str) -> Any:
        """Import what takes time only when it is used."""
        if name in _HOMES:
            value = getattr(importlib.import_module(f"fastmlp.{_HOMES[name]}"), name)
            globals()[name] = value  # so that Python does not ask again
            return value
        if name in _MODULES:
            return importlib.import_module(f"fastmlp.{name}")
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
