"""What a network is trained on: the names of its parts and their settings."""

from __future__ import annotations

from dataclasses import dataclass

from fastmlp.words import shown


@dataclass(frozen=True)
class Problem:
    """What is trained, but for the sizes and the dtype, which the weights have.

    The defaults are the tutorial's: ReLU, softmax with cross-entropy, plain gradient descent.
    The settings of the optimisers are named and preset as scikit-learn's.

    Parameters
    ----------
    activation : str or tuple of str
        An entry of `fastmlp.reference.ACTIVATIONS`: one for all hidden layers, or one for each.
    loss : str
        An entry of `fastmlp.reference.LOSSES`; it names the output's function too.
    optimizer : str
        An entry of `fastmlp.reference.OPTIMIZERS`.
    momentum : float
        Share of the last movement that is taken again, in [0, 1): momentum and nesterov.
    beta_1, beta_2 : float
        Decay of the means of gradients and of their squares, in [0, 1): adam and adamw.
    epsilon : float
        Added to the root of the mean square, above 0: adam and adamw.
    dropout : float
        Share of the hidden units that a step leaves out, in [0, 1).
    """

    activation: str | tuple[str, ...] = "relu"
    loss: str = "cross_entropy"
    optimizer: str = "sgd"
    momentum: float = 0.9
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8
    dropout: float = 0.0

    def activations(self, n_layers: int) -> tuple[str, ...]:
        """Return the names of the ``n_layers - 1`` hidden layers' activations.

        Raises
        ------
        ValueError
            If there is a name for each hidden layer, and another number of those.
        """
        n_hidden = n_layers - 1
        if isinstance(self.activation, str):
            return (self.activation,) * n_hidden
        if len(self.activation) != n_hidden:
            raise ValueError(
                f"activation is {shown(self.activation)}: give one name for all hidden layers, "
                f"or one for each of {n_hidden}"
            )
        return tuple(self.activation)


TUTORIAL = Problem()
"""What the tutorial trains, and what is meant where nothing is said."""
