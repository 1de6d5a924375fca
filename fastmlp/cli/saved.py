"""The networks in the file of a model, whichever class has saved it."""

from __future__ import annotations

from typing import Any

import fastmlp
from fastmlp.cli.table_model import table_model
from fastmlp.cli.table_notes import file_of
from fastmlp.tensors import metadata_of

OF_ESTIMATOR = "fastmlp-estimator"  # see fastmlp.estimators.storage


def networks_of(model: str) -> list[Any]:
    """Return a model's networks: one `MLP` or estimator, or the members of a table's model."""
    if (table := table_model(model)) is not None:
        return list(table.estimator.members_)
    file = file_of(model)
    text = metadata_of(file) if file.is_file() else {}
    if text.get("format") != OF_ESTIMATOR:
        return [fastmlp.MLP.load(model)]
    from fastmlp import estimators

    is_classifier = text.get("estimator") == "MLPClassifier"
    kind = estimators.MLPClassifier if is_classifier else estimators.MLPRegressor
    return [kind.load(file)]
