"""The new names of version 0.1.0's modules and classes, so that its pickles still load."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any

PACKAGE = __name__.partition(".")[0]
HOMES = {
    "divergence": "network.divergence",
    "estimators.labels": "estimators.label_encoding",
    "mlp": "network.mlp",
    "reference.mlp": "network.reference_mlp",
}
RENAMED = {"Labels": "LabelEncoding"}  # classes of moved modules


class _Moved(ModuleType):
    """A stand-in under a module's old name, which imports the new one on first use."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(f"{self.__name__} has moved, and has no {name}")
        home = HOMES[self.__name__.removeprefix(f"{PACKAGE}.")]
        return getattr(importlib.import_module(f"{PACKAGE}.{home}"), RENAMED.get(name, name))


for old in HOMES:
    sys.modules.setdefault(f"{PACKAGE}.{old}", _Moved(f"{PACKAGE}.{old}"))
