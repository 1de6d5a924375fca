"""What the classes of tables do each in its own way."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from fastmlp.tables.members import Fold, Member

Array = NDArray[Any]


class TableHooks(ABC):
    """How targets are read, and what becomes of the networks' outputs."""

    _unseen: ClassVar[tuple[str, ...]] = ()  # what a fit finds, besides names with an underscore

    @abstractmethod
    def _learn_targets(self, y: Any) -> Array:
        """Learn from `y` what targets there are; return `_encode` of it."""

    @abstractmethod
    def _encode(self, y: Any) -> Array:
        """Return targets as the networks take them, of shape (n_rows,)."""

    @abstractmethod
    def _read(self, outputs: Array) -> Array:
        """Return a network's outputs as they are averaged, of shape (n_rows, n_outputs)."""

    @abstractmethod
    def _averaged(self, outputs: Array, trees: Any, plain: Array) -> Array:
        """Return the average of what `_read` has returned and the trees' predictions."""

    @property
    @abstractmethod
    def _n_network_outputs(self) -> int:
        """How many outputs a network has."""

    @abstractmethod
    def _complete(self, member: Member) -> None:
        """Set what a network of a file needs besides its parameters."""

    @abstractmethod
    def _to_file(self) -> tuple[dict[str, Any], dict[str, Array]]:
        """Return the metadata and arrays that a file holds besides networks and encoder."""

    @abstractmethod
    def _from_file(self, text: dict[str, str], arrays: dict[str, Array]) -> None:
        """Set what `_to_file` has returned, taking its arrays out of `arrays`."""

    @abstractmethod
    def _strata(self, targets: Array) -> Array | None:
        """Return what folds have in equal shares, if anything."""

    @abstractmethod
    def _to_average(self, targets: Array) -> NDArray[np.float64] | None:
        """Return what levels of text have means of, (n_rows, n_targets), if anything."""

    @abstractmethod
    def _member(self) -> Member:
        """Return a network that is not fitted."""

    @abstractmethod
    def _judge(
        self, x: Array, targets: Array, weights: Array | None, folds: list[Fold], has_folds: bool
    ) -> None:
        """Calibrate, and keep out-of-fold predictions with their score, where there are folds."""
