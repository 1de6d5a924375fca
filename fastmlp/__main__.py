"""The program: ``fastmlp``, or ``python -m fastmlp``."""

from __future__ import annotations

import signal
import sys


def main() -> None:
    """Run the command line; Ctrl-C ends it quietly, also while modules are loaded or unloaded."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from fastmlp.cli import app

    try:
        app(prog_name="fastmlp")
    except KeyboardInterrupt:  # raised while the handler was being exchanged
        sys.exit(130)


if __name__ == "__main__":
    main()
