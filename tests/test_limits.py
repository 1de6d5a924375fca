"""Limits that the system or another library sets a process: real ones, in processes of their own.

tests/test_threads.py has the rest, on a machine that is made up.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fastmlp.kernels.runtime import threads
from fastmlp.kernels.runtime.threads import usable_threads

# Fits, and prints how many threads may be used, and those numbers that some stretch has used.
FIT = """
import numpy as np
from fastmlp import MLP, kernels
from fastmlp.kernels.runtime.threads import usable_threads

def used():
    found = set()
    run_part = kernels.Trainer._run_part

    def watched(trainer, thread, n_threads, *steps):
        found.add(n_threads)
        return run_part(trainer, thread, n_threads, *steps)

    kernels.Trainer._run_part = watched
    x, y = np.random.RandomState(0).rand(2000, 200), np.arange(2000) % 10
    MLP(200, 100, 10, random_state=0).train(x, y, 200, batch_size=100, verbose=False)
    return usable_threads(), *sorted(found)
"""
HERE = FIT + "print(*used())"
IN_LOKY = (
    FIT
    + """
import joblib
print(*joblib.Parallel(n_jobs=2, backend="loky")([joblib.delayed(used)()])[0])
"""
)
pytestmark = pytest.mark.skipif(
    not hasattr(os, "sched_setaffinity") or usable_threads() < 2, reason="needs Linux and two cores"
)


def run(script: str, before: str = "") -> list[int]:
    """What a script prints, in a process that first does what `before` says."""
    done = subprocess.run(
        [sys.executable, "-c", before + script],
        env={name: text for name, text in os.environ.items() if name not in threads.ENVIRONMENT},
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return [int(word) for word in done.stdout.split()]


def test_a_process_without_limits_tries_several_threads() -> None:
    """Else the other tests here would show nothing."""
    # Also where other programs leave too little time for a trial.
    may, *used = run(HERE, "from fastmlp.kernels.runtime import autotune\nautotune.TOO_IDLE = 0\n")
    assert may > 1
    assert max(used) > 1


def test_one_core_as_by_taskset() -> None:
    before = "import os\nos.sched_setaffinity(0, {min(os.sched_getaffinity(0))})"
    assert run(HERE, before) == [1, 1]


def test_loky_s_workers_share_the_cores() -> None:
    joblib = pytest.importorskip("joblib")
    assert run(IN_LOKY)[0] == max(1, joblib.cpu_count() // 2)


@pytest.fixture
def group() -> Iterator[Path]:
    """A control group of this process's own that may use half of a core."""
    own, is_new = threads._cgroups(Path("/proc/self/cgroup").read_text(), Path)[0]
    folder = Path(own) / f"fastmlp-test-{os.getpid()}"
    try:
        folder.mkdir()
    except OSError as error:
        pytest.skip(f"no control group can be made: {error}")
    try:
        try:
            if is_new:
                (folder / "cpu.max").write_text("50000 100000")
            else:
                (folder / "cpu.cfs_quota_us").write_text("50000")
        except OSError as error:
            pytest.skip(f"no quota can be set: {error}")
        yield folder
    finally:
        folder.rmdir()


def test_a_quota_of_the_process_s_control_group(group: Path) -> None:
    before = f"open({str(group / 'cgroup.procs')!r}, 'w').write('0')"  # the writing process
    assert run(HERE, before) == [1, 1]
