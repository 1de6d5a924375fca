"""The tutorial user's script runs unchanged with either class."""

from __future__ import annotations

import re
import subprocess
import sys

import numpy as np
import pytest
from script_tools import write_csv

SCRIPT = """\
import numpy as np
import pandas as pd
from {module} import MLP
from fastmlp import find_misclassified

data = np.array(pd.read_csv('train.csv'))
np.random.seed(42); np.random.shuffle(data)
cutoff = int(len(data) * 0.2); val = data[:cutoff]; train = data[cutoff:]
x_train, y_train = train[:, 1:] / 255.0, train[:, 0]
x_val, y_val = val[:, 1:] / 255.0, val[:, 0]
mlp = MLP(784, 64, 10, learning_rate=0.01)
mlp.train(x_train, y_train, epochs={epochs}, batch_size=64)
print(f'Validation Accuracy: {{np.mean(mlp.predict(x_val) == y_val) * 100:.2f}}%')
find_misclassified(x_val, y_val, mlp.w1, mlp.b1, mlp.w2, mlp.b2)
"""


def run_script(module, epochs, folder):
    """Return the losses, the accuracy in percent and the last line that the script prints."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", SCRIPT.format(module=module, epochs=epochs)],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    *epoch_lines, accuracy, last = [
        line for line in done.stdout.splitlines() if not line.startswith("Compiling")
    ]
    found = [re.fullmatch(r"Epoch (\d+), Loss: (\S+)", line) for line in epoch_lines]
    assert [int(match[1]) for match in found] == list(range(1, epochs + 1))
    percent = re.fullmatch(r"Validation Accuracy: (\d+\.\d\d)%", accuracy)
    return np.array([float(match[2]) for match in found]), float(percent[1]), last


def test_script_prints_the_same_with_either_class(real_digits, tmp_path):
    write_csv(tmp_path, real_digits, 3000)
    expected, _, expected_last = run_script("fastmlp.reference", 5, tmp_path)
    losses, _, last = run_script("fastmlp", 5, tmp_path)
    np.testing.assert_allclose(losses, expected, rtol=1e-9)
    assert last == expected_last
    assert re.fullmatch(r"Number of misclassified examples: \d+", last)


@pytest.mark.slow
def test_whole_script(real_digits, tmp_path):
    write_csv(tmp_path, real_digits)
    expected, expected_percent, expected_last = run_script("fastmlp.reference", 100, tmp_path)
    losses, percent, last = run_script("fastmlp", 100, tmp_path)
    np.testing.assert_allclose(losses, expected, rtol=1e-9)
    assert last == expected_last
    assert abs(percent - expected_percent) <= 0.1
    if len(real_digits[0]) == 42_000:  # the real rows: what the tutorial's own code prints
        assert abs(percent - 95.24) <= 0.1
