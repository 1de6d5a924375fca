"""A checkpoint's file: whole whatever happens, for one training at a time, at a bounded cost."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from checkpoint_tools import assert_same

from fastmlp.checkpoints import file as checkpoint_file
from fastmlp.checkpoints import fingerprint
from fastmlp.checkpoints.file import CheckpointFile
from fastmlp.checkpoints.tree import put_together, taken_apart

TREE = {
    "a/b": [np.arange(3), {"%": np.zeros((2, 0), np.float32), "": None}],
    "n": 2**70, "x": float("inf"), "t": True, "s": "\u00e9", "f": np.float32(0.5), "e": {}, "l": [],
    "turned": np.arange(6, dtype=np.uint8).reshape(2, 3).T, "swapped": np.arange(3, dtype=">i4"),
}  # fmt: skip


def state(value, size=3):
    return {"value": value, "array": np.full(size, value, float)}


def put(file, value, name="run", size=3):
    file.put(name, lambda: state(value, size))


def opened(path, seconds=1e-9, resumes=True):
    return CheckpointFile(path, seconds, resumes)


def value_in(path):
    with opened(path) as file:
        found = file.found["run"]
    assert (found["array"] == found["value"]).all()
    return found["value"]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.ckpt"


@pytest.fixture
def always(monkeypatch):
    monkeypatch.setattr(checkpoint_file, "SHARE", 0)


def test_a_tree_is_taken_apart_and_put_together(path):
    plain, arrays = taken_apart(TREE)
    assert plain["a/b"] == [None, {"%": None, "": None}]
    assert all(a.flags.c_contiguous and a.dtype.isnative for a in arrays.values())
    back = put_together(plain, arrays)
    expected = TREE | {"f": 0.5, "swapped": TREE["swapped"].astype("=i4")}
    assert_same(back, expected)
    with opened(path, resumes=False) as file:
        file.put("run", lambda: TREE)
    with opened(path) as file:
        assert_same(file.found["run"], expected)


def test_arrays_are_copied(path):
    array = np.zeros(3)
    with opened(path, seconds=1e9, resumes=False) as file:
        file.put("run", lambda: {"array": array})
        array += 1
    with opened(path) as file:
        assert not file.found["run"]["array"].any()


@pytest.mark.parametrize(
    "bad", [{"a": {1, 2}}, {1: 2}, {"a": np.array(["x"])}, {"a": b"x"}, {"a": 1j}, {"a": object()}]
)
def test_what_no_file_can_hold_is_refused(bad):
    with pytest.raises(TypeError, match=r"no number|no string"):
        taken_apart(bad)


@pytest.mark.parametrize("name", ["missing/x", "taken", "list/7", "list/x", "number/x"])
def test_arrays_without_a_place_are_refused(name):
    plain = {"taken": 1, "list": [None], "number": 3}
    with pytest.raises((LookupError, TypeError, ValueError)):
        put_together(plain, {name: np.zeros(1)})


def test_differences_are_named():
    now = fingerprint.of_settings(
        {"sizes": (3, np.int64(4)), "f": len, "w": {np.int64(1): 0.5}, "x": None}
    )
    assert fingerprint.first_difference(dict(now, sizes=[3, 4]), now) is None
    assert now["f"] == "<builtin_function_or_method>"
    assert now["w"] == {"1": 0.5}
    assert fingerprint.first_difference(dict(now, sizes=[3, 5]), now) == (
        "sizes was [3, 5], and is [3, 4]"
    )
    assert fingerprint.first_difference(now, {"more": 1}) == "more was None, and is 1"


def test_sums_of_data_tell_values_shapes_and_types(path):
    import scipy.sparse as sp

    x = np.arange(12.0).reshape(3, 4)
    others = [
        x, x.reshape(4, 3), x.astype("f4"), x + (x == 5), sp.csr_array(x), sp.csr_array(2 * x),
        np.zeros((0, 4)),
    ]  # fmt: skip
    found = [fingerprint.of_data(other) for other in others]
    assert len(set(found)) == len(found)
    assert found[0].startswith("float64 (3, 4) ")
    assert fingerprint.of_data(None) is None
    assert fingerprint.of_data(x[:, ::2]) == fingerprint.of_data(x[:, ::2].copy())


def test_a_file_is_one_trainings_at_a_time(path):
    link = path.with_name("link")
    with opened(path, resumes=False) as file:
        put(file, 1.0)
        link.symlink_to(path)
        for name in (path, link):
            with (
                pytest.raises(RuntimeError, match="of a training that is running: wait"),
                opened(name),
            ):
                pass
        put(file, 2.0)
    assert value_in(link) == 2.0
    assert sorted(p.name for p in path.parent.iterdir()) == ["link", "run.ckpt"]


HOLDER = """
import sys, time
from fastmlp.checkpoints.file import CheckpointFile
with CheckpointFile(sys.argv[1], 1.0, False):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_lock_ends_with_its_process(path):
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)], stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(RuntimeError, match="another file"), opened(path, resumes=False):
            pass
        holder.kill()
        holder.wait()
    with opened(path, resumes=False) as file:
        put(file, 1.0)
    assert [p.name for p in path.parent.iterdir()] == ["run.ckpt"]


KILLED = """
import io, os, signal, sys
from pathlib import Path
import numpy as np
import safetensors.numpy
from fastmlp.checkpoints import file as checkpoint_file
from fastmlp.checkpoints.file import CheckpointFile

checkpoint_file.SHARE = 0
path = Path(sys.argv[1])

def write(value):
    with CheckpointFile(path, 1e-9, False) as file:
        file.put("run", lambda: {"value": value, "array": np.full(9999, value)})

def is_io(function):
    owner = getattr(function, "__self__", None)
    return getattr(function, "__module__", "") in ("posix", "io", "_io", "fcntl") or isinstance(
        owner, io.IOBase
    )

def killed(moment):
    "Write in a child that is killed before or after its call `moment`; return whether it was."
    child = os.fork()
    if child == 0:
        seen = [0]
        def look(frame, event, function):
            if event in ("c_call", "c_return") and is_io(function):
                seen[0] += 1
                if seen[0] == moment:
                    os.kill(os.getpid(), signal.SIGKILL)
        sys.setprofile(look)
        write(2.0)
        sys.setprofile(None)
        os._exit(0)
    return os.waitpid(child, 0)[1] == signal.SIGKILL

def value():
    with CheckpointFile(path, 1.0, True) as file:
        found = file.found["run"]
    assert (found["array"] == found["value"]).all() and len(found["array"]) == 9999
    return found["value"]

moment, values = 1, []
while True:
    write(1.0)
    was_killed = killed(moment)
    values.append(value())
    rest = {p.name for p in path.parent.iterdir()} - {".run.ckpt.part", "run.ckpt"}
    assert not rest, rest
    if not was_killed:
        break
    moment += 1
print(moment - 1, values.count(1.0), values.count(2.0))
write(1.0)
print(*sorted(p.name for p in path.parent.iterdir()))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_write_that_is_killed_leaves_the_file_before_or_the_one_after(path):
    """Before and after each call of the system that a write consists of."""
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(path)], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    counts, left = done.stdout.splitlines()
    n_moments, n_before, n_after = map(int, counts.split())
    assert n_moments > 20
    assert min(n_before, n_after) > 5
    assert left == "run.ckpt"


def test_pauses_are_fifty_times_as_long_as_writes(path, monkeypatch):
    with opened(path, resumes=False) as file:
        write = checkpoint_file.FORMAT.content

        def slow(self, *arguments):
            time.sleep(0.02)
            return write(*arguments)

        monkeypatch.setattr(type(checkpoint_file.FORMAT), "content", slow)
        put(file, 1.0)
        assert file.pause >= 50 * 0.02
        put(file, 2.0)  # too soon
        assert checkpoint_file.FORMAT.read(path, "")[1]["run/array"][0] == 1.0
        assert CheckpointFile(path, 3.0, False).pause == 3.0
    assert value_in(path) == 2.0


def full(*_):
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("call", ["fsync", "replace", "open"])
def test_a_disk_that_is_full_stops_no_training(path, always, monkeypatch, call):
    with opened(path, resumes=False) as file:
        put(file, 1.0)
        with monkeypatch.context() as patch:
            patch.setattr(Path if call == "open" else os, call, full)
            with pytest.warns(UserWarning, match="goes on, but not its checkpoint.*No space"):
                put(file, 2.0)
            put(file, 3.0)  # said once
        if call != "open":
            assert checkpoint_file.FORMAT.read(path, "")[1]["run/array"][0] == 1.0
        put(file, 4.0)
        assert checkpoint_file.FORMAT.read(path, "")[1]["run/array"][0] == 4.0
    assert [p.name for p in path.parent.iterdir()] == ["run.ckpt"]


def test_a_file_that_grows_too_large_stops_no_training(path, always):
    """What the system itself says, not a stand-in."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    with opened(path, resumes=False) as file:
        put(file, 1.0)
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, before[1]))
        try:
            with pytest.warns(UserWarning, match="File too large"):
                put(file, 2.0, size=10_000)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        assert checkpoint_file.FORMAT.read(path, "")[1]["run/array"][0] == 1.0
    assert value_in(path) == 2.0  # at the end there is space again


def test_a_folder_that_goes_stops_no_training(tmp_path, always):
    path = tmp_path / "folder" / "run.ckpt"
    path.parent.mkdir()
    with opened(path, resumes=False) as file:
        put(file, 1.0)
        shutil.rmtree(path.parent)
        with pytest.warns(UserWarning, match="was removed meanwhile"):
            put(file, 2.0)
        path.parent.mkdir()  # as another training may do, which has a lock of its own
        put(file, 3.0)
    assert not list(path.parent.iterdir())


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write")
def test_a_folder_that_is_read_only_stops_no_training(tmp_path, always):
    path = tmp_path / "folder" / "run.ckpt"
    path.parent.mkdir()
    with opened(path, resumes=False) as file:
        put(file, 1.0)
        path.parent.chmod(0o500)
        try:
            with pytest.warns(UserWarning, match="Permission denied"):
                put(file, 2.0)
        finally:
            path.parent.chmod(0o700)
    assert value_in(path) == 2.0


@pytest.mark.parametrize(
    ("name", "error"), [("missing/run.ckpt", FileNotFoundError), ("", IsADirectoryError)]
)
def test_a_file_that_can_not_be_is_refused_at_once(tmp_path, name, error):
    with pytest.raises(error, match="can't write"), opened(tmp_path / name, resumes=False):
        pass


def test_without_a_file_it_is_said_that_a_training_begins_anew(path):
    with pytest.warns(UserWarning, match="no checkpoint .*begins anew"), opened(path) as file:
        assert file.found == {}


@pytest.mark.parametrize(
    "content", [b"", b"rubbish", b"\x10\0\0\0\0\0\0\0{}", "model", "cut", "flat", "deep"]
)
def test_what_is_no_checkpoint_is_refused_and_the_lock_is_free(path, content):
    with opened(path, resumes=False) as file:
        put(file, 1.0)
    if content == "model":
        from fastmlp import MLP

        MLP(2, 3, 2, random_state=0).save(path)
    elif content == "cut":
        path.write_bytes(path.read_bytes()[:-1])
    elif content in ("flat", "deep"):
        states = '{"run": 1}' if content == "flat" else "[" * 99 + "]" * 99
        path.write_bytes(checkpoint_file.FORMAT.content({"x": np.zeros(1)}, {"states": states}))
    else:
        path.write_bytes(content)
    before, refused = path.read_bytes(), opened(path)
    with pytest.raises(ValueError, match=r"run\.ckpt"), refused:
        pass
    assert path.read_bytes() == before
    with opened(path, resumes=False):
        pass


def test_nothing_is_written_before_a_run_has_begun(path):
    with opened(path, resumes=False) as file:
        file.put("all", lambda: {"state": {"epoch": 0}})
    assert not path.exists()


def test_threads_put_at_once(path, always):
    """Of each run the file has a whole state, and at the end the last one."""
    with opened(path, resumes=False) as file:

        def run(name):
            for value in range(20):
                put(file, float(value), name)

        threads = [threading.Thread(target=run, args=(str(i),)) for i in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    with opened(path) as file:
        assert [file.found[str(i)]["value"] for i in range(4)] == [19.0] * 4


def test_an_interrupt_during_a_write_frees_the_lock(path, always, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    def train():
        with opened(path, resumes=False) as file:
            put(file, 1.0)
            monkeypatch.setattr(os, "replace", interrupt)
            put(file, 2.0)

    with pytest.raises(KeyboardInterrupt):
        train()
    monkeypatch.undo()
    assert value_in(path) == 1.0
