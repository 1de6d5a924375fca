"""PyTorch written by hand: no autograd, preallocated buffers, products added where they belong."""

from __future__ import annotations

from collections.abc import Callable

import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.peers.case import Parameters
from benchmarks.peers.sides import Problem
from benchmarks.peers.sides.torch_updates import UPDATES, Flat

CHUNK = 1024  # rows predicted at once: their activations stay in the L2 cache
# Each activation in place, and what takes (gradient, its result) back through it.
ACTIVATIONS = {
    "relu": (torch.relu_, torch.ops.aten.threshold_backward.grad_input),
    "tanh": (torch.tanh_, torch.ops.aten.tanh_backward.grad_input),
}


class TorchByHand:
    def __init__(self, problem: Problem) -> None:
        torch.set_num_threads(problem.n_threads)
        torch.set_grad_enabled(False)
        torch.set_flush_denormal(True)  # states that fade out would take a hundred times as long
        self.problem = problem
        self.x = torch.from_numpy(problem.x)
        start_weights = [torch.from_numpy(w) for w in problem.weights]
        start_biases = [torch.from_numpy(b[0]) for b in problem.biases]
        self.flat = Flat([w.shape for w in start_weights], [b.shape for b in start_biases], self.x)
        for view, start in zip(self.flat.views, start_weights + start_biases, strict=True):
            view.copy_(start)
        self.weights, self.biases = self.flat.w, self.flat.b
        n_rows, sizes = problem.batch_size, [len(b) for b in self.biases]
        self.activate, backward = ACTIVATIONS[problem.activation]
        threshold = (0,) if problem.activation == "relu" else ()
        self.backward = lambda d, a: backward(d, a, *threshold, grad_input=d)
        self.targets = torch.from_numpy(problem.dense_targets())
        self.xb = self.x.new_empty(n_rows, self.x.shape[1])
        self.yb = self.x.new_empty(n_rows, sizes[-1])
        if problem.takes_all_rows:
            self.xb, self.yb = self.x, self.targets
        self.a = [self.x.new_empty(n_rows, n) for n in sizes]
        self.dz = [self.x.new_empty(n_rows, n) for n in sizes[:-1]]
        self.update = UPDATES[problem.optimizer](
            self.flat, n_rows, problem.learning_rate, problem.lambda_reg
        )

    def epoch(self, order: NDArray) -> None:
        for rows in torch.from_numpy(order).split(self.problem.batch_size):
            self.step(rows)

    def step(self, rows: Tensor) -> None:
        if not self.problem.takes_all_rows:
            torch.index_select(self.x, 0, rows, out=self.xb)
            torch.index_select(self.targets, 0, rows, out=self.yb)
        self.forward(self.xb, self.a)
        outputs = self.a[-1]
        if self.problem.loss == "cross_entropy":
            torch.softmax(outputs, 1, out=outputs)
        dz = outputs.sub_(self.yb)
        inputs = [self.xb, *self.a[:-1]]
        for i in reversed(range(len(self.weights))):
            below = dz
            if i > 0:
                below = torch.mm(dz, self.weights[i].t(), out=self.dz[i - 1])
                self.backward(below, inputs[i])
            self.update.layer(i, inputs[i], dz)
            dz = below
        self.update.finish()

    def forward(self, x: Tensor, out: list[Tensor]) -> None:
        for i, a in enumerate(out):
            torch.addmm(self.biases[i], x, self.weights[i], out=a)
            x = self.activate(a) if i < len(out) - 1 else a

    def parameters(self) -> Parameters:
        return [w.numpy() for w in self.weights], [b.numpy()[None, :] for b in self.biases]

    def predictor(self, x: NDArray) -> Callable[[], NDArray]:
        inputs = torch.from_numpy(x)
        labels = torch.empty(len(x), dtype=torch.int64)
        out = [inputs.new_empty(CHUNK, len(b)) for b in self.biases]

        def predict() -> NDArray:
            for start in range(0, len(x), CHUNK):
                xb = inputs[start : start + CHUNK]
                a = [buffer[: len(xb)] for buffer in out]
                self.forward(xb, a)
                torch.argmax(a[-1], 1, out=labels[start : start + CHUNK])
            return labels.numpy()

        return predict
