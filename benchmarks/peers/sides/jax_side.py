"""JAX at its best: one jitted scan over the whole epoch, donated parameters, gathers inside.

Weights are kept as (n_out, n_in): XLA's CPU backend multiplies them faster that way. Gradients
written out by hand take as long as those of jax.grad.
"""

from __future__ import annotations

import os
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers.case import Parameters
from benchmarks.peers.sides import Problem

if os.environ.get("OMP_NUM_THREADS") == "1":  # JAX's own setting; affinity sets the number else
    os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"

import jax
import jax.numpy as jnp
from jax import Array

Layers = list[tuple[Array, Array]]
UNROLL = 4  # steps of the scan compiled into one iteration


class Jax:
    def __init__(self, problem: Problem) -> None:
        jax.clear_caches()  # of the case before, in a worker that serves many
        self.problem = problem
        self.x = jnp.asarray(problem.x)
        self.one_hot = jnp.eye(problem.weights[-1].shape[1])[problem.y]
        self.layers = [
            (jnp.asarray(w.T), jnp.asarray(b[0]))
            for w, b in zip(problem.weights, problem.biases, strict=True)
        ]
        rate = problem.learning_rate / problem.batch_size
        decay = 1 - problem.learning_rate * problem.lambda_reg

        def train(layers: Layers, x: Array, one_hot: Array, batches: Array) -> Layers:
            def body(layers: Layers, rows: Array) -> tuple[Layers, None]:
                xb = jnp.take(x, rows, axis=0, mode="clip")
                yb = jnp.take(one_hot, rows, axis=0, mode="clip")
                return step(layers, xb, yb, rate, decay), None

            return jax.lax.scan(body, layers, batches, unroll=UNROLL)[0]

        self.train = jax.jit(train, donate_argnums=0)

    def epoch(self, order: NDArray) -> None:
        batches = order.astype(np.int32).reshape(-1, self.problem.batch_size)
        self.layers = self.train(self.layers, self.x, self.one_hot, batches)
        jax.block_until_ready(self.layers)

    def parameters(self) -> Parameters:
        return (
            [np.asarray(w).T for w, _ in self.layers],
            [np.asarray(b)[None, :] for _, b in self.layers],
        )

    def predictor(self, x: NDArray) -> Callable[[], NDArray]:
        inputs = jnp.asarray(x)
        predict = jax.jit(lambda layers, x: jnp.argmax(forward(layers, x)[-1], axis=1))
        return lambda: np.asarray(predict(self.layers, inputs))


def forward(layers: Layers, x: Array) -> list[Array]:
    """The activations of the hidden layers, and the logits."""
    a = []
    for i, (w, b) in enumerate(layers):
        z = contract(x, w, 1, 1) + b
        x = jax.nn.relu(z) if i < len(layers) - 1 else z
        a.append(x)
    return a


def step(layers: Layers, xb: Array, yb: Array, rate: float, decay: float) -> Layers:
    a = forward(layers, xb)
    dz = (jax.nn.softmax(a[-1]) - yb) * rate
    inputs = [xb, *a[:-1]]
    updated = []
    for i, (w, b) in reversed(list(enumerate(layers))):
        updated.append((w * decay - contract(dz, inputs[i], 0, 0), b - dz.sum(0)))
        dz = jnp.where(inputs[i] > 0, dz @ w, 0) if i > 0 else dz
    return updated[::-1]


def contract(a: Array, b: Array, a_axis: int, b_axis: int) -> Array:
    return jax.lax.dot_general(a, b, (((a_axis,), (b_axis,)), ((), ())))
