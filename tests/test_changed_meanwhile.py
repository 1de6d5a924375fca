"""Whoever changes data while they are trained on or predicted reaches no memory with it."""

from __future__ import annotations

import pytest
from changing_tools import CHANGES, N_ROWS, run_apart


@pytest.mark.parametrize(
    ("front", "n_threads"),
    [("MLP", 1), ("MLP", 2), ("reference.MLP", 1), ("fit", 1), ("fit", 2), ("lbfgs", 1)],
)
def test_a_callback_changes_nothing_of_the_training(front, n_threads):
    printed = run_apart(f"change_in_callbacks({front!r}, {n_threads})")
    assert printed.splitlines() == list(CHANGES)


@pytest.mark.parametrize("front", ["MLP", "fit", "MLP predict", "fit, predict", "split"])
def test_what_another_thread_changes_after_the_first_look_is_not_seen(front):
    assert "lil rows" in run_apart(f"change_after_the_first_look({front!r})").splitlines()


@pytest.mark.parametrize("number", [10**12, -1, N_ROWS])
def test_an_order_that_holds_no_row_is_refused(number):
    printed = run_apart(f"order_by_rubbish({number})").splitlines()
    assert len(printed) == (7 if number > 0 else 5)
    by_the_engine = f"the order of the rows holds {number}, outside 0..{N_ROWS - 1}: "
    by_the_estimators = "random_state is a Rubbish, whose shuffle does not do what that of "
    for line in printed[:5]:
        assert line.startswith((by_the_engine, by_the_estimators))
    for line in printed[5:]:
        assert line.startswith("random_state is a Rubbish, whose permutation does not do what ")


REFUSALS = [
    "the order of the rows holds 200, outside 0..199",
    "the order of the rows holds -1, outside 0..199",
    "y holds the label 3, outside 0..2",
    "y holds the label -1, outside 0..2",
    "y has shape (199,)",
    "y has shape (200, 2)",
    "x holds the column index 8 in row 0, outside 0..7",
    "x is a broken sparse matrix, indptr leads beyond the indices",
]
REFUSALS_OF_KERNELS = [
    "x holds the column index 8 in row 0, outside 0..7",
    "x has 7 columns",
    *["x is neither a C-contiguous array of uint8, float32 or float64 nor a CSR matrix"] * 2,
    "y has shape (200,)",
]


@pytest.mark.parametrize("engine", ["kernels", "reference"])
def test_engines_check_themselves_what_they_find_their_way_by(engine):
    """And they go on as if they had not been asked."""
    more = REFUSALS_OF_KERNELS if engine == "kernels" else []
    assert run_apart(f"misuse({engine!r})").splitlines() == [*REFUSALS, *more, "True"]
