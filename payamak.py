"""The command ``payamak``, also as ``python3 -m payamak``.

It handles Ctrl-C before it imports anything: the imports take a quarter of a second, long enough to press it.
"""

from __future__ import annotations

import os
import signal
import sys

__all__ = ["main"]


def main() -> None:
    """Run the command."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _exit)
    from smscore.cli import main as run

    run()


def _exit(number: int, frame: object) -> None:
    # Nothing needs finishing yet. Standard streams may be closed or full, and then only the exit code says it.
    if sys.stderr is not None and os.isatty(2):
        os.write(2, b"Interrupted.\n")
    os._exit(128 + number)


if __name__ == "__main__":
    main()
