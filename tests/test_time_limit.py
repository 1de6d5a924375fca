"""time_limit, which tests use: it stops what takes too long, where there is a signal for it."""

from __future__ import annotations

import signal
import time

import pytest
from time_limit import time_limit


@pytest.mark.skipif(not hasattr(signal, "SIGALRM"), reason="there is no such signal")
def test_a_block_that_takes_longer_is_stopped() -> None:
    with pytest.raises(TimeoutError, match="more than"), time_limit(0.01):
        time.sleep(60)


def test_without_the_signal_there_is_no_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SIGALRM", "setitimer", "ITIMER_REAL"):  # as on Windows
        monkeypatch.delattr(signal, name, raising=False)
    with time_limit(60):
        passed = True
    assert passed
