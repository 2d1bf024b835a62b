"""The command ``payamak``, also as ``python3 -m payamak``.

It hears Ctrl-C before it imports anything: that takes a quarter of a second, in which people change their minds.
"""

from __future__ import annotations

import os
import signal
import sys


def main() -> None:
    """Run the command."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _leave)
    from smscore.cli import main as run

    run()


def _leave(number: int, frame: object) -> None:
    # There is nothing to bring to an end yet, and standard streams may be closed or full: the exit code says it.
    if sys.stderr is not None and os.isatty(2):
        os.write(2, b"Interrupted.\n")
    os._exit(128 + number)


if __name__ == "__main__":
    main()
