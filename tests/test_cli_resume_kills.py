"""Runs that are killed at random moments, and go on to the same bits."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
from cli_tools import FILES, succeed
from resume_tools import OVERFITTING, check_same, overfitted, program

from fastmlp.cli.run_files import BESIDE
from fastmlp.network.model_file import MODEL_NAME

pytestmark = [
    pytest.mark.skipif(os.name == "nt", reason="signals of POSIX"),
    pytest.mark.usefixtures("in_tmp_path"),
]


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    return overfitted(tmp_path)


def survive(csv: Path, draw: random.Random, *options: object) -> int:
    """Replace a run by another one that is killed time and again; return how often."""
    arguments = ("train", "--data", csv, *OVERFITTING, "--epochs", 400, *options)
    started = time.perf_counter()
    program(*arguments, "--out", "whole").communicate(timeout=120)
    seconds = time.perf_counter() - started
    succeed("train", "--data", csv, "--epochs", 1, "--seed", 999, "--out", "out")
    old = {path.name: path.read_bytes() for path in Path("out").iterdir()}
    n_kills = 0
    while True:
        threads = ("--threads", draw.randint(1, 3))
        if Path("out/unfinished.json").exists():
            process = program("train", "--resume", "out", *threads)
        else:
            process = program(*arguments, "--out", "out", "--overwrite", *threads)
        try:
            process.communicate(timeout=draw.uniform(0.2, 1.2) * seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            n_kills += 1
        found = {path.name: path.read_bytes() for path in Path("out").iterdir() if path.is_file()}
        run_s = found.keys() & {MODEL_NAME, *BESIDE}
        kept = {name for name in run_s if found[name] == old.get(name)}
        assert kept in (set(), run_s), f"of two runs: {kept} of {run_s}"
        assert MODEL_NAME in run_s
        if "run.json" in run_s:
            assert sorted(run_s) == FILES
        if process.returncode == 0:
            break
        assert process.returncode == -signal.SIGKILL
        shutil.rmtree("before", ignore_errors=True)  # to look at where a test fails
        shutil.copytree("out", "before")
    check_same("out", "whole")
    return n_kills


def test_killed_time_and_again_a_run_goes_on_to_the_same_bits(csv: Path) -> None:
    survive(csv, random.Random(0), "--patience", 395)


@pytest.mark.long
@pytest.mark.parametrize(
    "options",
    [
        "--optimizer sgd",
        "--optimizer adam --lr 0.01 --dropout 0.2 --keep best",
        "--optimizer adamw --lr 0.01 --activation tanh,gelu --hidden 16,8",
        "--optimizer nesterov --lr 0.05 --dtype float64",
        "--hidden 300,300 --batch-size 16 --patience 395",
    ],
)
def test_killed_at_many_random_moments(csv: Path, options: str) -> None:
    n_kills = 0
    for seed in range(1000):
        draw = random.Random(f"{options} {seed}")
        n_kills += survive(csv, draw, *options.split(), "--seed", seed)
        for folder in ("out", "whole"):
            shutil.rmtree(folder)
        if n_kills >= 40:
            break
