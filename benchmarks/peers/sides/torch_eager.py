"""PyTorch as most people write it: modules, autograd and torch.optim.SGD."""

from __future__ import annotations

from collections.abc import Callable

import torch
from numpy.typing import NDArray
from torch import nn

from benchmarks.peers.case import Parameters
from benchmarks.peers.sides import Problem


class TorchEager:
    fused = False

    def __init__(self, problem: Problem) -> None:
        torch.set_num_threads(problem.n_threads)
        self.problem = problem
        self.x, self.y = torch.from_numpy(problem.x), torch.from_numpy(problem.y)
        modules: list[nn.Module] = []
        for w, b in zip(problem.weights, problem.biases, strict=True):
            linear = nn.Linear(*w.shape)
            with torch.no_grad():
                linear.weight.copy_(torch.from_numpy(w.T))
                linear.bias.copy_(torch.from_numpy(b[0]))
            modules += [linear, nn.ReLU()]
        self.linears = modules[::2]
        self.model = nn.Sequential(*modules[:-1])
        self.loss = nn.CrossEntropyLoss()
        self.optimizer = torch.optim.SGD(
            [
                {"params": [m.weight for m in self.linears], "weight_decay": problem.lambda_reg},
                {"params": [m.bias for m in self.linears]},
            ],
            lr=problem.learning_rate,
            fused=self.fused,
        )

    def epoch(self, order: NDArray) -> None:
        for rows in torch.from_numpy(order).split(self.problem.batch_size):
            self.optimizer.zero_grad()
            self.loss(self.model(self.x[rows]), self.y[rows]).backward()
            self.optimizer.step()

    def parameters(self) -> Parameters:
        return (
            [m.weight.detach().numpy().T for m in self.linears],
            [m.bias.detach().numpy()[None, :] for m in self.linears],
        )

    def predictor(self, x: NDArray) -> Callable[[], NDArray]:
        inputs = torch.from_numpy(x)

        def predict() -> NDArray:
            with torch.inference_mode():
                return self.model(inputs).argmax(dim=1).numpy()

        return predict


class TorchFused(TorchEager):
    fused = True
