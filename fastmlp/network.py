"""What both MLP classes share: parameters as attributes, checks at the door, the training loop."""

from __future__ import annotations

import os
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from fastmlp import checks
from fastmlp.divergence import DivergenceError, Kept
from fastmlp.history import History
from fastmlp.model_file import Model, read_model, write_model

Array = NDArray[Any]
Callback = Callable[[int, Mapping[str, float]], object]


class Network(ABC):
    """A fully connected network: ReLU after each hidden layer, softmax after the last.

    Parameters
    ----------
    input_size : int
        Columns of `x`.
    hidden_size : int or sequence of int
        Size of the hidden layer, or of each of them.
    output_size : int
        Number of classes, labelled 0..output_size-1.
    learning_rate : float, default 0.01
        Length of a step, above 0. May be assigned at any time, by a callback too.
    random_state : int or numpy.random.RandomState, optional
        Seed, or generator, of a private random stream for the weights and the order of the rows.
        By default both come from NumPy's global generator, `np.random.seed` sets it.
    dtype : {'float32', 'float64'}, optional
        Type of the arithmetic. By default `train` takes float32 for float32 and uint8 rows and
        float64 for all others.
    n_threads : int, optional
        Threads to train and predict with; by default as many as help.
    input_scale : float, optional
        Whole-number inputs are divided by it (255 for pixels), Booleans too; floating-point ones
        never, but a UserWarning says so where they go far beyond 1. Object cells and DataFrames of
        several types count as whole numbers if one of their cells or columns is an integer, and
        all values are whole.

    Attributes
    ----------
    w1, ..., wL : ndarray of shape (n_in, n_out)
        Weights, drawn from a normal distribution with a standard deviation of 0.01.
    b1, ..., bL : ndarray of shape (1, n_out)
        Biases, zero at first. Weights and biases can be read and assigned between calls.
    layer_sizes : tuple of int
        All sizes, input first, output last.
    history_ : History
        The epochs of the last `train`, also of one that was interrupted or diverged.
    class_names : tuple of str or None
        What the classes are called, in their order, if `train` was told; `save` keeps them.
    untrained_classes : tuple of int
        Classes of which the last `train` had no row; `save` keeps them.

    Raises
    ------
    TypeError, ValueError
        Where an argument makes no sense; the message names it.
    """

    w1: Array
    b1: Array
    w2: Array
    b2: Array
    class_names: tuple[str, ...] | None = None
    untrained_classes: tuple[int, ...] = ()

    def __init__(
        self,
        input_size: int,
        hidden_size: int | Sequence[int],
        output_size: int,
        learning_rate: float = 0.01,
        *,
        random_state: int | np.random.RandomState | None = None,
        dtype: DTypeLike | None = None,
        n_threads: int | None = None,
        input_scale: float | None = None,
    ) -> None:
        self.layer_sizes = checks.as_layer_sizes(input_size, hidden_size, output_size)
        self.learning_rate = checks.as_positive(learning_rate, "learning_rate")
        self.random_state = checks.as_random_state(random_state)
        self.dtype = checks.as_dtype(dtype)
        self.n_threads = None if n_threads is None else checks.as_threads(n_threads)
        self.input_scale = (
            None if input_scale is None else checks.as_positive(input_scale, "input_scale")
        )
        self.history_ = History()
        weight_dtype = self.dtype or np.dtype(np.float64)
        draw = self._random_stream().randn
        self._set_parameters(
            [(draw(*shape) * 0.01).astype(weight_dtype) for shape in pairwise(self.layer_sizes)],
            [np.zeros((1, n_out), weight_dtype) for n_out in self.layer_sizes[1:]],
        )

    @property
    @abstractmethod
    def engine(self) -> Any:
        """The module whose Trainer, forward and predict_proba do the work."""

    @property
    def n_classes(self) -> int:
        """The size of the output layer."""
        return self.layer_sizes[-1]

    @property
    def weights(self) -> list[Array]:
        """The attributes w1..wL."""
        return [getattr(self, f"w{layer}") for layer in range(1, len(self.layer_sizes))]

    @property
    def biases(self) -> list[Array]:
        """The attributes b1..bL."""
        return [getattr(self, f"b{layer}") for layer in range(1, len(self.layer_sizes))]

    def train(
        self,
        x_train: ArrayLike,
        y_train: ArrayLike,
        epochs: int = 100,
        batch_size: int = 64,
        *,
        lambda_reg: float = 0.001,
        validation_data: tuple[ArrayLike, ArrayLike] | None = None,
        verbose: bool = True,
        callbacks: Iterable[Callback] = (),
        class_names: Iterable[str] | None = None,
    ) -> History:
        """Train by gradient descent on mini-batches, in an order drawn anew for each epoch.

        Parameters
        ----------
        x_train : array_like or SciPy sparse matrix of shape (n_rows, input_size)
        y_train : array_like of shape (n_rows,)
            Labels, whole numbers in 0..output_size-1, as text too; or words from `class_names`.
        epochs : int
            Passes over all rows.
        batch_size : int
            Rows in a step; an epoch's last step takes what is left.
        lambda_reg : float
            L2 strength: 0, or more, and below 1 / learning_rate.
        validation_data : (x, y), optional
            Rows and labels whose accuracy is taken after every epoch.
        verbose : bool
            Print a line for each epoch.
        callbacks : iterable of callable
            Each is called as ``callback(epoch, logs)`` after every epoch, from 1; `logs` holds
            loss, seconds, rows_per_second and, with validation data, val_accuracy. Returning True
            stops the training. A callback may read and assign weights and learning rate.
        class_names : iterable of str, optional
            A word for each class, in the order of the classes. Labels may then be these words.

        Returns
        -------
        History
            The figures of every epoch.

        Raises
        ------
        TypeError, ValueError
            Where an argument makes no sense; the message names it. Nothing has changed then.
        DivergenceError
            A ValueError and a FloatingPointError, when the loss or a weight is not finite after an
            epoch. The weights are then those after the epoch before, which is `history_`'s last.
        KeyboardInterrupt
            On Ctrl-C; the weights are then those of the last whole step, or of the last epoch if
            those are not finite.
        """
        epochs = checks.as_count(epochs, "epochs")
        batch_size = checks.as_count(batch_size, "batch_size")
        callbacks = checks.as_callables(callbacks, "callbacks")
        learning_rate, lambda_reg = checks.as_rates(self.learning_rate, lambda_reg)
        names = checks.as_class_names(
            self.class_names if class_names is None else class_names, self.n_classes
        )
        warnings: list[str] = []  # about rows and validation rows; the first one stands for both
        x = self._check_features(
            x_train, self.dtype or np.dtype(np.float64), "x_train", warnings.append
        )
        y = checks.as_labels(y_train, x.shape[0], self.n_classes, "y_train", names)
        dtype = self.dtype or np.dtype(np.float64 if x.dtype == np.float64 else np.float32)
        validation = self._check_validation(validation_data, dtype, names, warnings.append)
        weights, biases = self._check_parameters()
        if warnings:
            checks.warn_user(warnings[0])

        # Fresh arrays: an array that the user assigned to w1, or has read from it, never changes.
        weights = [np.array(w, dtype) for w in weights]
        biases = [np.array(b, dtype) for b in biases]
        self._set_parameters(weights, biases)
        self.class_names = names
        self.history_ = History()
        missing = np.flatnonzero(np.bincount(y, minlength=self.n_classes) == 0)
        self.untrained_classes = tuple(missing.tolist())
        kept = Kept([*weights, *biases])
        n_rows = x.shape[0]
        order = np.arange(n_rows)
        with self.engine.Trainer(
            weights,
            biases,
            x,
            y,
            batch_size=min(batch_size, n_rows),
            learning_rate=learning_rate,
            lambda_reg=lambda_reg,
            input_scale=self.input_scale,
            n_threads=self.n_threads,
        ) as trainer:
            for epoch in range(1, epochs + 1):
                start = time.perf_counter()
                order = order[self._random_stream().permutation(n_rows)]
                try:
                    loss = trainer.epoch(order)
                    trainer.export()
                except BaseException:  # an interrupt, maybe in the middle of that export
                    trainer.export()
                    kept.update()
                    raise
                seconds = time.perf_counter() - start
                if not kept.update(loss):
                    raise DivergenceError(epoch, loss, learning_rate)
                logs = {"loss": loss, "seconds": seconds, "rows_per_second": n_rows / seconds}
                if validation is not None:
                    logs["val_accuracy"] = self._accuracy(*validation)
                self.history_.append(logs)
                if verbose:
                    print(_epoch_line(epoch, logs))
                stops = [callback(epoch, logs) for callback in callbacks]
                if any(isinstance(stop, bool | np.bool_) and stop for stop in stops):
                    break
                if callbacks:
                    self._collect_parameters(weights, biases)
                    trainer.load()
                    learning_rate, _ = checks.as_rates(self.learning_rate, lambda_reg)
                    trainer.learning_rate = learning_rate
        return self.history_

    def forward(self, x: ArrayLike) -> tuple[Array, ...]:
        """Return every layer's activations, (a1, a2) with one hidden layer; a2: probabilities."""
        weights, biases = self._check_parameters()
        features = self._check_features(x, weights[0].dtype, "x")
        return tuple(self.engine.forward(weights, biases, features, input_scale=self.input_scale))

    def predict_proba(self, x: ArrayLike) -> Array:
        """Return the probability of each class for each row, (n_rows, output_size)."""
        weights, biases = self._check_parameters()
        features = self._check_features(x, weights[0].dtype, "x")
        return self._probabilities(weights, biases, features)

    def predict(self, x: ArrayLike) -> NDArray[np.intp]:
        """Return the most probable label of each row, (n_rows,)."""
        return np.argmax(self.predict_proba(x), axis=1)

    def score(self, x: ArrayLike, y: ArrayLike) -> float:
        """Return the accuracy: the share of rows, 0 to 1, whose label is predicted."""
        weights, _ = self._check_parameters()
        features = self._check_features(x, weights[0].dtype, "x")
        return self._accuracy(features, self._check_labels(y, features, "y"))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the network to one .safetensors file; see `fastmlp.model_file.write_model`."""
        weights, biases = self._check_parameters()
        names = checks.as_class_names(self.class_names, self.n_classes)
        missing = self.untrained_classes
        settings = {"untrained_classes": missing} if missing else {}
        rate = float(self.learning_rate)
        write_model(Model(weights, biases, rate, self.input_scale, names, settings), path)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Return a network that `save` wrote; see `fastmlp.model_file.read_model`."""
        model = read_model(path)
        n_inputs, *hidden, n_outputs = model.layer_sizes
        network = cls(
            n_inputs,
            hidden,
            n_outputs,
            model.learning_rate,
            dtype=model.weights[0].dtype,
            input_scale=model.input_scale,
            random_state=0,  # its first weights are thrown away: spare NumPy's global generator
        )
        network.random_state = None
        network.class_names = model.class_names
        network.untrained_classes = model.settings.get("untrained_classes", ())
        network._set_parameters(model.weights, model.biases)
        try:
            network._check_parameters()
        except ValueError as error:
            raise ValueError(f"{path} is no model to go on with: {error}") from None
        return network

    def _random_stream(self) -> Any:
        """NumPy's global generator, or the private one."""
        return np.random if self.random_state is None else self.random_state

    def _set_parameters(self, weights: Sequence[Array], biases: Sequence[Array]) -> None:
        for layer, (w, b) in enumerate(zip(weights, biases, strict=True), start=1):
            setattr(self, f"w{layer}", w)
            setattr(self, f"b{layer}", b)

    def _collect_parameters(self, weights: Sequence[Array], biases: Sequence[Array]) -> None:
        """Copy what a callback has assigned to the attributes into the arrays being trained."""
        assigned = self._check_parameters()
        for arrays, values in zip((weights, biases), assigned, strict=True):
            for array, value in zip(arrays, values, strict=True):
                array[...] = value
        self._set_parameters(weights, biases)

    def _probabilities(self, weights: list[Array], biases: list[Array], features: Any) -> Array:
        return self.engine.predict_proba(
            weights, biases, features, input_scale=self.input_scale, n_threads=self.n_threads
        )

    def _accuracy(self, features: Any, labels: NDArray[np.intp]) -> float:
        probabilities = self._probabilities(*self._check_parameters(), features)
        return float(np.mean(np.argmax(probabilities, axis=1) == labels))

    # The user may have assigned anything to the attributes, so each call checks what it uses.

    def _check_parameters(self) -> tuple[list[Array], list[Array]]:
        """Return weights and biases in one dtype, C-contiguous and finite."""
        weights, biases = self._check_layers(self.weights, self.biases)
        checks.as_finite(weights, "w")
        checks.as_finite(biases, "b")
        dtype = self.dtype or np.result_type(*weights, *biases)
        return (
            [np.ascontiguousarray(w, dtype) for w in weights],
            [np.ascontiguousarray(b, dtype) for b in biases],
        )

    def _check_layers(
        self, weights: Sequence[ArrayLike], biases: Sequence[ArrayLike], prefix: str = ""
    ) -> tuple[list[Array], list[Array]]:
        """Return parameters, or with the prefix "d" their gradients, in the layers' shapes."""
        bias_shapes = [(1, n_out) for n_out in self.layer_sizes[1:]]
        return (
            checks.as_layers(weights, list(pairwise(self.layer_sizes)), f"{prefix}w"),
            checks.as_layers(biases, bias_shapes, f"{prefix}b"),
        )

    def _check_features(
        self,
        x: ArrayLike,
        dtype: np.dtype[Any],
        name: str,
        warn: Callable[[str], object] = checks.warn_user,
    ) -> Any:
        return checks.as_features(x, self.layer_sizes[0], dtype, self.input_scale, name, warn)

    def _check_labels(self, y: ArrayLike, rows: Any, name: str) -> NDArray[np.intp]:
        names = checks.as_class_names(self.class_names, self.n_classes)
        return checks.as_labels(y, rows.shape[0], self.n_classes, name, names)

    def _check_validation(
        self,
        validation_data: tuple[ArrayLike, ArrayLike] | None,
        dtype: np.dtype[Any],
        class_names: tuple[str, ...] | None,
        warn: Callable[[str], object],
    ) -> tuple[Any, NDArray[np.intp]] | None:
        if validation_data is None:
            return None
        if not isinstance(validation_data, tuple | list) or len(validation_data) != 2:
            raise TypeError("validation_data is no pair: give (x, y), rows and their labels")
        name = "validation_data"
        x = self._check_features(validation_data[0], dtype, f"{name}[0]", warn)
        y, n_rows = validation_data[1], x.shape[0]
        return x, checks.as_labels(y, n_rows, self.n_classes, f"{name}[1]", class_names)


def _epoch_line(epoch: int, logs: Mapping[str, float]) -> str:
    line = f"Epoch {epoch}, Loss: {logs['loss']}"
    if "val_accuracy" in logs:
        line += f", Validation Accuracy: {logs['val_accuracy'] * 100:.2f}%"
    return line
