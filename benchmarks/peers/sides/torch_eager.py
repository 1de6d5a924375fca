"""PyTorch as most people write it: modules, autograd and torch.optim."""

from __future__ import annotations

from collections.abc import Callable

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from benchmarks.peers.case import BETA_1, BETA_2, EPSILON, MOMENTUM, Parameters
from benchmarks.peers.sides import Problem

ACTIVATIONS = {"relu": nn.ReLU, "tanh": nn.Tanh}


class TorchEager:
    fused = False

    def __init__(self, problem: Problem) -> None:
        torch.set_num_threads(problem.n_threads)
        self.problem = problem
        self.x, self.y = torch.from_numpy(problem.x), torch.from_numpy(problem.y)
        modules: list[nn.Module] = []
        for w, b in zip(problem.weights, problem.biases, strict=True):
            linear = nn.Linear(*w.shape, dtype=self.x.dtype)
            with torch.no_grad():
                linear.weight.copy_(torch.from_numpy(w.T))
                linear.bias.copy_(torch.from_numpy(b[0]))
            modules += [linear, ACTIVATIONS[problem.activation]()]
        self.linears = modules[::2]
        self.model = nn.Sequential(*modules[:-1])
        self.loss = nn.CrossEntropyLoss() if problem.loss == "cross_entropy" else half_squares
        groups = [
            {"params": [m.weight for m in self.linears], "weight_decay": problem.lambda_reg},
            {"params": [m.bias for m in self.linears]},
        ]
        rate = problem.learning_rate
        self.optimizer: torch.optim.Optimizer
        if problem.optimizer == "adam":
            betas = BETA_1, BETA_2
            self.optimizer = torch.optim.Adam(groups, rate, betas, EPSILON, fused=self.fused)
        else:
            momentum = MOMENTUM if problem.optimizer == "momentum" else 0.0
            self.optimizer = torch.optim.SGD(groups, rate, momentum, fused=self.fused)

    def epoch(self, order: NDArray) -> None:
        for rows in torch.from_numpy(order).split(self.problem.batch_size):
            self.optimizer.zero_grad()
            whole = self.problem.takes_all_rows
            x, y = (self.x, self.y) if whole else (self.x[rows], self.y[rows])
            self.loss(self.model(x), y).backward()
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


def half_squares(outputs: Tensor, targets: Tensor) -> Tensor:
    """Half the squared error of a row, summed over its outputs: its gradient is that of fastmlp."""
    return nn.functional.mse_loss(outputs, targets) * (targets.shape[1] / 2)
