"""A child forked while another thread imports the engine, or compiles, can train."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from copy_tools import run_python
from numba.core.compiler_lock import global_compiler_lock

from fastmlp import forks

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")

# A thread does what `scene` says; `now()` has the main thread fork, half a second at most before
# the thread goes on. The seed spares NumPy's global generator, whose lock is NumPy's own affair.
SCRIPT = """
import faulthandler, os, sys, threading, time
import numpy as np
import fastmlp

x, y = np.random.RandomState(0).rand(30, 4), np.arange(30) % 3
reached = threading.Event()

def now():
    reached.set()
    time.sleep(0.5)

def train():
    fastmlp.MLP(4, 3, 3, random_state=0).train(x, y, 1, verbose=False)

def fork():
    pid = os.fork()
    if not pid:
        faulthandler.dump_traceback_later(100, exit=True)
        train()
        os._exit(0)
    return pid

{scene}

thread = threading.Thread(target=work)
thread.start()
assert reached.wait(100)
pid = fork()
assert os.waitpid(pid, 0)[1] == 0
thread.join()
print("done")
"""
IMPORTING = """
class Finder:
    def find_spec(name, *_):
        if name == {name!r}:
            now()

sys.meta_path.insert(0, Finder)

def work():
    from fastmlp import {what}
"""
HOLDING = """
import fastmlp.kernels
from llvmlite.binding import ffi
from numba.core.compiler_lock import global_compiler_lock

def work():
    with {lock}:
        now()
    train()
"""
COMPILING = """
import fastmlp.kernels
from numba.core import event

started = []

class Listener(event.Listener):
    def on_start(self, _):
        started.append(None)
        if len(started) == 5:
            now()

    def on_end(self, _):
        pass

event.register("numba:compile", Listener())
work = train
"""
IN_THE_COMPILING_THREAD = """
from numba.core import event
import fastmlp.kernels

pids = []

class Listener(event.Listener):
    def on_start(self, _):
        if not pids:
            pids.append(None)
            pids[0] = os.fork()
            if not pids[0]:
                faulthandler.dump_traceback_later(100, exit=True)

    def on_end(self, _):
        pass

event.register("numba:compile", Listener())
train()
if not pids[0]:
    os._exit(0)
assert os.waitpid(pids[0], 0)[1] == 0

work = reached.set
"""


def run(tmp_path: Path, scene: str, **env: str) -> None:
    script = SCRIPT.replace("{scene}", scene)
    output, errors = run_python("-c", script, cwd=tmp_path, **env)
    assert output == "done\n"
    assert "forks.py" not in errors  # where Python ignores exceptions, but prints them


@pytest.mark.parametrize(
    ("what", "name"),
    [
        ("kernels", "fastmlp.kernels"),
        ("kernels", "numba.core.types"),
        ("kernels", "fastmlp.kernels.trainer"),
        ("MLPClassifier", "sklearn.base"),
    ],
)
def test_while_another_thread_imports(tmp_path: Path, what: str, name: str) -> None:
    run(tmp_path, IMPORTING.format(what=what, name=name))


@pytest.mark.parametrize("lock", ["global_compiler_lock", "ffi.lib._lock"])
def test_while_another_thread_holds_a_lock_of_the_compiler(tmp_path: Path, lock: str) -> None:
    run(tmp_path, HOLDING.format(lock=lock))


def test_while_another_thread_compiles(tmp_path: Path) -> None:
    run(tmp_path, COMPILING, FASTMLP_CACHE_DIR=str(tmp_path))


def test_a_fork_that_waits_comes_before_the_next_kernel() -> None:
    entered = threading.Event()

    def compile_one() -> None:
        with forks.one_kernel(global_compiler_lock):
            entered.set()

    thread = threading.Thread(target=compile_one)
    with forks._gate:
        thread.start()
        assert not entered.wait(0.3)
    thread.join(60)
    assert entered.is_set()


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # of Python 3.12
def test_who_compiles_already_does_not_wait_for_a_fork() -> None:
    waiting, done = threading.Event(), threading.Event()

    def fork() -> None:
        with forks._gate:
            waiting.set()
            assert done.wait(60)

    thread = threading.Thread(target=fork)
    with global_compiler_lock:
        thread.start()
        assert waiting.wait(60)
        with forks.one_kernel(global_compiler_lock):
            pid = os.fork()
            if not pid:
                os._exit(0)
            os.waitpid(pid, 0)
        done.set()
    thread.join()


def test_in_the_thread_that_compiles(tmp_path: Path) -> None:
    run(tmp_path, IN_THE_COMPILING_THREAD, FASTMLP_CACHE_DIR=str(tmp_path))
