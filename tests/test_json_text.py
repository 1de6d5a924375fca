"""JSON from anywhere: parsed as a whole or refused, in time that goes by its length."""

from __future__ import annotations

import json

import pytest
from time_limit import time_limit

from fastmlp.json_text import DEEPEST, parse

MANY_DIGITS = "1" * 5000


@pytest.mark.parametrize("text", [
    "[" * 100_000, '{"a":' * 100_000, '[[0],"]"' * (DEEPEST + 1), '{"a": 1, "a": 1}',
    '[{"a": {"b": 1, "b": 2}}]', MANY_DIGITS, "", "[1", '"',
])  # fmt: skip
def test_json_that_is_not_parsed(text):
    with pytest.raises(ValueError, match=r".") as caught:
        parse(text)
    assert caught.type is not RecursionError
    assert len(str(caught.value)) < 300


def test_json_that_is_parsed():
    value = {"a": [1, 2.5, None, True, float("inf")], "]{[": '[[\\"[[' * 100, "": {}}
    assert parse(json.dumps(value)) == value
    nested = "[" * DEEPEST + "]" * DEEPEST
    assert json.dumps(parse(nested)) == nested


@pytest.mark.parametrize("text", ['"' + '\\"' * 10**6, '"' * 10**6, '"\\' * 10**6, "[]," * 10**6])
def test_json_is_looked_through_once(text):
    with time_limit(20), pytest.raises(ValueError, match=r"."):  # takes a second at most, or hours
        parse(text)
