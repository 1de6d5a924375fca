"""Damaged checkpoints end in a short error that names the file, or in a training that is valid."""

from __future__ import annotations

import re

import numpy as np
import pytest
from checkpoint_tools import Ended, ending, keep_always
from estimator_tools import quiet
from test_checkpoint_estimators import NAMES, X, make

from fastmlp.checkpoints.checkpoint import OtherTrainingError

N_CASES = 150


def flipped(content: bytes, rng: np.random.RandomState) -> bytes:
    """Some bytes of a file changed, most often in its header; or the file cut, or lengthened."""
    end = 8 + int.from_bytes(content[:8], "little")
    changed = bytearray(content)
    kind = rng.randint(10)
    if kind == 0:
        return content[: rng.randint(len(content))]
    if kind == 1:
        return content + rng.bytes(rng.randint(1, 99))
    for _ in range(rng.randint(1, 4)):
        first, last = (end, len(content)) if kind < 4 else (8, end)
        place = rng.randint(first, last)
        changed[place] = rng.choice(
            [*b'0123456789-,:"{}[]eE.nul'] if kind < 8 else rng.randint(256, size=9)
        )
    return bytes(changed)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of values that no training has
def test_damaged_files(tmp_path, monkeypatch):
    path = tmp_path / "run.ckpt"
    settings = {"dropout": 0.2, "early_stopping": True, "max_seconds": 60.0}
    with monkeypatch.context() as patch:
        keep_always(patch)
        ending(patch, after=30)
        with pytest.raises(Ended):
            quiet(make(**settings), X, NAMES, checkpoint=path, checkpoint_seconds=1e-9)
    whole = path.read_bytes()
    n_refused = 0
    for seed in range(N_CASES):
        path.write_bytes(flipped(whole, np.random.RandomState(seed)))
        model = make(**settings)
        try:
            quiet(model, X, NAMES, checkpoint=path, resume=True)
        except ValueError as error:
            n_refused += 1
            is_named = re.search("run.ckpt|the checkpoint holds|Solver produced", str(error))
            assert is_named, f"seed {seed}: {error!r}"  # noqa: PT017
            assert len(str(error)) < 1200, f"seed {seed}: {error!r}"  # noqa: PT017
            assert isinstance(error, OtherTrainingError) or "\n" not in str(error)  # noqa: PT017
        except Exception as error:
            pytest.fail(f"seed {seed}: {error!r}")
        else:
            assert model.predict(X).shape == NAMES.shape, f"seed {seed}"
    assert n_refused > N_CASES // 3
