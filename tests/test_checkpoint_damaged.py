"""A checkpoint whose state makes no sense is refused by its name; see `fuzz_checkpoints`."""

from __future__ import annotations

import copy
import math
import re

import numpy as np
import pytest
from estimator_tools import quiet
from test_checkpoint_estimators import NAMES, STOPPING, X, make

from fastmlp.checkpoints.file import CheckpointFile


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.ckpt"


@pytest.mark.parametrize("bad", [None, "x", [], {}, -1, math.nan, "array", "arrays"])
def test_a_damaged_state_is_refused(bad, path):
    """Whatever is missing or of another kind, the error names the file, or the fit is valid."""
    quiet(make(**STOPPING | {"max_iter": 2}), X, NAMES, checkpoint=path)
    with CheckpointFile(path, 1.0, True) as file:
        found = file.found["run"]
    bad = {"array": np.zeros(3), "arrays": [np.zeros((2, 2))] * 2}.get(str(bad), bad)
    n_refused = 0
    for name in found["state"]:
        damaged = copy.deepcopy(found)
        damaged["state"][name] = bad
        with CheckpointFile(path, 1.0, False) as file:
            file.put("run", lambda damaged=damaged: damaged)
        model = make(**STOPPING | {"max_iter": 5})
        try:
            quiet(model, X, NAMES, checkpoint=path, resume=True)
        except ValueError as error:
            assert re.search(r"run\.ckpt is|holds", str(error)), name  # noqa: PT017
            n_refused += 1
        else:
            model.predict(X)
    assert n_refused > 10


def test_an_order_of_other_rows_is_refused(path):
    quiet(make(max_iter=2), X, NAMES, checkpoint=path)
    with CheckpointFile(path, 1.0, True) as file:
        found = file.found["run"]
    for order in (found["state"]["order"][:3], np.zeros(len(X), np.uint8)):
        found["state"]["order"] = order
        with CheckpointFile(path, 1.0, False) as file:
            file.put("run", lambda: found)
        with pytest.raises(ValueError, match=r"run\.ckpt is damaged \(the order is one of other"):
            make().fit(X, NAMES, checkpoint=path, resume=True)
