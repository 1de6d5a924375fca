"""What kernels read and write: raw pointers, so nobody else would notice a wrong address."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from engine_tools import (
    Array,
    Run,
    assert_same_bits,
    inputs_divided,
    make_labels,
    make_parameters,
    make_rows,
    train,
)
from numpy.testing import assert_array_equal

from fastmlp import kernels
from fastmlp.kernels import functions, inference, inputs
from fastmlp.kernels.codegen import buffers
from fastmlp.kernels.layout import by_inputs, memory_plan
from fastmlp.kernels.layout.packing import padded_rows
from fastmlp.problem import Problem

GUARD = 1024  # bytes before and after each buffer; all ones are NaN, and a wrong label or mask
# Rows of 12, 28 or 64 units are followed by padding that no vector reaches.
NETS = [(1, 1), (7, 3), (33, 17, 5), (20, 64, 12, 28), (9, 1, 64, 1, 10)]

PROBLEMS = [
    Problem(activation="silu", optimizer="adam", dropout=0.3),
    Problem(activation="tanh", loss="binary_cross_entropy", optimizer="momentum"),
    Problem(activation="gelu", loss="squared_error", optimizer="gradient"),
]

both_dtypes = pytest.mark.parametrize("dtype", ["float32", "float64"])
every_net = pytest.mark.parametrize("sizes", NETS, ids=lambda sizes: "-".join(map(str, sizes)))


def replace_aligned(monkeypatch: pytest.MonkeyPatch, replacement: Any) -> None:
    """Put a function in the place of `aligned` wherever the engine calls it."""
    for name, module in list(sys.modules.items()):
        if name.startswith("fastmlp.kernels.") and hasattr(module, "aligned"):
            monkeypatch.setattr(module, "aligned", replacement)


@pytest.fixture
def guards(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Array]]:
    """Surround every buffer with guards, which must be as they were at the end."""
    aligned = buffers.aligned
    guards: list[Array] = []

    def guarded(shape: Any, dtype: Any) -> Array:
        n_bytes = int(np.prod(shape)) * np.dtype(dtype).itemsize
        raw = aligned(n_bytes + 2 * GUARD, np.uint8)
        raw[:GUARD] = raw[GUARD + n_bytes :] = 255
        guards.extend((raw[:GUARD], raw[GUARD + n_bytes :]))
        return raw[GUARD : GUARD + n_bytes].view(dtype).reshape(shape)

    replace_aligned(monkeypatch, guarded)
    numpy = SimpleNamespace(**{**vars(np), "empty": guarded})  # predictions go to these
    monkeypatch.setattr(inference, "np", numpy)
    yield guards
    assert guards
    assert all(np.all(guard == 255) for guard in guards)


@pytest.fixture
def dirty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fill all scratch memory with NaN; only the padding of parameters and inputs is zero."""
    lay_out = memory_plan.Plan.__init__

    def filled(this: memory_plan.Plan, weights: Any, *arguments: Any, **keywords: Any) -> None:
        lay_out(this, weights, *arguments, **keywords)
        for layer in range(len(weights)):
            for name in ("slopes", "outputs", "gradient"):
                if (name, layer) in this._kept:
                    this.kept((name, layer)).fill(np.nan)
            if ("sums", layer) in this._kept:
                fill_sums(this, layer)
        for name in ("row_losses", "sums"):
            this.kept(name).fill(np.nan)

    def fill_sums(this: memory_plan.Plan, layer: int) -> None:
        """What parts leave, but for the sums of padding, which is never written."""
        record = this.layers[0, layer]
        n_in, n_columns = int(record["n_in"]), int(record["n_vectors"]) * this.n_lanes
        n_weights = int(record["weights_state"])
        sums = this.kept(("sums", layer))
        sums[..., n_weights:] = np.nan
        panels = sums[..., :n_weights].reshape(
            *sums.shape[:2], -1, padded_rows(n_in, this.n_lanes), 2 * this.n_lanes
        )
        for c in range(0, n_columns, this.n_lanes):
            panel, place = divmod(c, 2 * this.n_lanes)
            panels[:, :, panel, :n_in, place : place + this.n_lanes] = np.nan
        assert np.isnan(sums).any()

    def of_dense_rows(this: inputs.Inputs, to: memory_plan.Plan, *arguments: Any) -> Any:
        """A block of dense rows is dirty; that of sparse ones has to be full of zeros."""
        n_features = int(to.works["n_features"][0])
        n_rows, stride = int(to.works["part_rows"][0]), int(to.works["input_row"][0])
        blocks = to.kept("input")[:, : n_rows * stride]
        rows = blocks.reshape(len(blocks), n_rows, stride)
        assert np.shares_memory(rows, blocks)
        padded = padded_rows(n_features, to.n_lanes)
        rows[..., :n_features] = rows[..., padded:] = np.nan
        return dense(this, to, *arguments)

    dense = inputs.Inputs._dense
    monkeypatch.setattr(inputs.Inputs, "_dense", of_dense_rows)
    monkeypatch.setattr(memory_plan.Plan, "__init__", filled)
    aligned = functions.aligned

    def nan(shape: Any, dtype: Any) -> Array:
        buffer = aligned(shape, dtype)
        buffer.fill(np.nan)
        return buffer

    monkeypatch.setattr(functions, "aligned", nan)
    share = by_inputs.ByInputs.__init__

    def filled_too(this: by_inputs.ByInputs, plan: memory_plan.Plan) -> None:
        share(this, plan)
        this._sums.fill(np.nan)
        this._squares.fill(np.nan)

    monkeypatch.setattr(by_inputs.ByInputs, "__init__", filled_too)


def trainings(sizes: tuple[int, ...], dtype: str) -> Iterator[Run]:
    parameters = make_parameters(sizes, dtype)
    for kind in ("uint8", "float32", "float64", "csr"):
        x, y = make_rows(150, sizes[0], kind, 0.4), make_labels(150, sizes[-1])
        for batch_size in (1, 7, 65, 150):
            for n_threads in (1, 3):
                settings = {"batch_size": batch_size, "n_threads": n_threads}
                for skip_zeros in (False, True):
                    yield train(parameters, x, y, epochs=1, skip_zeros=skip_zeros, **settings)
        many, labels = make_rows(520, sizes[0], kind, 0.4), make_labels(520, sizes[-1])
        for n_threads in (1, 3):  # in parts
            yield train(parameters, many, labels, epochs=2, batch_size=515, n_threads=n_threads,
                        skip_zeros=False)  # fmt: skip
        settings = {"batch_size": 65, "n_threads": 3, "with_penalty": True}
        for problem in PROBLEMS:
            targets = y if problem.loss == "cross_entropy" else make_rows(150, sizes[-1], dtype)
            weights = np.linspace(0, 2, 150)
            yield train(parameters, x, targets, epochs=1, problem=problem, row_weights=weights,
                        **settings)  # fmt: skip


def divided(dtype: str) -> Iterator[Run]:
    """Trainings whose threads divide the first layer's inputs, of one part or of several."""
    for sizes in [(5, 1), (40, 12, 28), (530, 33, 5), (1601, 3, 9, 4)]:
        parameters = make_parameters(sizes, dtype)
        for kind, problem in itertools.product(
            ["uint8", "float64", "csr"], [PROBLEMS[0], PROBLEMS[2]]
        ):
            x, y = make_rows(70, sizes[0], kind, 0.3), make_rows(70, sizes[-1], dtype)
            for batch_size in (1, 7, 66):
                with inputs_divided(3):
                    yield train(parameters, x, y, epochs=1, batch_size=batch_size,
                                learning_rate=0.001, skip_zeros=True, problem=problem,
                                with_penalty=True)  # fmt: skip


def predictions(sizes: tuple[int, ...], dtype: str) -> Iterator[Array]:
    parameters = make_parameters(sizes, dtype)
    for n_rows in (1, 129, 260):
        for kind in ("uint8", "float32", "float64", "csr"):
            x = make_rows(n_rows, sizes[0], kind, 0.4)
            yield kernels.predict_proba(*parameters, x, n_threads=2)
            yield from kernels.forward(*parameters, x)


def calls(sizes: tuple[int, ...], dtype: str) -> Iterator[Array]:
    weights, biases = make_parameters(sizes, dtype)
    for n_rows in (1, 7, 66):
        x, y = make_rows(n_rows, sizes[0]), make_labels(n_rows, sizes[-1])
        product = kernels.matmul_bias(x, weights[0], biases[0])
        yield from (product, kernels.relu(product), kernels.softmax(product))
        new_weights, new_biases = kernels.backward_update(weights, biases, x, y, 0.1, 0.01)
        yield from (*new_weights, *new_biases)


@both_dtypes
@every_net
def test_no_buffer_is_overrun(sizes, dtype, guards):
    for run in trainings(sizes, dtype):
        assert np.isfinite(run.losses).all()
        assert all(np.isfinite(array).all() for array in run.parameters.arrays())
    for array in (*predictions(sizes, dtype), *calls(sizes, dtype)):
        assert np.isfinite(array).all()


@both_dtypes
@every_net
def test_scratch_memory_need_not_be_zero(sizes, dtype, request):
    runs = [*trainings(sizes, dtype)]
    arrays = [*predictions(sizes, dtype), *calls(sizes, dtype)]
    request.getfixturevalue("dirty")
    for got, expected in zip(trainings(sizes, dtype), runs, strict=True):
        assert_same_bits(got, expected)
    dirty_arrays = (*predictions(sizes, dtype), *calls(sizes, dtype))
    for got, expected in zip(dirty_arrays, arrays, strict=True):
        assert_array_equal(got, expected)


@both_dtypes
def test_no_buffer_is_overrun_where_inputs_are_divided(dtype, guards):
    for run in divided(dtype):
        assert np.isfinite(run.losses).all()
        assert all(np.isfinite(array).all() for array in run.parameters.arrays())


@both_dtypes
def test_scratch_memory_need_not_be_zero_where_inputs_are_divided(dtype, request):
    runs = [*divided(dtype)]
    request.getfixturevalue("dirty")
    for got, expected in zip(divided(dtype), runs, strict=True):
        assert_same_bits(got, expected)


@both_dtypes
def test_padding_stays_zero(dtype):
    """After many steps with decay, the units that only fill up a vector are still none."""
    weights, biases = make_parameters((9, 5, 33, 3), dtype)
    x, y = make_rows(50, 9, "float32", 0.5), make_labels(50, 3)
    for skip_zeros in (False, True):
        with kernels.Trainer(
            weights, biases, x, y, batch_size=7, n_threads=2, skip_zeros=skip_zeros
        ) as training:
            training.epoch(np.arange(50))
            training.export()
            for layer, w in enumerate(weights):
                for copy in training._plan.kept(("weights", layer)):
                    assert np.count_nonzero(copy[0]) in (np.count_nonzero(w), 0)
                bias = training._plan.kept(("bias", layer))[0, 0]
                assert np.count_nonzero(bias) == np.count_nonzero(biases[layer])
