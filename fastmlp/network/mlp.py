"""The compiled network: the reference's formulas, run by the kernels."""

from __future__ import annotations

from fastmlp.docstrings import documented
from fastmlp.engine import Engine
from fastmlp.network.reference_mlp import MLP as ReferenceMLP  # noqa: N811 - a class


@documented()
class MLP(ReferenceMLP):
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
