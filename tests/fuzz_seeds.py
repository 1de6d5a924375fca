"""Runs random cases by their seeds, in a process of its own: a case can crash it, or hang."""

from __future__ import annotations

import faulthandler
import subprocess
import sys
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path


class WrongError(Exception):
    """A case has led to something else than the documented error or a valid result."""


def run_seeds(name: str, judged: Callable[[int], str], first: int, end: int) -> int:
    """Run the cases of some seeds; print what is wrong with any; return how many that are.

    `judged` returns "valid" or an error's message, or raises for what is wrong.
    """
    faulthandler.enable()
    warnings.simplefilter("error")
    warnings.simplefilter("ignore", DeprecationWarning)  # of old packages, of one another
    n_valid = n_wrong = 0
    for seed in range(first, end):
        print("seed", seed, flush=True)  # the last one, if the process ends here
        try:
            told = judged(seed)
            n_valid += told == "valid"
            if end == first + 1:
                print(told)
        except Exception:
            n_wrong += 1
            print(f"{name}, seed {seed}:", traceback.format_exc(limit=-4), file=sys.stderr)
    print(f"{name}: {end - first} cases, {n_valid} valid, {n_wrong} wrong")
    return n_wrong


def run_script(script: str, *words: object) -> None:
    """Run a script of the tests that calls `run_seeds`, with the seeds as its last two words."""
    command = [sys.executable, str(Path(__file__).with_name(script)), *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=3600)
    if done.returncode:
        told = f"{done.stdout[-200:]}\n{done.stderr[-20_000:]}"
        raise AssertionError(f"to rerun a seed: {' '.join(command[:-2])} SEED\n{told}")
    counts = done.stdout.splitlines()[-1]
    assert ", 0 valid" not in counts, counts
    assert f"{int(words[-1]) - int(words[-2])} valid" not in counts, counts  # type: ignore[call-overload]
