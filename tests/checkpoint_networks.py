"""Networks of MLP for the tests of checkpoints: rows, trainings, and all that these leave."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from fastmlp import MLP

RNG = np.random.RandomState(0)
N_ROWS, N_FEATURES = 1100, 20
DENSE = RNG.rand(N_ROWS, N_FEATURES).astype(np.float32)
PIXELS = RNG.randint(0, 256, DENSE.shape).astype(np.uint8) * (DENSE < 0.3)
KINDS = {
    "dense": DENSE,
    "pixels": PIXELS,
    "csr": sp.csr_array(PIXELS / 255.0),
}
Y = (DENSE @ RNG.randn(N_FEATURES, 4)).argmax(axis=1)
EPOCHS = 3


def make(mlp_class=MLP, **settings):
    settings = {"random_state": 3, "optimizer": "adam", "dropout": 0.2} | settings
    return mlp_class(N_FEATURES, (16, 12), 4, 0.01, **settings)


def train(network, x=DENSE, epochs=EPOCHS, batch_size=50, **keywords):
    return network.train(x, Y, epochs, batch_size, verbose=False, **keywords)


def everything(network):
    """All that a training leaves."""
    stream = np.random if network.random_state is None else network.random_state
    return {
        "parameters": [*network.parameters.arrays],
        "history": network.history_.columns(),
        "stream": stream.get_state(legacy=False),
        "learning_rate": network.learning_rate,
    }


class Halving:
    """Halves the learning rate, and counts; what it remembers is kept."""

    def __init__(self, network):
        self.network, self.n_epochs, self.sums = network, 0, np.zeros(2)

    def __call__(self, epoch, logs):
        self.n_epochs += 1
        self.sums[epoch % 2] += logs["loss"]
        self.network.learning_rate /= 2
        self.network.w1[0, :] = self.n_epochs

    def state_dict(self):
        return {"n_epochs": self.n_epochs, "sums": self.sums}

    def load_state_dict(self, kept):
        self.n_epochs, self.sums = kept["n_epochs"], kept["sums"].copy()
