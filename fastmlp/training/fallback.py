"""The parameters that a run which diverges falls back to."""

from __future__ import annotations

import math

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
