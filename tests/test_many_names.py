"""Many classes with names: no work that grows with their square, no message as long as they are."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from time_limit import time_limit

from fastmlp import MLP, checks
from fastmlp.cli import matching
from fastmlp.data import Dataset
from fastmlp.data.labels import as_classes
from fastmlp.network.model_file import _check_labels, _known_settings
from fastmlp.words import listed, shortened, shown

N = 100_000  # half a second for what is linear, minutes for what is not
WORDS = tuple(f"name {i}" for i in range(N))
SHORT = 400  # letters of a message


def of_a_table() -> None:
    y, names = as_classes(np.array(WORDS, object))
    assert names is not None
    assert [names[label] for label in y[:3]] == list(WORDS[:3])


def of_an_evaluation() -> None:
    network = MLP(1, 1, N)
    network.class_names = WORDS
    data = Dataset(np.zeros((N, 1)), np.arange(N), WORDS[::-1])
    assert matching.labels_for(network, "model", data)[0] == N - 1


def of_numbers_written_as_text() -> None:
    numbers = np.array([str(i) for i in range(N)])
    assert checks.as_labels(numbers, N, N, class_names=WORDS)[-1] == N - 1


@pytest.mark.parametrize(
    "work",
    [
        of_a_table,
        of_an_evaluation,
        of_numbers_written_as_text,
        lambda: checks.as_class_names(WORDS, N),
    ],
)
def test_the_work_grows_with_the_number_of_names(work: Callable[[], object]) -> None:
    with time_limit(10):
        work()


def test_a_call_does_not_search_the_names_for_each_name() -> None:
    network = MLP(1, 1, N, random_state=0)
    network.class_names = WORDS
    with time_limit(10):
        network.predict(np.zeros((1, 1)))


@pytest.mark.parametrize(
    "fault",
    [
        lambda: _check_labels(list(WORDS), N + 1),
        lambda: _check_labels([*WORDS[1:], WORDS[1]], N),
        lambda: _known_settings({"untrained_classes": list(range(N))[::-1]}, N),
        lambda: _known_settings({"untrained_classes": list(WORDS)}, N),
        lambda: _known_settings({"loss": list(WORDS)}, N),
        lambda: _known_settings({"activation": [0, *WORDS]}, N),
        lambda: _known_settings(list(WORDS), N),
        lambda: checks.as_class_names("".join(WORDS), 3),
        lambda: checks.as_class_names(["".join(WORDS)] * 2, 2),
        lambda: checks.as_labels(["".join(WORDS)], 1, 3),
        lambda: checks.as_labels(["x"], 1, N, class_names=["".join(WORDS), *WORDS[1:]]),
        lambda: MLP(1, 1, 1, loss="poisson").train([[1]], [1], class_names=WORDS),
    ],
)
def test_messages_show_a_few_names_and_these_shortened(fault: Callable[[], object]) -> None:
    with pytest.raises((TypeError, ValueError)) as caught:
        fault()
    assert len(str(caught.value)) < SHORT


def test_a_foreign_label_and_what_the_model_knows_are_shortened() -> None:
    network = MLP(1, 1, 2)
    network.class_names = ("a" * N, "b")
    data = Dataset(np.zeros((1, 1)), np.array([0]), ("c" * N,))
    for names in (network.class_names, None):
        network.class_names = names
        with pytest.raises(ValueError, match="holds the label 'cc") as caught:
            matching.labels_for(network, "model", data)
        assert len(str(caught.value)) < SHORT


def test_the_line_that_says_what_was_found_is_short(tmp_path: Path) -> None:
    from fastmlp.data import load

    path = tmp_path / "words.csv"
    rows = "".join(f"{name * 1000},1\n" for name in ("cat", "dog"))
    path.write_text(f"label,a\n{rows}")
    assert len(load(path).found.removeprefix(str(path))) < SHORT


def test_names_in_messages() -> None:
    assert listed([]) == "none"
    assert listed(["a", "b"]) == "a, b"
    assert listed(iter("abcdefg"), 2) == "a, b and 5 more"
    assert listed(["a" * 99]) == shortened("a" * 99)
    assert len(shortened("a" * 99)) == 60
    assert len(shown(json.loads("[[" * 9 + "]]" * 9))) < SHORT
