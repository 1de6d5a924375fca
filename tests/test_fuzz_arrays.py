"""Arrays of every kind and layout: both engines do the same, and touch nothing beside them."""

from __future__ import annotations

import sys

import fuzz_arrays
import numpy as np
import pytest
from fuzz_seeds import WrongError, run_script

from fastmlp import TableClassifier, TableRegressor

MANY, AT_A_TIME = 20_000, 1000

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no mprotect")


def test_some_arrays() -> None:
    run_script("fuzz_arrays.py", 0, 400)


@pytest.mark.long
@pytest.mark.parametrize("first", range(400, MANY, AT_A_TIME))
def test_many_arrays(first: int) -> None:
    run_script("fuzz_arrays.py", first, min(first + AT_A_TIME, MANY))


def answers(ours, theirs):
    """What both engines say, in place of running them."""
    return lambda self, is_fast: ours if is_fast else theirs


@pytest.mark.parametrize("other", [
    ([np.array([1.0, 2.0 + 1e-9])], [], None), ([np.array([1, 2], "f4")], [], None),
    ([], [], ValueError("no")), ([np.array([1.0, 2.0])], ["UserWarning: odd"], None),
    ([np.array([1.0, np.nan])], [], None),
])  # fmt: skip
def test_what_counts_as_another_answer(monkeypatch, other):
    right = ([np.array([1.0, 2.0])], [], None)
    monkeypatch.setattr(fuzz_arrays.Case, "run", answers(right, right))
    seed = next(s for s in range(99) if not fuzz_arrays.Case(s).optimizer.startswith("adam"))
    assert fuzz_arrays.compared(seed) == "valid"
    monkeypatch.setattr(fuzz_arrays.Case, "run", answers(other, right))
    with pytest.raises(WrongError):
        fuzz_arrays.compared(seed)


def test_a_long_message_is_wrong(monkeypatch):
    said = ([], [], ValueError("no" * 1000))
    monkeypatch.setattr(fuzz_arrays.Case, "run", answers(said, said))
    seed = next(s for s in range(99) if fuzz_arrays.Case(s).front == "MLP")
    with pytest.raises(WrongError, match="no short message"):
        fuzz_arrays.compared(seed)


def test_what_is_no_prediction_of_a_table(monkeypatch):
    seed = next(s for s in range(0, 99, 10) if fuzz_arrays.judged(s) == "valid")
    for kind in (TableClassifier, TableRegressor):
        predict = kind.predict
        monkeypatch.setattr(kind, "predict", lambda self, x, predict=predict: predict(self, x)[:-1])
    with pytest.raises(WrongError, match=r"\(\d+,\) for \d+ rows"):
        fuzz_arrays.judged(seed)
