"""The setting `callbacks`, and scikit-learn's own callbacks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastmlp.estimators import hyperparameters
from fastmlp.estimators.part import Part
from fastmlp.training.callbacks import Callbacks


class EstimatorCallbacks(Callbacks):
    """The setting `callbacks`, and scikit-learn's callbacks, which hear of the whole fit, too.

    Parameters
    ----------
    estimator : MLPClassifier or MLPRegressor
    part : Part
        The rows, which they are shown as the user has given them.
    max_epochs : int
    """

    def __init__(self, estimator: Any, part: Part, max_epochs: int) -> None:
        super().__init__(hyperparameters.callables(estimator))
        self._estimator = estimator
        self._context: Any = None
        has_callbacks = bool(getattr(estimator, "_skl_callbacks", None))
        self.is_empty &= not has_callbacks
        if has_callbacks or hasattr(estimator, "_parent_callback_ctx"):
            given = part.as_given()
            weights = given[2]
            metadata = None if weights is None else {"sample_weight": weights}
            self._rows = {"X": given[0], "y": given[1], "metadata": metadata}
            self._context = estimator._init_callback_context(max_subtasks=max_epochs)
            self._context.call_on_fit_task_begin(estimator=estimator, **self._rows)
        self._epoch: Any = None
        self._tells_epochs = has_callbacks

    def begin_epoch(self) -> None:
        if self._tells_epochs:
            self._epoch = self._context.subcontext(task_name="epoch")
            self._epoch.call_on_fit_task_begin(
                estimator=self._estimator, **self._rows, reconstruction_attributes=self._fitted
            )

    def end_epoch(self, epoch: int, logs: Mapping[str, float]) -> bool:
        stop = super().end_epoch(epoch, logs)
        if self._tells_epochs:
            stop |= self._epoch.call_on_fit_task_end(
                estimator=self._estimator, **self._rows, reconstruction_attributes=self._fitted
            )
        return stop

    def _listeners(self) -> list[Any]:
        return [*super()._listeners(), *(getattr(self._estimator, "_skl_callbacks", None) or ())]

    def end(self) -> None:
        """To be called when the estimator is fitted."""
        if self._context is not None:
            self._context.call_on_fit_task_end(
                estimator=self._estimator, **self._rows, reconstruction_attributes=self._fitted
            )

    def _fitted(self) -> dict[str, Any]:
        estimator = self._estimator
        return {
            "coefs_": [w.copy() for w in estimator.coefs_],
            "intercepts_": [b.copy() for b in estimator.intercepts_],
        }
