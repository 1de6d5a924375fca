"""What both MLP classes share: checks at the door, training, save and load."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from fastmlp import checks, reference
from fastmlp.beside import sole_training
from fastmlp.checks.generators import seed_of
from fastmlp.history import History
from fastmlp.network.model_file import Model, read_model, write_model
from fastmlp.network.prediction import Predictor
from fastmlp.network.targets import Targets, targets_of
from fastmlp.network.training import Validation, line_of, run_epochs
from fastmlp.problem import SETTINGS, Problem, as_problem, differences
from fastmlp.tensors import reason

Array = NDArray[Any]
Callback = Callable[[int, Mapping[str, float]], object]
LEARNING_RATE = 0.01
RUNTIME = ("dtype", "n_threads", "input_scale")  # arguments that are None by default


class Network(Predictor):
    """A fully connected network; see `fastmlp.MLP` for parameters, attributes and errors."""

    untrained_classes: tuple[int, ...] = ()

    @checks.telling_names("train")
    def __init__(
        self,
        input_size: int,
        hidden_size: int | Sequence[int],
        output_size: int,
        learning_rate: float = LEARNING_RATE,
        *,
        activation: str | Sequence[str] = "relu",
        loss: str = "cross_entropy",
        optimizer: str = "sgd",
        momentum: float = 0.9,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        dropout: float = 0.0,
        init: str | None = None,
        random_state: int | np.random.RandomState | None = None,
        dtype: DTypeLike | None = None,
        n_threads: int | None = None,
        input_scale: float | None = None,
    ) -> None:
        self.layer_sizes = checks.as_layer_sizes(input_size, hidden_size, output_size)
        self.learning_rate = checks.as_positive(learning_rate, "learning_rate")
        problem = Problem(
            activation,  # type: ignore[arg-type] # checked now
            loss, optimizer, momentum, beta_1, beta_2, epsilon, dropout,
        )  # fmt: skip
        # The reference's tables: to have the kernels' takes a quarter of a second, for Numba.
        problem = as_problem(problem, len(self.layer_sizes) - 1, reference)
        vars(self).update(vars(problem))
        self.random_state = checks.as_random_state(random_state)
        self.dtype = checks.as_dtype(dtype)
        self.input_scale, self.n_threads = input_scale, n_threads
        self.input_scale, self.n_threads = self._check_runtime()
        self.history_ = History()
        self._draw_parameters(init, self._random_stream())

    def __repr__(self) -> str:
        n_inputs, *hidden, n_outputs = self.layer_sizes
        sizes = hidden[0] if len(hidden) == 1 else tuple(hidden)
        words = [f"{n_inputs}, {sizes}, {n_outputs}"]
        if self.learning_rate != LEARNING_RATE:
            words.append(f"learning_rate={self.learning_rate!r}")
        problem = Problem(*(getattr(self, name) for name in SETTINGS))
        words += [f"{name}={value!r}" for name, value in differences(problem).items()]
        runtime = {name: getattr(self, name) for name in RUNTIME}
        words += [
            f"{name}={str(value) if name == 'dtype' else value!r}"
            for name, value in runtime.items()
            if value is not None
        ]
        return f"{type(self).__name__}({', '.join(words)})"

    @checks.telling_names("__init__")
    @sole_training
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
        """Train on mini-batches, in an order drawn anew for each epoch.

        Parameters
        ----------
        x_train : array_like or SciPy sparse matrix of shape (n_rows, input_size)
            Of a DataFrame whose columns have strings for names, no two alike, they are kept in
            `feature_names`, and other frames' columns then go by name. If the network has these
            names in another order, it keeps its own.
        y_train : array_like of shape (n_rows,) or (n_rows, output_size)
            With cross-entropy, labels (n_rows,): whole numbers in 0..output_size-1, as text too;
            or words from `class_names`. With other losses a number for each output, where (n_rows,)
            will do for one output: 0 or 1, or between, with binary cross-entropy; from 0 on with
            Poisson's loss.
        epochs : int
            Passes over all rows.
        batch_size : int
            Rows in a step; an epoch's last step takes what is left.
        lambda_reg : float
            L2 strength: 0, or more, and below 1 / learning_rate. ``lambda_reg * w`` is added to the
            gradient of each weight, not of biases. With adamw the weights are multiplied by
            ``1 - learning_rate * lambda_reg`` instead (decoupled decay), apart from the gradient.
        validation_data : (x, y), optional
            Rows and targets that val_loss, and val_accuracy, are taken on after every epoch.
        verbose : bool
            Print a line for each epoch.
        callbacks : iterable of callable
            Each is called as ``callback(epoch, logs)`` after every epoch, from 1; `logs` holds the
            columns of `History`, and rows_per_second. Returning True stops the training. A callback
            may read and assign weights and learning rate.
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
        RuntimeError
            If the network is being trained, by another thread or by the call whose callback this
            is. To predict with it meanwhile is allowed.
        KeyboardInterrupt
            On Ctrl-C; the weights are then those of the last whole step, or of the last epoch if
            those are not finite.
        """
        epochs = checks.as_count(epochs, "epochs")
        batch_size = checks.as_count(batch_size, "batch_size")
        callbacks = checks.as_callables(callbacks, "callbacks")
        learning_rate, lambda_reg = checks.as_rates(self.learning_rate, lambda_reg)
        input_scale, n_threads = self._check_runtime()
        problem = self.problem
        names = self.class_names if class_names is None else class_names
        targets = targets_of(problem.loss, self.n_classes, names)
        warnings: list[str] = []  # about rows and validation rows; the first one stands for both
        own = checks.as_dtype(self.dtype)
        orders: list[str] = []  # likewise, about rows whose columns go by their names
        known = checks.as_feature_names(self.feature_names, self.layer_sizes[0])
        features = checks.names_to_keep(checks.names_of(x_train), known)
        x = self._features_by_name(
            x_train, features, own or np.dtype(np.float64), "x_train",
            warnings.append, orders.append,
        )  # fmt: skip
        n_rows = x.shape[0]
        dtype = own or np.dtype(np.float64 if x.dtype == np.float64 else np.float32)
        y = targets.check(y_train, n_rows, dtype, "y_train")
        validation = self._check_validation(
            validation_data, features, dtype, targets, warnings.append, orders.append
        )
        weights, biases = self._check_parameters()
        for message in (*warnings[:1], *orders[:1]):
            checks.warn_user(message)

        # Fresh arrays: an array that the user assigned to w1, or has read from it, never changes.
        weights = [np.array(w, dtype) for w in weights]
        biases = [np.array(b, dtype) for b in biases]
        self._set_parameters(weights, biases)
        self.class_names, self.feature_names = targets.class_names, features
        self.history_ = History()
        self.untrained_classes = targets.untrained(y)
        stream = self._random_stream()
        # Drawn for dropout only, so that other runs' orders stay as they are.
        seed = seed_of(stream) if problem.dropout > 0 else 0
        with self.engine.Trainer(
            weights,
            biases,
            self.engine.read(x, 1 if callbacks else epochs),  # a callback may change the rows
            y,
            problem=problem,
            batch_size=min(batch_size, n_rows),
            learning_rate=learning_rate,
            lambda_reg=lambda_reg,
            input_scale=input_scale,
            n_threads=n_threads,
            seed=seed,
        ) as trainer:
            if validation is not None:
                # Now, so that nothing is left to compile between epochs, or after the last one.
                self.engine.prepare(weights, biases, validation.features, input_scale, problem)
            run = run_epochs(trainer, [*weights, *biases], n_rows, epochs, stream)
            for epoch, logs in enumerate(run, start=1):
                if validation is not None:
                    logs |= validation.figures()
                self.history_.append(logs)
                if verbose:
                    print(line_of(epoch, logs))
                stops = [callback(epoch, logs) for callback in callbacks]
                if any(isinstance(stop, bool | np.bool_) and stop for stop in stops):
                    break
                if callbacks:
                    self._collect_parameters(weights, biases)
                    trainer.load()
                    trainer.learning_rate, _ = checks.as_rates(self.learning_rate, lambda_reg)
        return self.history_

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the network to one file; see `fastmlp.network.model_file.write_model`.

        Parameters
        ----------
        path : str or Path
            Usually ``.safetensors``. A file of that name is replaced, as a whole or not at all.

        Raises
        ------
        OSError
            If the file can't be written.
        TypeError, ValueError
            If an attribute has been assigned that makes no sense.

        Examples
        --------
        >>> from fastmlp import MLP
        >>> MLP(4, 3, 2, random_state=0).save("small.safetensors")
        >>> MLP.load("small.safetensors").layer_sizes
        (4, 3, 2)
        """
        weights, biases = self._check_parameters()
        problem = self.problem
        names = targets_of(problem.loss, self.n_classes, self.class_names).class_names
        settings = differences(problem)
        if self.untrained_classes:
            settings["untrained_classes"] = self.untrained_classes
        rate = checks.as_positive(self.learning_rate, "learning_rate")
        scale = self._check_scale()
        features = checks.as_feature_names(self.feature_names, self.layer_sizes[0])
        write_model(Model(weights, biases, rate, scale, names, settings, features), path)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Return a network that `save` wrote; see `fastmlp.network.model_file.read_model`.

        Parameters
        ----------
        path : str or Path
            The file, or the folder of a run of ``fastmlp train``.

        Returns
        -------
        MLP

        Raises
        ------
        OSError
            If there is no such file, or it can't be read.
        ValueError
            If it is no model file, or is damaged.
        """
        model = read_model(path)
        n_inputs, *hidden, n_outputs = model.layer_sizes
        settings = dict(model.settings)
        untrained = settings.pop("untrained_classes", ())
        try:
            network = cls(
                n_inputs,
                hidden,
                n_outputs,
                model.learning_rate,
                dtype=model.weights[0].dtype,
                input_scale=model.input_scale,
                random_state=0,  # its first weights are thrown away: spare NumPy's global generator
                **settings,
            )
            network._set_parameters(model.weights, model.biases)
            network._check_parameters()
            targets_of(network.problem.loss, network.n_classes, model.class_names)
        except (TypeError, ValueError) as error:
            raise ValueError(f"{path} is no model to go on with: {reason(error)}") from None
        network.random_state = None
        network.class_names, network.feature_names = model.class_names, model.feature_names
        network.untrained_classes = untrained
        return network

    def _random_stream(self) -> Any:
        """NumPy's global generator, or the private one."""
        return np.random if self.random_state is None else self.random_state

    def _collect_parameters(self, weights: Sequence[Array], biases: Sequence[Array]) -> None:
        """Copy what a callback has assigned to the attributes into the arrays being trained."""
        assigned = self._check_parameters()
        for arrays, values in zip((weights, biases), assigned, strict=True):
            for array, value in zip(arrays, values, strict=True):
                array[...] = value
        self._set_parameters(weights, biases)

    def _check_validation(
        self,
        validation_data: tuple[ArrayLike, ArrayLike] | None,
        feature_names: Sequence[str] | None,
        dtype: np.dtype[Any],
        targets: Targets,
        warn: Callable[[str], object],
        warn_of_order: Callable[[str], object],
    ) -> Validation | None:
        if validation_data is None:
            return None
        if not isinstance(validation_data, tuple | list) or len(validation_data) != 2:
            raise TypeError("validation_data is no pair: give (x, y), rows and their targets")
        name = "validation_data"
        x = self._features_by_name(
            validation_data[0], feature_names, dtype, f"{name}[0]", warn, warn_of_order
        )
        y = targets.check(validation_data[1], x.shape[0], dtype, f"{name}[1]")
        return Validation(x, y, targets, self._outputs_of)
