"""The methods of the tutorial's class for those who write the loop themselves."""

from __future__ import annotations

from itertools import chain
from typing import Any

from numpy.typing import ArrayLike

from fastmlp import checks
from fastmlp.network.prediction import Predictions
from fastmlp.network.weights import check_layers
from fastmlp.parameters import Parameters
from fastmlp.reference.activations import relu, relu_derivative
from fastmlp.reference.formulas import Array, backward, scale_inputs
from fastmlp.reference.losses import LOSSES, mean_loss, softmax
from fastmlp.reference.updates import update


class ByHand(Predictions):
    """Loss, gradients and steps in NumPy, a batch at a time."""

    relu = staticmethod(relu)
    relu_derivative = staticmethod(relu_derivative)
    softmax = staticmethod(softmax)

    def compute_loss(self, y_true: ArrayLike, y_pred: ArrayLike) -> float:
        """Return the mean loss of predictions, without L2.

        Parameters
        ----------
        y_true : array_like of shape (n_rows,) or (n_rows, output_size)
            Labels, or targets, as `train` takes them.
        y_pred : array_like of shape (n_rows, output_size)
            What `forward` returned last: with cross-entropy, probabilities.

        Returns
        -------
        float

        Raises
        ------
        TypeError, ValueError
            If shapes or values are invalid.
        """
        targets = self._targets()
        outputs = checks.as_shaped(y_pred, (None, self.n_classes), "y_pred")
        truth = targets.check(y_true, len(outputs), outputs.dtype, "y_true")
        return mean_loss(LOSSES[targets.loss], outputs, truth)

    def backward(
        self, x: ArrayLike, y_true: ArrayLike, a1: ArrayLike, a2: ArrayLike, *deeper: ArrayLike
    ) -> tuple[Array, ...]:
        """Return the gradients of the batch's mean loss, without L2.

        Parameters
        ----------
        x : array_like or SciPy sparse matrix of shape (n_rows, input_size)
        y_true : array_like of shape (n_rows,) or (n_rows, output_size)
            Labels, or targets, as `train` takes them.
        a1, a2, *deeper : array_like of shape (n_rows, n_units)
            What `forward` returned for the same `x`, layer by layer.

        Returns
        -------
        dw1, db1, dw2, db2, ... : ndarray
            Of the shapes of w1, b1, w2, b2, ...

        Raises
        ------
        TypeError, ValueError
            If shapes or values are invalid.
        """
        parameters = self._check_parameters()
        weights, dtype = parameters.weights, parameters.dtype
        features = self._check_features(x, dtype, "x")
        truth = self._targets().check(y_true, features.shape[0], dtype, "y_true")
        shapes = [(len(truth), size) for size in self.layer_sizes[1:]]
        activations = checks.as_layers([a1, a2, *deeper], shapes, "a")
        inputs = scale_inputs(features, dtype, self.input_scale)
        gradients = backward(
            weights, inputs, truth, activations, self.problem, biases=parameters.biases
        )
        return tuple(chain.from_iterable(zip(*gradients, strict=True)))

    def update_weights(
        self,
        dw1: ArrayLike,
        db1: ArrayLike,
        dw2: ArrayLike,
        db2: ArrayLike,
        *deeper: Any,
        lambda_reg: float = 0.001,
    ) -> None:
        """Take a step of plain gradient descent along the gradients that `backward` returned.

        Parameters
        ----------
        dw1, db1, dw2, db2, *deeper : array_like
            Gradients, of the shapes of w1, b1, w2, b2, ...; `lambda_reg` may stand last.
        lambda_reg : float, default 0.001
            L2 strength: ``lambda_reg * w`` is added to each weight's gradient.

        Raises
        ------
        TypeError, ValueError
            If shapes or values are invalid, or the network has dropout or an optimizer other than
            sgd.
        """
        problem = self.problem
        for name, default in (("optimizer", "sgd"), ("dropout", 0.0)):
            if getattr(problem, name) != default:
                raise ValueError(
                    f"{name} is {getattr(problem, name)!r}, and update_weights takes steps of "
                    f"plain gradient descent: use train, or make the network with {name}={default}"
                )
        given = [dw1, db1, dw2, db2, *deeper]
        if len(given) % 2:
            lambda_reg = given.pop()
        rates = checks.as_rates(self.learning_rate, lambda_reg)
        gradients = check_layers(self.layer_sizes, given[::2], given[1::2], "d")
        self.parameters = Parameters(*update(*self._check_parameters(), *gradients, *rates))
