"""Predictions of any number of rows, and preparation of rows for training."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from fastmlp.checks.features import has_finite_sum
from fastmlp.engine import Features, Prediction
from fastmlp.problem import TUTORIAL, Problem
from fastmlp.reference.formulas import Array, forward, matmul_bias, scale_inputs

ROWS_PER_BLOCK = 4096  # rows predicted together, so that memory stays small for any number of rows


def read(x: Any, n_epochs: int) -> Features:
    """Return rows as they are: NumPy has no form that is faster to read.

    Parameters
    ----------
    x : ndarray or SciPy CSR of shape (n_rows, n_features)
    n_epochs : int
        Not used; the kernels need it.

    Returns
    -------
    Features
    """
    return Features(x)


def predict_proba(
    weights: Sequence[Array],
    biases: Sequence[Array],
    x: Any,
    input_scale: float | None = None,
    n_threads: int | None = None,
    problem: Problem = TUTORIAL,
) -> Array:
    """Return the outputs for each row: probabilities, if the loss has them.

    Parameters
    ----------
    weights, biases, x, input_scale
        As `forward` takes them.
    n_threads : int, optional
        Not used; the kernels need it.
    problem : Problem

    Returns
    -------
    ndarray of shape (n_rows, n_outputs)
        In the dtype of the weights.
    """
    return np.concatenate(
        [forward(weights, biases, rows, input_scale, problem)[-1] for rows in _blocks(x)]
    )


def predict(
    owner: object,
    weights: Sequence[Array],
    biases: Sequence[Array],
    x: Any,
    input_scale: float | None,
    n_threads: int | None,
    problem: Problem,
    as_labels: bool = False,
    looks: bool = False,
) -> Prediction:
    """Return outputs or labels, and whether the parameters and rows are finite.

    Parameters
    ----------
    owner : object
        The object that predicts. The kernels keep a predictor for it, by a weak reference.
    weights, biases, x, input_scale, n_threads, problem
        As `predict_proba` takes them.
    as_labels : bool
        Return the index of each row's largest logit instead, the first of equal ones: softmax may
        round different logits to equal outputs.
    looks : bool
        Check whether all rows, a dense array, are finite.

    Returns
    -------
    Prediction
    """
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        if as_labels:
            labels = [_labels(weights, biases, rows, input_scale, problem) for rows in _blocks(x)]
            outputs = np.concatenate(labels)
        else:
            outputs = predict_proba(weights, biases, x, input_scale, n_threads, problem)
    return Prediction(outputs, _are_finite(weights, biases), looks and has_finite_sum(x))


def predict_layers(
    owner: object,
    weights: Sequence[Array],
    biases: Sequence[Array],
    x: Any,
    input_scale: float | None,
    n_threads: int | None,
    problem: Problem,
) -> tuple[list[Array], bool]:
    """Return the activations of every layer, and whether all parameters are finite.

    Parameters
    ----------
    owner, weights, biases, x, input_scale, n_threads, problem
        As `predict` takes them.

    Returns
    -------
    activations : list of ndarray of shape (n_rows, n_out)
    is_finite : bool
    """
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        activations = forward(weights, biases, x, input_scale, problem)
    return activations, _are_finite(weights, biases)


def _labels(
    weights: Sequence[Array],
    biases: Sequence[Array],
    x: Any,
    input_scale: float | None,
    problem: Problem,
) -> Array:
    """Return the index of each row's largest logit."""
    inputs = scale_inputs(x, weights[0].dtype, input_scale)
    below = [inputs, *forward(weights, biases, inputs, None, problem)][-2]
    labels: Array = matmul_bias(below, weights[-1], biases[-1]).argmax(axis=1)
    return labels


def _blocks(x: Any) -> Iterator[Any]:
    return (x[start : start + ROWS_PER_BLOCK] for start in range(0, x.shape[0], ROWS_PER_BLOCK))


def _are_finite(weights: Sequence[Array], biases: Sequence[Array]) -> bool:
    return all(np.isfinite(a).all() for a in (*weights, *biases))


def prepare(
    weights: Sequence[Array],
    biases: Sequence[Array],
    x: Any,
    input_scale: float | None = None,
    problem: Problem = TUTORIAL,
) -> None:
    """Do nothing: kernels have to be compiled before the first prediction, NumPy has not.

    Parameters
    ----------
    weights, biases, x, input_scale, problem
        As `predict_proba` takes them.
    """
