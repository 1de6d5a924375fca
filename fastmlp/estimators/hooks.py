"""What the classes do each in its own way."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from fastmlp.engine import Engine, Trainer
from fastmlp.estimators import compiled
from fastmlp.estimators.stochastic import schedule_of
from fastmlp.training.epochs import Draw, shuffled, unchanged
from fastmlp.training.schedules import Schedule

Array = NDArray[Any]


class Hooks(ABC):
    """How targets are read, encoded and scored; what a run may do otherwise."""

    learning_rate: str
    shuffle: bool

    _l2_by_rows: ClassVar[bool] = True  # as scikit-learn divides alpha
    _with_penalty: ClassVar[bool] = True  # in the loss, as scikit-learn has it
    _says_at_max_iter: ClassVar[bool] = True  # warns where no epoch was found to be the last

    @property
    def _engine(self) -> Engine:
        """The module that trains and predicts: `fastmlp.kernels`."""
        return compiled.engine()

    @property
    def _new_trainer(self) -> Callable[..., Trainer]:
        """Makes the trainers of stochastic runs, as `Engine.Trainer` does."""
        return self._engine.Trainer

    @property
    def _draw_order(self) -> Draw:
        """Draws the order of an epoch's rows from the last one."""
        return shuffled if self.shuffle else unchanged

    @property
    def _plans_epochs(self) -> bool:
        """Whether the schedule goes by the number of all epochs."""
        return self.learning_rate == "cosine"

    def _schedule(self, rate: float, n_steps: int) -> Schedule:
        """Return the schedule of a run of `n_steps` steps an epoch; 'adaptive' starts at `rate`."""
        return schedule_of(self, rate, n_steps)

    _y_rules: ClassVar[dict[str, Any]] = {}

    @abstractmethod
    def _encode_first(self, y: Any, is_partial: bool) -> Array:
        """Learn from `y` what targets there are, or check them; return `_encode` of it."""

    @abstractmethod
    def _encode(self, y: Any) -> Array:
        """Return checked targets as numbers, a row each."""

    @abstractmethod
    def _targets(self, encoded: Array, dtype: np.dtype[Any]) -> Array:
        """Return what the engine takes for targets."""

    @abstractmethod
    def _loss_name(self) -> str:
        """Return the name of the loss that is trained."""

    @abstractmethod
    def _score_outputs(self, outputs: Array, encoded: Array, weights: Array | None) -> float:
        """Return the score of the network's outputs, as the method `score` has it."""

    def _learn_class_weight(self, encoded: Array, is_partial: bool) -> Array | None:
        """Return what `_by_class` is to go by, if classes have weights."""
        return None

    def _by_class(self, class_weights: Array, encoded: Array) -> Array:
        """Return a weight for each row, by what it is."""
        raise NotImplementedError

    def _strata(self, encoded: Array) -> Array | None:
        """Return what a split has to keep the shares of, if anything."""
        return None
