"""Keeps predictors beside the objects that predict repeatedly: MLPs and estimators.

An object's first call allocates buffers, which takes longer than to predict a few rows. They are
kept as long as the object exists, so its next call is fast.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastmlp.beside import Beside
from fastmlp.engine import Prediction
from fastmlp.kernels.entries.activations import ACTIVATIONS
from fastmlp.kernels.entries.losses import LOSSES
from fastmlp.kernels.inference import Predictor
from fastmlp.kernels.inputs import skips_zeros
from fastmlp.problem import Problem

Array = NDArray[Any]

FEW_ROWS = 128
MOST_WEIGHTS = 2**22  # bytes; with more, predictions take longer than allocating buffers
MOST_KEPT = 2**26  # bytes that may be kept beside an object


class Kept(NamedTuple):
    """A predictor, and the kind of call it is for: empty if it is for a single call."""

    kind: tuple[Any, ...]
    skips: bool
    predictor: Predictor


_kept: Beside[Kept] = Beside()


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
    """Return outputs as `predict_proba` does; buffers are kept for the owner's next call.

    Neither the rows nor the outputs are kept, and parameters are read anew at each call. The owner
    may predict in several threads at once. With `looks`, the kernels also check whether the rows
    are finite. See `fastmlp.reference.predict` for the parameters.
    """
    kept = _take(owner, weights, x, (input_scale, n_threads, problem))
    predictor = kept.predictor
    outputs = predictor(weights, biases, x, as_labels)
    is_finite = looks and predictor.is_finite(x)
    _give_back(owner, kept)
    return Prediction(outputs, predictor.has_finite_parameters, is_finite)


def predict_layers(
    owner: object,
    weights: Sequence[Array],
    biases: Sequence[Array],
    x: Any,
    input_scale: float | None,
    n_threads: int | None,
    problem: Problem,
) -> tuple[list[Array], bool]:
    """Return what `fastmlp.kernels.forward` does; see `predict` for what is kept."""
    kept = _take(owner, weights, x, (input_scale, n_threads, problem))
    activations = kept.predictor.forward(weights, biases, x)
    _give_back(owner, kept)
    return activations, kept.predictor.has_finite_parameters


def _take(
    owner: object,
    weights: Sequence[Array],
    x: Any,
    settings: tuple[float | None, int | None, Problem],
) -> Kept:
    """Return the owner's predictor, or a new one.

    Until `_give_back` returns it, the owner has none, so another thread makes a new one.
    """
    kept = _kept.pop(owner)
    if not isinstance(x, np.ndarray) or sum(w.nbytes for w in weights) > MOST_WEIGHTS:
        return Kept((), False, Predictor(*settings))
    *_, problem = settings
    # The entries themselves, since their names may have been given to others meanwhile.
    entries = (LOSSES[problem.loss], *map(ACTIVATIONS.get, problem.activations(len(weights))))
    kind = (settings, entries, x.dtype, weights[0].dtype, *(w.shape for w in weights))
    if kept is not None and kept.kind != kind:
        kept = None
    # For few rows, looking for zeros would take longer than skipping them saves.
    if kept is not None and len(x) <= FEW_ROWS:
        return kept
    skips = skips_zeros(x)
    if kept is not None and kept.skips == skips:
        return kept
    return Kept(kind, skips, Predictor(*settings, skips, FEW_ROWS))


def _give_back(owner: object, kept: Kept) -> None:
    if kept.kind and kept.predictor.n_bytes <= MOST_KEPT:
        _kept.keep(owner, kept)
