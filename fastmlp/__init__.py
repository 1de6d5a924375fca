"""fastmlp: train a small multi-layer perceptron on a CPU, fast."""
