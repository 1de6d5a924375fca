"""What else a program does costs a fit little: at most 1.3 times the time on one thread alone.

To be run where nothing else does: a core for the fit and one for its neighbour. A fit of 8 epochs
takes 0.1 s, one of 80 a second.
"""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from fastmlp.kernels.runtime import threads
from fastmlp.kernels.runtime.threads import usable_threads

MOST = 1.3  # times slower than one thread that has the machine for itself
WAITS = (
    "some ten times the interpreter's 5 ms, before, between and after stretches: 1.5 to 1.9 times"
)
# Fits alone and beside a neighbour in turn, and prints the seconds of the fastest of each.
SCRIPT = """
import contextlib, sys, threading, time
import numpy as np
from fastmlp import MLP

x, y = np.random.RandomState(0).randint(0, 256, (4000, 784), np.uint8), np.arange(4000) % 10

def seconds(n_threads):
    model = MLP(784, 64, 10, random_state=0, n_threads=n_threads)
    start = time.perf_counter()
    model.train(x, y, int(sys.argv[2]), batch_size=64, verbose=False)
    return time.perf_counter() - start

@contextlib.contextmanager
def python():
    "A thread that never lets go of the interpreter unasked."
    done = []
    def count():
        n = 0
        while not done:
            n += 1
    thread = threading.Thread(target=count)
    thread.start()
    yield
    done.append(None)
    thread.join()

@contextlib.contextmanager
def numpy():
    "Threads of BLAS, which wait for more work for a while."
    a = np.ones((1500, 1500))
    a @ a
    yield

@contextlib.contextmanager
def pytorch():
    import torch
    a = torch.ones(1500, 1500)
    a @ a
    yield

neighbour = globals()[sys.argv[1]]
seconds(1), seconds(None)
alone, beside = [], []
for _ in range(10 if int(sys.argv[2]) < 80 else 5):
    alone.append(seconds(1))
    with neighbour():
        beside.append(seconds(None))
print(min(alone), min(beside))
"""


@pytest.mark.long
@pytest.mark.skipif(usable_threads() < 2, reason="needs two cores")
@pytest.mark.parametrize(
    ("neighbour", "n_epochs"),
    [
        pytest.param("python", 8, marks=pytest.mark.xfail(reason=WAITS, strict=True)),
        ("python", 80),
        ("numpy", 8),
        ("pytorch", 8),
    ],
)
def test_a_neighbour_in_the_process(neighbour: str, n_epochs: int) -> None:
    if neighbour == "pytorch":
        pytest.importorskip("torch")
    left_out = (*threads.ENVIRONMENT, "OPENBLAS_NUM_THREADS")
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, neighbour, str(n_epochs)],
        env={name: text for name, text in os.environ.items() if name not in left_out},
        capture_output=True, text=True, check=False, timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    alone, beside = map(float, done.stdout.split())
    assert beside <= MOST * alone, f"{beside / alone:.2f} times"
