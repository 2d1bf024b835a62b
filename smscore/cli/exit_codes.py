"""What the exit code of the command says."""

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

DONE: Final = 0
"""All was accepted, or what was asked for is there."""
SOME_NOT: Final = 1
"""Some recipients were not accepted, or not sent to."""
USAGE: Final = 2
"""The command or its input is wrong; nothing was sent."""
REFUSED: Final = 3
"""The provider refused it."""
NETWORK: Final = 4
"""The provider could not be reached, or gave no usable answer."""
DEFECT: Final = 70
"""Payamak met an error that it did not expect."""
SIGNALLED: Final = signals.SIGNALLED
"""Plus the signal's number: 130 for Ctrl-C, 143 for a SIGTERM."""
INTERRUPTED: Final = 130

_OF_ERRORS: Final = (
    ((ConfigurationError, InvalidRequest, ClientClosed), USAGE),
    ((ProviderError,), REFUSED),
    ((ConnectionFailed, OutcomeUnknown), NETWORK),
    ((SMSError, OSError), SOME_NOT),
)


def exit_code(error: BaseException) -> int:
    """The exit code for an error."""
    return next((code for kinds, code in _OF_ERRORS if isinstance(error, kinds)), DEFECT)
