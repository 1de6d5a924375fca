"""PyTorch written by hand: no autograd, preallocated buffers, gradients added to the weights."""

from __future__ import annotations

from collections.abc import Callable

import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.peers.case import Parameters
from benchmarks.peers.sides import Problem

CHUNK = 1024  # rows predicted at once: their activations stay in the L2 cache
relu_backward = torch.ops.aten.threshold_backward.grad_input


class TorchByHand:
    def __init__(self, problem: Problem) -> None:
        torch.set_num_threads(problem.n_threads)
        torch.set_grad_enabled(False)
        self.problem = problem
        self.x = torch.from_numpy(problem.x)
        self.weights = [torch.from_numpy(w) for w in problem.weights]
        self.biases = [torch.from_numpy(b[0]) for b in problem.biases]
        n_rows, sizes = problem.batch_size, [len(b) for b in self.biases]
        self.one_hot = torch.eye(sizes[-1])[torch.from_numpy(problem.y)]
        self.xb = torch.empty(n_rows, self.x.shape[1])
        self.yb = torch.empty(n_rows, sizes[-1])
        self.a = [torch.empty(n_rows, n) for n in sizes]
        self.dz = [torch.empty(n_rows, n) for n in sizes[:-1]]
        self.ones = torch.ones(n_rows)

    def epoch(self, order: NDArray) -> None:
        for rows in torch.from_numpy(order).split(self.problem.batch_size):
            self.step(rows)

    def step(self, rows: Tensor) -> None:
        rate = self.problem.learning_rate / self.problem.batch_size
        decay = 1 - self.problem.learning_rate * self.problem.lambda_reg
        torch.index_select(self.x, 0, rows, out=self.xb)
        torch.index_select(self.one_hot, 0, rows, out=self.yb)
        self.forward(self.xb, self.a)
        dz = torch.softmax(self.a[-1], 1, out=self.a[-1]).sub_(self.yb)
        inputs = [self.xb, *self.a[:-1]]
        for i in reversed(range(len(self.weights))):
            w, x = self.weights[i], inputs[i]
            below = dz
            if i > 0:
                below = torch.mm(dz, w.t(), out=self.dz[i - 1])
                relu_backward(below, x, 0, grad_input=below)
            w.addmm_(x.t(), dz, beta=decay, alpha=-rate)
            self.biases[i].addmv_(dz.t(), self.ones, alpha=-rate)
            dz = below

    def forward(self, x: Tensor, out: list[Tensor]) -> None:
        for i, a in enumerate(out):
            torch.addmm(self.biases[i], x, self.weights[i], out=a)
            x = a.relu_() if i < len(out) - 1 else a

    def parameters(self) -> Parameters:
        return [w.numpy() for w in self.weights], [b.numpy()[None, :] for b in self.biases]

    def predictor(self, x: NDArray) -> Callable[[], NDArray]:
        inputs = torch.from_numpy(x)
        labels = torch.empty(len(x), dtype=torch.int64)
        out = [torch.empty(CHUNK, len(b)) for b in self.biases]

        def predict() -> NDArray:
            for start in range(0, len(x), CHUNK):
                xb = inputs[start : start + CHUNK]
                a = [buffer[: len(xb)] for buffer in out]
                self.forward(xb, a)
                torch.argmax(a[-1], 1, out=labels[start : start + CHUNK])
            return labels.numpy()

        return predict
