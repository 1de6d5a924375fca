"""Ten minutes of everything: memory does not grow, and nothing is left over.

``FASTMLP_SOAK_SECONDS=100`` makes it shorter.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

SECONDS = float(os.environ.get("FASTMLP_SOAK_SECONDS", "600"))
WARM_UP = min(60.0, SECONDS / 4)  # until allocators and caches have what they keep
MOST = 1.0  # MB a minute
# In each round: fit, predict, save, load, go on, each with another number of rows. Prints lines of
# the seconds so far, MB of memory, open files and threads.
SCRIPT = """
import gc, os, sys, threading, time
from pathlib import Path
import numpy as np
import fastmlp

seconds, page = float(sys.argv[1]), os.sysconf("SC_PAGE_SIZE")
random = np.random.RandomState(0)

def network(n):
    x, y = random.randint(0, 256, (n, 196), np.uint8), np.arange(n) % 10
    model = fastmlp.MLP(196, 32, 10, random_state=0)
    history = model.train(x, y, 3, validation_data=(x[:50], y[:50]), verbose=False)
    model.save("network")
    loaded = fastmlp.MLP.load("network")
    assert np.array_equal(loaded.predict(x), model.predict(x))
    loaded.train(x, y, 2, verbose=False)
    loaded.predict(x[:1])

def estimator(n):
    x, y = random.rand(n, 30), np.arange(n) % 4
    model = fastmlp.MLPClassifier((20,), max_iter=3, tol=0, n_iter_no_change=9, random_state=0)
    model.fit(x, y)
    model.save("estimator")
    loaded = fastmlp.MLPClassifier.load("estimator")
    assert np.array_equal(loaded.predict_proba(x), model.predict_proba(x))
    for _ in range(3):
        loaded.partial_fit(x, y)
    loaded.set_params(warm_start=True).fit(x, y)
    loaded.predict(x[:1])

import warnings
warnings.simplefilter("ignore")
network(1000), estimator(1000)  # compiles
start = time.perf_counter()
while time.perf_counter() - start < seconds:
    n = random.randint(200, 2000)
    network(n), estimator(n)
    gc.collect()
    memory = int(Path("/proc/self/statm").read_text().split()[1]) * page / 1e6
    n_threads = len(os.listdir("/proc/self/task"))
    n_open = len(os.listdir("/proc/self/fd"))
    print(time.perf_counter() - start, memory, n_open, n_threads, flush=True)
"""


@pytest.mark.long
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs Linux's /proc")
def test_memory_does_not_grow(tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(SECONDS)],
        cwd=tmp_path, capture_output=True, text=True, check=False, timeout=2 * SECONDS + 300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    rounds = np.array([line.split() for line in done.stdout.splitlines()], float)
    seconds, memory, n_open, n_threads = rounds[rounds[:, 0] > WARM_UP].T
    assert len(seconds) > 10
    growth = np.polyfit(seconds / 60, memory, 1)[0]
    assert growth < MOST, f"{growth:.2f} MB a minute"
    assert set(n_open) == {n_open[0]}
    assert np.median(n_threads[-10:]) == np.median(n_threads[:10])  # one may just be ending
    assert sorted(path.name for path in tmp_path.iterdir()) == ["estimator", "network"]
