"""The server of docs/deploy, on this machine: many requests at once, and right answers."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import requests

from fastmlp import MLP

FOLDER = Path(__file__).parents[1] / "docs" / "deploy"


@pytest.fixture
def server(tmp_path):
    pytest.importorskip("fastapi")
    pytest.importorskip("uvicorn")
    network = MLP(20, 8, 3, init="he", input_scale=255, random_state=0)
    network.save(tmp_path / "model.safetensors")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "uvicorn", "app:app", "--port", str(port), "--log-level", "error"],
        cwd=FOLDER,
        env=os.environ
        | {"MODEL": str(tmp_path / "model.safetensors"), "PYTHONDONTWRITEBYTECODE": "1"},
    )
    try:
        yield network, f"http://127.0.0.1:{port}/predict", process
    finally:
        process.terminate()
        process.wait(60)


def test_200_requests_at_once(server):
    network, address, process = server
    x = np.random.RandomState(0).randint(0, 256, (200, 2, 20), np.uint8)

    def ask(rows):
        return requests.post(address, json={"rows": rows}, timeout=120)

    for _ in range(600):
        assert process.poll() is None
        try:
            ask(x[0].tolist())
            break
        except requests.ConnectionError:
            time.sleep(0.1)
    with ThreadPoolExecutor(200) as pool:
        answers = list(pool.map(ask, x.tolist()))
    for rows, answer in zip(x, answers, strict=True):
        assert answer.status_code == 200
        found = answer.json()
        np.testing.assert_allclose(found["probabilities"], network.predict_proba(rows), atol=1e-6)
        assert found["labels"] == network.predict(rows).tolist()
    for wrong in ([[1, 2, 3]], [[300] * 20], []):
        assert ask(wrong).status_code == 422
