"""The signals that end in order whatever sends: Ctrl-C, SIGTERM, and the closing of the terminal."""

from __future__ import annotations

import signal
from typing import Final

HANGUP: Final[int | None] = getattr(signal, "SIGHUP", None)
"""Sent when the terminal closes, often several times: by the kernel, the shell, and systemd after its SIGTERM."""
STOP_SIGNALS: Final[tuple[int, ...]] = (signal.SIGINT, signal.SIGTERM, *(() if HANGUP is None else (HANGUP,)))


def without_ignored_hangup(numbers: tuple[int, ...]) -> tuple[int, ...]:
    """These signals, without a hangup that ``nohup`` has ignored."""
    if HANGUP is None or signal.getsignal(HANGUP) is not signal.SIG_IGN:
        return numbers
    return tuple(number for number in numbers if number != HANGUP)
