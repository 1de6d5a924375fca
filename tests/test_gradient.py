"""The entry that adds gradients up: for lbfgs, finite differences, or steps of one's own."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest
from engine_tools import assert_close, make_labels, make_parameters, make_rows

from fastmlp import kernels, reference
from fastmlp.problem import Problem

GRADIENT = Problem(activation="tanh", optimizer="gradient")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("chunk", [7, 128, 300, 1000])
def test_chunks_of_rows_make_the_gradient_of_all(dtype, chunk):
    parameters = make_parameters((20, 17, 5), dtype)
    x, y = make_rows(1000, 20, dtype, 0.5), make_labels(1000, 5)
    with kernels.Trainer(
        *parameters.copy(), x, y, problem=GRADIENT, batch_size=chunk, total=1000
    ) as trainer:
        loss = trainer.epoch(np.arange(1000)) and trainer.mean_loss
        trainer.export()
    wide = parameters.copy("float64")
    activations = reference.forward(*wide, x.astype("float64"), problem=GRADIENT)
    dw, db = reference.backward(wide.weights, x.astype("float64"), y, activations, GRADIENT)
    for (got,), expected in zip(trainer.states, [*dw, *db], strict=True):
        assert_close(got, expected, dtype, 40)
    assert_close(loss, reference.cross_entropy(activations[-1], y), dtype, 40)


@pytest.mark.parametrize("n_threads", [1, 2])
def test_again_from_other_parameters(n_threads):
    x, y = make_rows(1000, 20, "float64"), make_labels(1000, 5)
    first, second = (make_parameters((20, 65, 5), "float64", seed) for seed in (1, 2))
    settings = {"problem": GRADIENT, "batch_size": 128, "total": 1000, "n_threads": n_threads}

    def results(trainer):
        trainer.export_states()
        return [trainer.mean_loss, *(state.copy() for (state,) in trainer.states)]

    with kernels.Trainer(*second, x, y, **settings) as trainer:
        trainer.epoch(np.arange(1000))
        expected = results(trainer)
    given = first.copy()
    with kernels.Trainer(*given, x, y, **settings) as trainer:
        trainer.epoch(np.arange(1000))
        for array, values in zip(given.arrays(), second.arrays(), strict=True):
            array[...] = values
        trainer.restart()
        trainer.repeat()
        for got, wanted in zip(results(trainer), expected, strict=True):
            np.testing.assert_array_equal(got, wanted)


SCRIPT = """
from pathlib import Path
import numpy as np
from fastmlp.kernels import Trainer
from fastmlp.problem import Problem

def kilobytes(field):
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(field)).split()[1])

def gradient(n_rows):
    weights = [np.full(shape, 0.01) for shape in ((100, 100), (100, 10))]
    biases = [np.zeros((1, 100)), np.zeros((1, 10))]
    with Trainer(weights, biases, x[:n_rows], y[:n_rows], total=n_rows, batch_size=2048,
                 problem=Problem(optimizer="gradient"), n_threads=2) as trainer:
        trainer.epoch(np.arange(n_rows))
        trainer.export()

x, y = np.random.rand(100_000, 100), np.zeros(100_000, np.intp)
gradient(10)
Path("/proc/self/clear_refs").write_text("5")  # sets the peak back to what is in use now
before = kilobytes("VmHWM")
gradient(100_000)
print((kilobytes("VmHWM") - before) / 1024)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_all_rows_of_a_large_x_take_little_memory():
    """X has 80 MB."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True
    )
    assert float(done.stdout) < 20


def test_finite_differences():
    """In float64: the loss moves with each weight as the gradient says."""
    parameters = make_parameters((4, 3, 2), "float64")
    x, y = make_rows(20, 4, "float64"), make_labels(20, 2)

    def loss_of(flat: np.ndarray) -> tuple[float, np.ndarray]:
        sizes, ends = [4, 3, 2], np.cumsum([12, 6, 3])
        parts = np.split(flat, ends)
        weights = [p.reshape(s) for p, s in zip(parts[:2], pairwise(sizes), strict=True)]
        biases = [p.reshape(1, -1) for p in parts[2:]]
        trainer = kernels.Trainer(
            weights, biases, x, y, problem=GRADIENT, batch_size=8, total=20, n_threads=1
        )
        trainer.epoch(np.arange(20))
        trainer.export()
        return trainer.mean_loss, np.concatenate([s.ravel() for (s,) in trainer.states])

    flat = np.concatenate([a.ravel() for a in parameters.arrays()])
    _, gradient = loss_of(flat)
    for i in range(len(flat)):
        step = np.zeros_like(flat)
        step[i] = 1e-6
        slope = (loss_of(flat + step)[0] - loss_of(flat - step)[0]) / 2e-6
        assert abs(slope - gradient[i]) < 1e-8
