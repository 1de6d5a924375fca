"""JAX at its best: one jitted scan over the whole epoch, donated state, gathers inside.

Weights are kept as (n_out, n_in): XLA's CPU backend multiplies them faster that way. Gradients
written out by hand take as long as those of jax.grad.
"""

from __future__ import annotations

import os
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers.case import BETA_1, BETA_2, EPSILON, MOMENTUM, Parameters
from benchmarks.peers.sides import Problem

if os.environ.get("OMP_NUM_THREADS") == "1":  # JAX's own setting; affinity sets the number else
    os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"

import jax
import jax.numpy as jnp
from jax import Array

Layers = list[tuple[Array, Array]]
States = tuple[Array, ...]
State = tuple[Layers, list[tuple[States, States]], Array]  # its third: steps taken
UNROLL = 4  # steps of the scan compiled into one iteration
N_STATES = {"sgd": 0, "momentum": 1, "adam": 2}
# Each activation, and what takes (gradient, its result) back through it.
ACTIVATIONS = {
    "relu": (jax.nn.relu, lambda d, a: jnp.where(a > 0, d, 0)),
    "tanh": (jnp.tanh, lambda d, a: d * (1 - a * a)),
}


class Jax:
    def __init__(self, problem: Problem) -> None:
        jax.clear_caches()  # of the case before, in a worker that serves many
        jax.config.update("jax_enable_x64", problem.dtype == np.float64)
        self.problem = problem
        self.x = jnp.asarray(problem.x)
        self.targets = jnp.asarray(problem.dense_targets())
        layers = [
            (jnp.asarray(w.T), jnp.asarray(b[0]))
            for w, b in zip(problem.weights, problem.biases, strict=True)
        ]
        n_states = N_STATES[problem.optimizer]
        zeros = [
            tuple(tuple(jnp.zeros_like(p) for _ in range(n_states)) for p in layer)
            for layer in layers
        ]
        self.state = layers, zeros, jnp.zeros((), jnp.int32)

        def train(state: State, x: Array, targets: Array, batches: Array) -> State:
            def body(state: State, rows: Array) -> tuple[State, None]:
                if problem.takes_all_rows:
                    return step(problem, state, x, targets), None
                xb = jnp.take(x, rows, axis=0, mode="clip")
                yb = jnp.take(targets, rows, axis=0, mode="clip")
                return step(problem, state, xb, yb), None

            return jax.lax.scan(body, state, batches, unroll=UNROLL)[0]

        self.train = jax.jit(train, donate_argnums=0)

    def epoch(self, order: NDArray) -> None:
        batches = order.astype(np.int32).reshape(-1, self.problem.batch_size)
        if self.problem.takes_all_rows:
            batches = batches[:, :1]  # how many there are is all that counts
        self.state = self.train(self.state, self.x, self.targets, batches)
        jax.block_until_ready(self.state)

    def parameters(self) -> Parameters:
        return (
            [np.asarray(w).T for w, _ in self.state[0]],
            [np.asarray(b)[None, :] for _, b in self.state[0]],
        )

    def predictor(self, x: NDArray) -> Callable[[], NDArray]:
        inputs, activation = jnp.asarray(x), self.problem.activation
        predict = jax.jit(lambda p, x: jnp.argmax(forward(p, x, activation)[-1], axis=1))
        return lambda: np.asarray(predict(self.state[0], inputs))


def forward(layers: Layers, x: Array, activation: str) -> list[Array]:
    """The activations of the hidden layers, and the logits."""
    a = []
    for i, (w, b) in enumerate(layers):
        z = contract(x, w, 1, 1) + b
        x = ACTIVATIONS[activation][0](z) if i < len(layers) - 1 else z
        a.append(x)
    return a


def step(problem: Problem, state: State, xb: Array, yb: Array) -> State:
    layers, moments, t = state
    t = t + 1
    a = forward(layers, xb, problem.activation)
    outputs = jax.nn.softmax(a[-1]) if problem.loss == "cross_entropy" else a[-1]
    # The rate goes in where it costs least; Adam's doesn't go through the gradient.
    rate = 1.0 if problem.optimizer == "adam" else problem.learning_rate
    dz = (outputs - yb) * (rate / problem.batch_size)
    inputs = [xb, *a[:-1]]
    updated, new_moments = [], []
    for i, (w, b) in reversed(list(enumerate(layers))):
        of_w, of_b = moments[i]
        new_w, of_w = update(problem, w, contract(dz, inputs[i], 0, 0), of_w, problem.lambda_reg, t)
        new_b, of_b = update(problem, b, dz.sum(0), of_b, 0.0, t)
        updated.append((new_w, new_b))
        new_moments.append((of_w, of_b))
        dz = ACTIVATIONS[problem.activation][1](dz @ w, inputs[i]) if i > 0 else dz
    return updated[::-1], new_moments[::-1], t


def update(
    problem: Problem, w: Array, g: Array, states: States, l2: float, t: Array
) -> tuple[Array, States]:
    """A parameter and its states after a step; g holds the rate but with adam."""
    rate = problem.learning_rate
    if problem.optimizer == "sgd":
        return w * (1 - rate * l2) - g, ()
    if problem.optimizer == "momentum":
        v = MOMENTUM * states[0] - g - (rate * l2) * w
        return w + v, (v,)
    g = g + l2 * w
    m = BETA_1 * states[0] + (1 - BETA_1) * g
    v = BETA_2 * states[1] + (1 - BETA_2) * (g * g)
    rate_now = (rate * jnp.sqrt(1 - BETA_2**t) / (1 - BETA_1**t)).astype(w.dtype)
    return w - rate_now * m / (jnp.sqrt(v) + EPSILON), (m, v)


def contract(a: Array, b: Array, a_axis: int, b_axis: int) -> Array:
    return jax.lax.dot_general(a, b, (((a_axis,), (b_axis,)), ((), ())))
