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
        Size of the hidden layer, or of each of them.
    output_size : int
        Number of classes, labelled 0..output_size-1, or of numbers to predict.
    learning_rate : float, default 0.01
        Length of a step, above 0; for adam and adamw 0.001 is usual. May be assigned at any time,
        by a callback too.
    activation : str or tuple of str, default 'relu'
        What follows each hidden layer, one for all or one for each:
        <ACTIVATIONS>
    loss : str, default 'cross_entropy'
        What is minimised; it names the output's function too.

        <LOSSES>
    optimizer : str, default 'sgd'
        <OPTIMIZERS>
        Where nothing else is said, L2 (`lambda_reg` of `train`) is part of the gradient. A `train`
        starts without memory.
    momentum : float, default 0.9
        Share of the last step that is taken again, from 0 on, below 1: momentum and nesterov.
    beta_1, beta_2 : float, default 0.9 and 0.999
        Decay of the running means of gradients and of their squares, from 0 on, below 1: adam and
        adamw.
    epsilon : float, default 1e-8
        Added to the root of the mean square, above 0: adam and adamw.
    dropout : float, default 0.0
        Share of the hidden units that each step of `train` leaves out, from 0 on, below 1. Those
        that stay count 1 / (1 - dropout) times; predictions use all units.
    init : {'tutorial', 'he'}, optional
        Standard deviation of the normal distribution that weights are drawn from: 0.01, or
        sqrt(2 / n_in). By default tutorial for one hidden layer, and he for more: from 0.01, deep
        networks hardly learn.
    random_state : int or numpy.random.RandomState, optional
        Seed, or generator, of a private random stream for the weights, the order of the rows, and
        dropout. By default all come from NumPy's global generator, `np.random.seed` sets it.
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
        Weights. They and the biases can be read and assigned between calls.
    b1, ..., bL : ndarray of shape (1, n_out)
        Biases, zero at first.
    layer_sizes : tuple of int
        All sizes, input first, output last.
    history_ : History
        The epochs of the last `train`, also of one that was interrupted or diverged.
    class_names : tuple of str or None
        What the classes are called, in their order, if `train` was told; `save` keeps them.
    feature_names : tuple of str or None
        What the columns are called, in their order, if the last `train` was given a DataFrame with
        such names; `save` keeps them. Other frames' columns are put in this order, with a
        UserWarning, and missing or new ones are refused. Arrays, and frames without strings for
        names, go by position.
    untrained_classes : tuple of int
        Classes of which the last `train` had no row; `save` keeps them.

    Raises
    ------
    TypeError, ValueError
        Where an argument makes no sense; the message names it, and says what does.

    Notes
    -----
    `train`, `forward`, `predict`, `predict_proba` and `score` run kernels. What a tutorial-style
    loop calls by hand (`relu`, `softmax`, `compute_loss`, `backward`, `update_weights`) is NumPy:
    such a loop holds every gradient in an array, which is just what the kernels avoid, and lives at
    NumPy's speed anyway. `fastmlp.reference.MLP` is the same class in NumPy throughout.

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
        verbose : bool or 'bar'
            Print a line for each epoch; or show a bar, where that is possible: in terminals and
            notebooks.
        callbacks : iterable of callable
            Each is called as ``callback(epoch, logs)`` after every epoch, from 1; `logs` holds the
            columns of `History`, and rows_per_second. Returning True stops the training. A callback
            may read and assign weights and learning rate.
        class_names : iterable of str, optional
            A word for each class, in the order of the classes. Labels may then be these words.
        checkpoint : path-like, optional
            A file that the training is kept in while it runs, within epochs too, and that holds its
            result at the end. Of a callback it keeps what its method ``state_dict`` returns, for
            its ``load_state_dict``.
        checkpoint_seconds : float, default 1.0
            Time between two writes, at least; 50 times what the last one took if that is more.
        resume : bool, default False
            Whether to go on from the checkpoint: to the bits of a training that was never
            interrupted, with any `n_threads`. `epochs` counts all of them; a training that has
            ended is just read. Without a file it begins anew, with a UserWarning.

        Returns
        -------
        History
            The figures of every epoch.

        Raises
        ------
        TypeError, ValueError
            Where an argument makes no sense, or is not that of the training to go on with; the
            message names it. Nothing has changed then.
        OSError
            If there can be no checkpoint of that name. Where writing fails later on, a UserWarning
            says so.
        DivergenceError
            A ValueError and a FloatingPointError, when the loss or a weight is not finite after an
            epoch. The weights are then those after the epoch before, which is `history_`'s last.
        RuntimeError
            If the network is being trained, by another thread or by the call whose callback this
            is, or another training has the checkpoint. To predict meanwhile is allowed.
        KeyboardInterrupt
            On Ctrl-C; the weights are then those of the last whole step, or of the last epoch if
            those are not finite. Where nobody watches the epochs, the last 0.1 s may be lost.
        """
        return train(
            self, x_train, y_train, checks.as_count(epochs, "epochs"),
            checks.as_count(batch_size, "batch_size"), lambda_reg, validation_data, verbose,
            checks.as_callables(callbacks, "callbacks"), class_names,
            as_file(checkpoint, checkpoint_seconds, resume),
        )  # fmt: skip
