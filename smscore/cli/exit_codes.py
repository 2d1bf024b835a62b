"""The command's exit codes."""

from __future__ import annotations

from typing import Final

from smscore.cli import signals
from smscore.errors import (
    ClientClosed,
    ConfigurationError,
    ConnectionFailed,
    InvalidRequest,
    OutcomeUnknown,
    ProviderError,
    SMSError,
)
from smscore.queue.errors import QueueUnavailable

DONE: Final = 0
"""All recipients were accepted, or the command succeeded."""
SOME_NOT: Final = 1
"""Some recipients were not accepted or not sent to, or the answer is no."""
USAGE: Final = 2
"""Invalid usage or input; nothing was sent."""
REFUSED: Final = 3
"""Refused by the provider."""
NETWORK: Final = 4
"""No connection to the provider or to the queue's database, or no usable answer."""
DEFECT: Final = 70
"""An unexpected error: a defect of Payamak."""
SIGNALLED: Final = signals.SIGNALLED
"""Plus the signal's number: 130 for Ctrl-C, 143 for SIGTERM, 129 where the terminal was closed."""
INTERRUPTED: Final = 130
OUTPUT_CLOSED: Final = SIGNALLED + 13
"""Nobody reads standard output any more, as with ``payamak … | head``; SIGPIPE is signal 13."""

_OF_ERRORS: Final = (
    ((ConfigurationError, InvalidRequest, ClientClosed), USAGE),
    ((ProviderError,), REFUSED),
    ((ConnectionFailed, OutcomeUnknown, QueueUnavailable), NETWORK),
    ((SMSError, OSError), SOME_NOT),
)


def exit_code(error: BaseException) -> int:
    """The exit code for an error."""
    return next((code for kinds, code in _OF_ERRORS if isinstance(error, kinds)), DEFECT)
