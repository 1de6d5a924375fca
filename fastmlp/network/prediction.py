"""What both MLP classes predict, and how good that is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastmlp import checks
from fastmlp.engine import Engine
from fastmlp.network.targets import Targets, targets_of
from fastmlp.network.weights import Parameters
from fastmlp.problem import SETTINGS, Problem, problem_of

Array = NDArray[Any]

_settings = attrgetter(*SETTINGS)


class Predictor(Parameters, ABC):
    """Parameters, with the problem that they solve. Attributes are checked by whoever uses them."""

    activation: str | tuple[str, ...]
    loss: str
    input_scale: float | None
    n_threads: int | None
    class_names: tuple[str, ...] | None = None
    feature_names: tuple[str, ...] | None = None

    @property
    @abstractmethod
    def engine(self) -> Engine:
        """The module that trains and predicts."""

    @property
    def problem(self) -> Problem:
        """Activations, loss and optimiser, as the attributes say, checked."""
        return problem_of(_settings(self), len(self.layer_sizes) - 1, self.engine)

    @property
    def n_classes(self) -> int:
        """The size of the output layer."""
        return self.layer_sizes[-1]

    def forward(self, x: ArrayLike) -> tuple[Array, ...]:
        """Return every layer's activations, (a1, a2) with one hidden layer; a2: the outputs.

        Nothing is dropped out here.

        Parameters
        ----------
        x : array_like or SciPy sparse matrix of shape (n_rows, input_size)

        Returns
        -------
        tuple of ndarray of shape (n_rows, n_units)
            In the dtype of the weights.

        Raises
        ------
        TypeError, ValueError
            Where shapes or values make no sense.
        """
        weights, biases = self._check_shapes()
        features = self._check_features(x, weights[0].dtype, "x")
        return tuple(self._activations(weights, biases, features, self.problem))

    def predict_proba(self, x: ArrayLike) -> Array:
        """Return the probability of each class for each row.

        Parameters
        ----------
        x : array_like or SciPy sparse matrix of shape (n_rows, input_size)

        Returns
        -------
        ndarray of shape (n_rows, output_size)
            In the dtype of the weights. With binary cross-entropy, each output's probability of
            being 1.

        Raises
        ------
        TypeError, ValueError
            Where shapes or values make no sense, or the loss is one without probabilities.
        """
        problem = self.problem
        if not targets_of(problem.loss, self.n_classes).has_probabilities:
            raise ValueError(
                f"loss is {self.loss!r}, which has no probabilities: use predict, which returns "
                "the outputs"
            )
        return self._outputs(x, problem)

    def predict(self, x: ArrayLike) -> Array:
        """Return what is predicted for each row.

        Parameters
        ----------
        x : array_like or SciPy sparse matrix of shape (n_rows, input_size)

        Returns
        -------
        ndarray of shape (n_rows,), or (n_rows, output_size)
            With cross-entropy the most probable label of each row, (n_rows,). With binary
            cross-entropy 1 where the probability is above a half, else 0. With other losses the
            outputs themselves. The latter two are (n_rows,) where there is one output.

        Raises
        ------
        TypeError, ValueError
            Where shapes or values make no sense.
        """
        problem = self.problem
        return targets_of(problem.loss, self.n_classes).decide(self._outputs(x, problem))

    def score(self, x: ArrayLike, y: ArrayLike) -> float:
        """Return how good predictions are, 1 at best.

        Parameters
        ----------
        x : array_like or SciPy sparse matrix of shape (n_rows, input_size)
        y : array_like of shape (n_rows,) or (n_rows, output_size)
            Labels, or targets, as `train` takes them.

        Returns
        -------
        float

        Raises
        ------
        TypeError, ValueError
            Where shapes or values make no sense.

        Notes
        -----
        With cross-entropy it is the accuracy, the share of rows whose label is predicted; with
        binary cross-entropy, the share of rows of which all outputs are. With other losses it is
        R^2, averaged over the outputs: 0 for a network that predicts the mean. All are those of
        scikit-learn's ``score``.
        """
        parameters, problem = self._check_shapes(), self.problem
        dtype = parameters[0][0].dtype
        features = self._check_features(x, dtype, "x")
        targets = targets_of(problem.loss, self.n_classes, self.class_names)
        truth = targets.check(y, features.shape[0], dtype, "y")
        return targets.score(self._predicted(*parameters, features, problem), truth)

    def _targets(self) -> Targets:
        return targets_of(self.problem.loss, self.n_classes, self.class_names)

    def _outputs(self, x: ArrayLike, problem: Problem) -> Array:
        """The last layer's outputs for rows as the user has given them."""
        weights, biases = self._check_shapes()
        features = self._check_features(x, weights[0].dtype, "x")
        return self._predicted(weights, biases, features, problem)

    def _outputs_of(self, features: Any) -> Array:
        """The last layer's outputs for rows that have been checked."""
        return self._predicted(*self._check_shapes(), features, self.problem)

    def _predicted(
        self, weights: list[Array], biases: list[Array], features: Any, problem: Problem
    ) -> Array:
        """The last layer's outputs, by parameters that have been checked but for infinities."""
        settings = (*self._check_runtime(), problem)
        found = self.engine.predict(self, weights, biases, features, *settings)
        if not found.has_finite_parameters:
            self._check_finite(weights, biases)  # which raises
        return found.outputs

    def _activations(
        self, weights: list[Array], biases: list[Array], features: Any, problem: Problem
    ) -> list[Array]:
        """Every layer's activations, by such parameters."""
        settings = (*self._check_runtime(), problem)
        activations, is_finite = self.engine.predict_layers(
            self, weights, biases, features, *settings
        )
        if not is_finite:
            self._check_finite(weights, biases)
        return activations

    def _check_runtime(self) -> tuple[float | None, int | None]:
        """Return `input_scale` and `n_threads`."""
        n_threads = self.n_threads
        return self._check_scale(), None if n_threads is None else checks.as_threads(n_threads)

    def _check_scale(self) -> float | None:
        scale = self.input_scale
        return None if scale is None else checks.as_positive(scale, "input_scale")

    def _check_features(self, x: ArrayLike, dtype: np.dtype[Any], name: str) -> Any:
        warn = checks.warn_user
        return self._features_by_name(x, self.feature_names, dtype, name, warn, warn)

    def _features_by_name(
        self,
        x: ArrayLike,
        known: Sequence[str] | None,
        dtype: np.dtype[Any],
        name: str,
        warn: Callable[[str], object],
        warn_of_order: Callable[[str], object],
    ) -> Any:
        """Return features in the order of the `known` names, wherever `x` has names too."""
        order = self._order_of(x, known, name)
        scale = self._check_scale()
        features = checks.as_features(x, self.layer_sizes[0], dtype, scale, name, warn)
        if order is None:
            return features
        warn_of_order(
            f"{name} has its columns in another order than the network was trained on: they are "
            "taken by their names"
        )
        return features.take(order, axis=1)

    def _order_of(self, x: ArrayLike, known: Sequence[str] | None, name: str) -> Any:
        if known is None or (names := checks.names_of(x)) is None:
            return None
        known = checks.as_feature_names(known, self.layer_sizes[0])
        assert known is not None
        try:
            return checks.order_of(names, known)
        except ValueError as error:
            raise ValueError(
                f"{name} {error}: give the columns that the network was trained on, or an array, "
                f"as np.asarray({name}), to go by their places"
            ) from None
