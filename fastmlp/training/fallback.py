"""The parameters that a run which diverges falls back to."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from fastmlp.parameters import Parameters


class Fallback:
    """A copy of parameters as they were when all of them, and the loss, were last finite."""

    def __init__(self, parameters: Parameters) -> None:
        self._parameters, self._copy = parameters, parameters.copy()

    def update(self, loss: float = 0.0) -> bool:
        """Copy the parameters, or bring back the copy; return whether all was finite."""
        all_finite = math.isfinite(loss) and self._parameters.are_finite()
        if all_finite:
            self._copy.assign(self._parameters)
        else:
            self._parameters.assign(self._copy)
        return all_finite

    def state_dict(self) -> dict[str, Any]:
        """Return the copy, for `load_state_dict`."""
        return self._copy._asdict()

    def load_state_dict(self, kept: Mapping[str, Any]) -> None:
        """Go on with another one's copy."""
        self._copy = self._copy.restored(kept)
