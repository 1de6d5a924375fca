"""A pytest plugin: scikit-learn's own tests of its MLPs, run against fastmlp's classes.

``nox -s conformance`` loads it before it collects ``sklearn/neural_network/tests/test_mlp.py`` of
the installed package, which then imports our classes under scikit-learn's names.
"""

from __future__ import annotations

import pytest
import sklearn.neural_network

from fastmlp.estimators import MLPClassifier, MLPRegressor

# What these look at is scikit-learn's own: private attributes.
PRIVATE = (
    "test_adaptive_learning_rate",
    "test_fit",
    "test_gradient",
    "test_learning_rate_warmstart",
    "test_n_iter_no_change",
    "test_n_iter_no_change_inf",
)

sklearn.neural_network.MLPClassifier = MLPClassifier
sklearn.neural_network.MLPRegressor = MLPRegressor


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests of private attributes."""
    private = [item for item in items if item.name in PRIVATE]
    config.hook.pytest_deselected(items=private)
    items[:] = [item for item in items if item.name not in PRIVATE]
