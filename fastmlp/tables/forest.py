"""Boosted trees as arrays, which a file can hold, and which predict without scikit-learn's code."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
DTYPES = {
    "feature": np.int32, "threshold": np.float64, "value": np.float64, "left": np.int32,
    "right": np.int32, "roots": np.int32, "baseline": np.float64, "classes": np.int32,
}  # fmt: skip


class Forest(NamedTuple):
    """The trees of one fold, whose nodes stand one after the other.

    A row goes left where its feature is at most the threshold; a leaf is its own child.

    Attributes
    ----------
    feature, threshold, value, left, right : ndarray of shape (n_nodes,)
        Of each node; children are numbers of nodes. Of inner nodes the value has no meaning.
    roots : ndarray of shape (n_trees,)
        Tree i is of output ``i % n_outputs``.
    baseline : ndarray of shape (n_outputs,)
        What the leaves' values are added to.
    classes : ndarray of shape (n_known,)
        Numbers of the classes that a classifier's trees know; none of a regressor's.
    """

    feature: Array
    threshold: Array
    value: Array
    left: Array
    right: Array
    roots: Array
    baseline: Array
    classes: Array

    @classmethod
    def of(cls, trees: Any) -> Self:
        """Return the trees of one of scikit-learn's HistGradientBoosting estimators."""
        if isinstance(trees, cls):  # of a file
            return trees
        found = [tree.nodes for step in trees._predictors for tree in step]
        starts = np.cumsum([0, *map(len, found)])
        nodes = np.concatenate(found)
        own = np.arange(len(nodes))
        first = np.repeat(starts[:-1], [len(tree) for tree in found])
        is_leaf = nodes["is_leaf"].astype(bool)
        arrays = {
            "feature": np.where(is_leaf, 0, nodes["feature_idx"]),
            "threshold": np.where(is_leaf, 0, nodes["num_threshold"]),
            "value": nodes["value"],
            "left": np.where(is_leaf, own, nodes["left"] + first),
            "right": np.where(is_leaf, own, nodes["right"] + first),
            "roots": starts[:-1],
            "baseline": np.ravel(trees._baseline_prediction),
            "classes": getattr(trees, "classes_", np.empty(0)),
        }
        return cls(**{name: array.astype(DTYPES[name]) for name, array in arrays.items()})

    @classmethod
    def from_file(cls, take: Callable[[str], Array], n_features: int, n_classes: int) -> Self:
        """Return a forest of arrays by name, as a file has them: all are checked.

        Parameters
        ----------
        take : callable
        n_features, n_classes : int
            Columns that `plain` returns, and the classifier's classes, or 0.

        Raises
        ------
        ValueError
            If they make no trees.
        """
        forest = cls(*(take(name) for name in cls._fields))
        n_nodes, n_outputs = len(forest.feature), len(forest.baseline)
        own = np.arange(n_nodes)
        is_leaf = (forest.left == own) & (forest.right == own)
        is_inner = (forest.left > own) & (forest.right > own)  # so that there is no circle
        known = forest.classes
        n_known = len(known)
        if not (
            all(array.dtype == DTYPES[name] for name, array in forest._asdict().items())
            and all(array.ndim == 1 for array in forest)
            and all(len(array) == n_nodes for array in forest[:5])
            and n_outputs
            and len(forest.roots) % n_outputs == 0
            and _are_within(forest.feature, n_features)
            and _are_within(forest.roots, n_nodes)
            and _are_within(np.maximum(forest.left, forest.right), n_nodes)
            and (is_leaf | is_inner).all()
            and np.isfinite(np.concatenate([forest.value, forest.baseline])).all()
            and not np.isnan(forest.threshold).any()
            and _are_within(known, n_classes)
            and len(set(known.tolist())) == n_known
            and n_outputs == (n_known if n_known > 2 else 1)
            and (n_known > 1 if n_classes else n_known == 0)
        ):
            raise ValueError("arrays of trees do not fit together")
        return forest

    def arrays(self) -> Mapping[str, Array]:
        """Return the arrays by name."""
        return self._asdict()

    @property
    def classes_(self) -> Array:
        return self.classes

    def predict(self, x: Array) -> NDArray[np.float64]:
        """Return a regressor's predictions (n_rows,) for what `plain` returns."""
        return self._raw(x)[:, 0]

    def predict_proba(self, x: Array) -> NDArray[np.float64]:
        """Return probabilities (n_rows, n_known) for what `plain` returns."""
        raw = self._raw(x)
        if raw.shape[1] == 1:
            raw = np.hstack([np.zeros_like(raw), raw])
        raw = np.exp(raw - raw.max(axis=1, keepdims=True))
        shares: NDArray[np.float64] = raw / raw.sum(axis=1, keepdims=True)
        return shares

    def _raw(self, x: Array) -> NDArray[np.float64]:
        n_outputs, rows = len(self.baseline), np.arange(len(x))
        raw = np.tile(self.baseline, (len(x), 1))
        for tree, root in enumerate(self.roots):
            place = np.full(len(x), root)
            while True:
                goes_left = x[rows, self.feature[place]] <= self.threshold[place]
                below = np.where(goes_left, self.left[place], self.right[place])
                if np.array_equal(below, place):
                    break
                place = below
            raw[:, tree % n_outputs] += self.value[place]
        return raw


def _are_within(numbers: Array, n: int) -> bool:
    return bool(((numbers >= 0) & (numbers < n)).all())
