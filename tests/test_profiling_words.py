"""What profiles say: that the machine is busy, what would be faster, and themselves."""

from __future__ import annotations

import re
from dataclasses import replace
from html import escape

from profiling_tools import H, made_up

from fastmlp.profiling.advice import advice


def test_a_busy_machine_is_warned_of() -> None:
    profile = made_up()
    assert profile.warning == ""
    busy = replace(profile, machine=replace(profile.machine, busy=0.4))
    assert "seem to take 40 % of the time" in busy.warning
    slow = replace(profile, machine=replace(profile.machine, peak=5e9))
    assert re.search(r"forward 1 seems to run at \d+ % of the peak", slow.warning)
    for one in (busy, slow):
        assert one.notes()[0] == one.warning
        assert one.warning in repr(one)


def test_a_profile_shows_itself() -> None:
    profile = made_up()
    text = repr(profile)
    assert text.startswith("784-64-10, batch 64, float32, 1 thread: 42,000 rows/s\nstage ")
    assert "\ntotal " in text
    assert "Warning" not in text
    html = profile._repr_html_()
    assert html.count("<tr") == 11
    assert "42,000 rows/s" in html
    assert all(escape(note) in html for note in profile.notes())


def test_the_advice_is_about_what_takes_the_time() -> None:
    even = dict.fromkeys(["forward 1", "loss", "update 1", "wait", "outside"], 0.2)
    found = {
        "float32": advice(replace(H, dtype="float64"), even, 0.5),
        "so short": advice(H, even | {"outside": 0.5}, 0.5),
        "one thread": advice(H, even | {"wait": 0.4}, 0.5),
        "larger batches need": advice(H, even | {"update 1": 0.4}, 0.5),
        "of the machine's peak": advice(H, even, 0.7),
        "goes to forward 1": advice(H, even | {"forward 1": 0.25}, 0.5),
    }
    for words, line in found.items():
        assert words in line
    assert made_up().advice.startswith("Advice: ")
