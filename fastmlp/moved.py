"""Where modules of version 0.1.0 have gone, for the pickles that it wrote."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any

PACKAGE = __name__.partition(".")[0]
HOMES = {
    "divergence": "network.divergence",
    "mlp": "network.mlp",
    "reference.mlp": "network.reference_mlp",
}


class _Moved(ModuleType):
    """A module under its old name, looked up in its new home when it is asked for something."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(f"{self.__name__} has moved, and has no {name}")
        home = HOMES[self.__name__.removeprefix(f"{PACKAGE}.")]
        return getattr(importlib.import_module(f"{PACKAGE}.{home}"), name)


for old in HOMES:
    sys.modules.setdefault(f"{PACKAGE}.{old}", _Moved(f"{PACKAGE}.{old}"))
