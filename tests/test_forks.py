"""A child forked while another thread imports the engine, or compiles, can train."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from copy_tools import run_python

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
{check}
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
from fastmlp.kernels.announce import watch

whole = []  # kernels

class Listener(event.Listener):
    def on_start(self, _):
        if len(whole) == 2 and not reached.is_set():
            now()

    def on_end(self, _):
        if not watch.depth:
            whole.append(None)

event.register("numba:compile", Listener())
work = train
"""
WAITED_FOR_ONE = """
assert len(whole) <= 3, whole  # a fork that waits comes before the next kernel
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


def run(tmp_path: Path, scene: str, check: str = "", **env: str) -> None:
    script = SCRIPT.replace("{scene}", scene).replace("{check}", check)
    output, errors = run_python("-W", "error", "-c", script, cwd=tmp_path, **env)
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
    run(tmp_path, COMPILING, WAITED_FOR_ONE, FASTMLP_CACHE_DIR=str(tmp_path))


def test_in_the_thread_that_compiles(tmp_path: Path) -> None:
    run(tmp_path, IN_THE_COMPILING_THREAD, FASTMLP_CACHE_DIR=str(tmp_path))
