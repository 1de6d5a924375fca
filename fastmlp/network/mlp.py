"""The tutorial's class: a network with an engine that trains it and predicts."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from fastmlp import checks, reference
from fastmlp.beside import sole_training
from fastmlp.checkpoints.file import as_file
from fastmlp.docstrings import documented
from fastmlp.engine import Engine
from fastmlp.history import History
from fastmlp.network.by_hand import ByHand
from fastmlp.network.export import ExportMixin
from fastmlp.network.files import FileMixin
from fastmlp.network.summary import SummaryMixin
from fastmlp.network.training import train
from fastmlp.network.weights import draw_parameters
from fastmlp.problem import SETTINGS, Problem, as_problem, differences
from fastmlp.training.callbacks import Callback

LEARNING_RATE = 0.01
RUNTIME = ("dtype", "n_threads", "input_scale")  # arguments that are None by default


@documented()
class MLP(ByHand, FileMixin, ExportMixin, SummaryMixin):
    """A multi-layer perceptron: fully connected layers, trained on mini-batches, compiled.

    The class and its methods are those of a well-known tutorial, and so are the defaults: ReLU,
    softmax with cross-entropy, plain gradient descent.

    Parameters
    ----------
    input_size : int
        Columns of `x`.
    hidden_size : int or sequence of int
        Size of the hidden layer, or of each hidden layer.
    output_size : int
        Number of classes, which are labelled 0..output_size-1, or of values to predict.
    learning_rate : float, default 0.01
        Step size, above 0; 0.001 is usual for adam and adamw. It can be assigned at any time, even
        by a callback.
    activation : str or tuple of str, default 'relu'
        Activation of the hidden layers, one for all or one for each:
        <ACTIVATIONS>
    loss : str, default 'cross_entropy'
        What is minimised. It also determines the output's function.

        <LOSSES>
    optimizer : str, default 'sgd'
        <OPTIMIZERS>
        Unless stated otherwise, L2 (`lambda_reg` of `train`) is part of the gradient.
        Each call of `train` starts with a fresh optimiser state.
    momentum : float, default 0.9
        Share of the previous step that is added to the next, at least 0 and below 1. For momentum
        and nesterov.
    beta_1, beta_2 : float, default 0.9 and 0.999
        Decay of the running means of gradients and of their squares, at least 0 and below 1. For
        adam and adamw.
    epsilon : float, default 1e-8
        Added to the root of the mean square, above 0. For adam and adamw.
    dropout : float, default 0.0
        Share of the hidden units that each step of `train` drops, at least 0 and below 1. The
        others are multiplied by 1 / (1 - dropout); predictions use all units.
    init : {'tutorial', 'he'}, optional
        Standard deviation of the normal distribution that weights are drawn from: 0.01, or sqrt(2 /
        n_in). By default 'tutorial' for one hidden layer and 'he' for more, because deep networks
        hardly learn with 0.01.
    random_state : int or numpy.random.RandomState, optional
        Seed, or generator, of a private random stream for the weights, the order of the rows, and
        dropout. By default all come from NumPy's global generator, which `np.random.seed` seeds.
    dtype : {'float32', 'float64'}, optional
        Type of the arithmetic. By default `train` uses float32 for float32 and uint8 rows, and
        float64 for all others.
    n_threads : int, optional
        Threads for training and prediction; by default, as many as make it faster.
    input_scale : float, optional
        Whole-number inputs (255 is for pixels) and Booleans are divided by it. Floating-point
        inputs never are, but a UserWarning says so if they go far beyond 1. Object cells and
        DataFrames of several types count as whole numbers if one of their cells or columns is an
        integer, and all values are whole.

    Attributes
    ----------
    w1, ..., wL : ndarray of shape (n_in, n_out)
        Weights. Like the biases, they can be read and assigned between calls.
    b1, ..., bL : ndarray of shape (1, n_out)
        Biases, zero at first.
    layer_sizes : tuple of int
        All layer sizes, from input to output.
    history_ : History
        The epochs of the last `train`, even if it was interrupted or diverged.
    class_names : tuple of str or None
        The names of the classes, in order, if `train` was given them; `save` keeps them.
    feature_names : tuple of str or None
        The names of the columns, in order, if the last `train` was given a DataFrame with names;
        `save` keeps them. The columns of other frames are put in this order, with a UserWarning;
        missing and new columns are refused. Arrays, and frames whose names are not strings, go by
        position.
    untrained_classes : tuple of int
        Classes that did not occur in the rows of the last `train`; `save` keeps them.

    Raises
    ------
    TypeError, ValueError
        If an argument is invalid; the message names it and says what is valid.

    Notes ----- `train`, `forward`, `predict`, `predict_proba` and `score` run kernels. What a
    tutorial-style loop calls by hand (`relu`, `softmax`, `compute_loss`, `backward`,
    `update_weights`) is NumPy: such a loop keeps every gradient in an array, which is exactly what
    the kernels avoid, and runs at NumPy's speed. `fastmlp.reference.MLP` is the same class in pure
    NumPy.

    Examples
    --------
    >>> from fastmlp import MLP
    >>> from fastmlp.data import make_digits, train_val_split
    >>> x, y = make_digits(500)
    >>> x_train, y_train, x_val, y_val = train_val_split(x, y)
    >>> mlp = MLP(784, 32, 10, 0.001, optimizer="adam", input_scale=255, random_state=0)
    >>> history = mlp.train(x_train, y_train, epochs=20, verbose=False)
    >>> mlp.predict(x_val).shape
    (100,)
    >>> mlp.score(x_val, y_val) > 0.5
    True
    """

    @property
    def engine(self) -> Engine:
        """The module that trains and predicts: `fastmlp.kernels`."""
        from fastmlp import kernels  # importing numba takes a quarter of a second: only when used

        return kernels

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
        own = self.dtype or np.dtype(np.float64)
        self.parameters = draw_parameters(self.layer_sizes, init, self._random_stream(), own)

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
        verbose: bool | str = True,
        callbacks: Iterable[Callback] = (),
        class_names: Iterable[str] | None = None,
        checkpoint: str | os.PathLike[str] | None = None,
        checkpoint_seconds: float = 1.0,
        resume: bool = False,
    ) -> History:
        """Train on mini-batches, in a new random order in each epoch.

        Parameters
        ----------
        x_train : array_like or SciPy sparse matrix of shape (n_rows, input_size)
            If it is a DataFrame whose column names are distinct strings, they are kept in
            `feature_names`, and the columns of other frames are then matched by name. If the
            network has these names in another order, it keeps its own.
        y_train : array_like of shape (n_rows,) or (n_rows, output_size)
            With cross-entropy, labels (n_rows,): whole numbers in 0..output_size-1, as text too; or
            words from `class_names`. With other losses, a number for each output; (n_rows,) is
            enough for one output. With binary cross-entropy they are between 0 and 1; with
            Poisson's loss, at least 0.
        epochs : int
            Passes over all rows.
        batch_size : int
            Rows per step; the last step of an epoch takes what is left.
        lambda_reg : float
            L2 strength: 0, or more, and below 1 / learning_rate. ``lambda_reg * w`` is added to the
            gradient of each weight, not of biases. With adamw the weights are multiplied by ``1 -
            learning_rate * lambda_reg`` instead (decoupled decay), separately from the gradient.
        validation_data : (x, y), optional
            Rows and targets on which val_loss and val_accuracy are computed after every epoch.
        verbose : bool or 'bar'
            Print a line for each epoch or, with 'bar', show a bar where that is possible: in
            terminals and notebooks.
        callbacks : iterable of callable
            Each is called as ``callback(epoch, logs)`` after every epoch, from 1; `logs` holds the
            columns of `History`, and rows_per_second. Returning True stops the training. A callback
            can read and assign the weights and the learning rate.
        class_names : iterable of str, optional
            A name for each class, in order. Labels can then be these names.
        checkpoint : path-like, optional
            A file that keeps the state of the training while it runs, even within epochs, and holds
            its result at the end. If a callback has a method ``state_dict``, what it returns is
            kept too, for its ``load_state_dict``.
        checkpoint_seconds : float, default 1.0
            Minimum time between two writes; 50 times what the last one took if that is longer.
        resume : bool, default False
            Whether to continue from the checkpoint. The result is identical to that of a training
            that was never interrupted, for any `n_threads`. `epochs` counts all epochs; a training
            that has ended is just loaded. If there is no file, training starts from the beginning,
            with a UserWarning.

        Returns
        -------
        History
            The figures of every epoch.

        Raises
        ------
        TypeError, ValueError
            If an argument is invalid, or differs from that of the training to be continued; the
            message names it. Nothing has been changed then.
        OSError
            If a checkpoint can't be written under that name. If writing fails later on, a
            UserWarning says so.
        DivergenceError
            Both a ValueError and a FloatingPointError, if the loss or a weight is not finite after
            an epoch. The weights are then those of the epoch before, which is the last one in
            `history_`.
        RuntimeError
            If the network is already being trained, by another thread or by the call whose callback
            this is, or another training uses the checkpoint. Predicting meanwhile is allowed.
        KeyboardInterrupt
            On Ctrl-C. The weights are then those of the last complete step, or of the last epoch if
            those are not finite. If nobody watches the epochs, the last 0.1 s may be lost.
        """
        return train(
            self, x_train, y_train, checks.as_count(epochs, "epochs"),
            checks.as_count(batch_size, "batch_size"), lambda_reg, validation_data, verbose,
            checks.as_callables(callbacks, "callbacks"), class_names,
            as_file(checkpoint, checkpoint_seconds, resume),
        )  # fmt: skip
