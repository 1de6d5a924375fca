"""What a network predicts, and how good that is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastmlp import checks
from fastmlp.engine import Engine
from fastmlp.history import History
from fastmlp.network.targets import Targets, targets_of
from fastmlp.network.weights import check_finite, check_layers, names_of
from fastmlp.parameters import Parameters
from fastmlp.problem import SETTINGS, Problem, problem_of

Array = NDArray[Any]

_settings = attrgetter(*SETTINGS)


class Predictions(ABC):
    """Predictions by the attributes, which the user may have assigned: each call checks them."""

    w1: Array
    b1: Array
    w2: Array
    b2: Array
    layer_sizes: tuple[int, ...]
    learning_rate: float
    activation: str | tuple[str, ...]
    loss: str
    dtype: np.dtype[Any] | None
    input_scale: float | None
    n_threads: int | None
    class_names: tuple[str, ...] | None = None
    feature_names: tuple[str, ...] | None = None
    untrained_classes: tuple[int, ...] = ()
    random_state: Any
    history_: History

    @property
    @abstractmethod
    def engine(self) -> Engine:
        """The module that trains and predicts."""

    @property
    def weights(self) -> list[Array]:
        """The attributes w1..wL."""
        return [getattr(self, name) for name in names_of("w", len(self.layer_sizes) - 1)]

    @property
    def biases(self) -> list[Array]:
        """The attributes b1..bL."""
        return [getattr(self, name) for name in names_of("b", len(self.layer_sizes) - 1)]

    @property
    def parameters(self) -> Parameters:
        """The attributes w1..wL and b1..bL, as they are; to assign them assigns those."""
        return Parameters(self.weights, self.biases)

    @parameters.setter
    def parameters(self, parameters: Parameters) -> None:
        for layer, (w, b) in enumerate(zip(*parameters, strict=True), start=1):
            setattr(self, f"w{layer}", w)
            setattr(self, f"b{layer}", b)

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
            If shapes or values are invalid.
        """
        parameters = self._check_shapes()
        features = self._check_features(x, parameters.dtype, "x")
        activations, is_finite = self.engine.predict_layers(
            self, *parameters, features, *self._check_runtime(), self.problem
        )
        if not is_finite:
            check_finite(parameters)  # which raises
        return tuple(activations)

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
            If shapes or values are invalid, or the loss has no probabilities.
        """
        problem = self.problem
        if not targets_of(problem.loss, self.n_classes).has_probabilities:
            raise ValueError(
                f"loss is {self.loss!r}, which has no probabilities: use predict, which returns "
                "the outputs"
            )
        return self._outputs(x, problem)

    def predict(self, x: ArrayLike) -> Array:
        """Return the prediction for each row.

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
            If shapes or values are invalid.
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
            If shapes or values are invalid.

        Notes ----- With cross-entropy it is the accuracy, the share of rows whose label is
        predicted correctly; with binary cross-entropy, the share of rows for which all outputs are.
        With other losses it is R^2, averaged over the outputs, which is 0 for a network that
        predicts the mean. All of them are defined as in scikit-learn's ``score``.
        """
        parameters, problem = self._check_shapes(), self.problem
        dtype = parameters.dtype
        features = self._check_features(x, dtype, "x")
        targets = targets_of(problem.loss, self.n_classes, self.class_names)
        truth = targets.check(y, features.shape[0], dtype, "y")
        return targets.score(self._predicted(parameters, features, problem), truth)

    def _targets(self) -> Targets:
        return targets_of(self.problem.loss, self.n_classes, self.class_names)

    def _outputs(self, x: ArrayLike, problem: Problem) -> Array:
        """The last layer's outputs for rows as the user has given them."""
        parameters = self._check_shapes()
        features = self._check_features(x, parameters.dtype, "x")
        return self._predicted(parameters, features, problem)

    def _outputs_of(self, features: Any) -> Array:
        """The last layer's outputs for rows that have been checked."""
        return self._predicted(self._check_shapes(), features, self.problem)

    def _predicted(self, parameters: Parameters, features: Any, problem: Problem) -> Array:
        """The last layer's outputs, by parameters that have been checked but for infinities."""
        found = self.engine.predict(self, *parameters, features, *self._check_runtime(), problem)
        if not found.has_finite_parameters:
            check_finite(parameters)  # which raises
        return found.outputs

    def _check_parameters(self) -> Parameters:
        """Return the parameters in one dtype, C-contiguous and finite."""
        parameters = self._check_shapes()
        check_finite(parameters)
        return parameters

    def _check_shapes(self) -> Parameters:
        """Return the parameters in one dtype and C-contiguous; they may not be finite."""
        weights, biases = check_layers(self.layer_sizes, self.weights, self.biases)
        dtype = checks.as_dtype(self.dtype) or np.result_type(*weights, *biases)
        return Parameters(
            [np.ascontiguousarray(w, dtype) for w in weights],
            [np.ascontiguousarray(b, dtype) for b in biases],
        )

    def _random_stream(self) -> Any:
        """NumPy's global generator, or the private one."""
        return np.random if self.random_state is None else self.random_state

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
