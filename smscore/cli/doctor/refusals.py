"""What an error of a call says about the account."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from smscore.diagnosis import Doctor, Finding, Verdict, bad, cannot_tell
from smscore.error_words import on_one_line
from smscore.errors import (
    AccountError,
    AuthenticationError,
    ConnectionFailed,
    InsufficientCredit,
    InvalidParameters,
    InvalidRequest,
    MalformedResponse,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    ServerError,
    SMSError,
)

__all__ = ["finding_of_error"]

_BASE_URL: Final = "Check the base URL (<NAME>_BASE_URL)."
_LATER: Final = "Run the doctor again later."

# The first that fits names the check and what to do.
_KINDS: Final[Sequence[tuple[type[SMSError], str, Verdict, str]]] = (
    (AuthenticationError, "token", Verdict.BAD, "Copy it again from the panel (<NAME>_TOKEN). Its IPs may be limited."),
    (InsufficientCredit, "credit", Verdict.BAD, "Top up the account."),
    (AccountError, "account", Verdict.BAD, "Ask the provider."),
    (RateLimited, "answer", Verdict.CANNOT_TELL, f"There were too many requests. {_LATER}"),
    (NotFound, "answer", Verdict.BAD, f"The host has no such endpoint. {_BASE_URL}"),
    (InvalidParameters, "request", Verdict.BAD, "Run with --debug and report it: the provider expects another format."),
    (InvalidRequest, "line", Verdict.BAD, "Set <NAME>_SENDER, or give --from."),
    (ConnectionFailed, "host", Verdict.BAD, "Check the network."),
    (ServerError, "answer", Verdict.BAD, f"The provider failed. {_LATER}"),
    (MalformedResponse, "answer", Verdict.BAD, f"A CDN may have answered. {_BASE_URL} {_LATER}"),
    (OutcomeUnknown, "answer", Verdict.BAD, _LATER),
)  # fmt: skip
_LINE: Final = ("line", "Give a line of yours: set <NAME>_SENDER, or ask the provider which lines you have.")


def finding_of_error(error: SMSError, doctor: Doctor) -> Finding:
    """The finding of a call that failed, with the provider's words. Its own advice on a code comes first."""
    saw, own = on_one_line(error), _own_advice(error, doctor.advice)
    if own is not None:
        return bad(own[0], saw, own[1])
    if isinstance(error, InvalidParameters) and error.of_sender:
        return bad(_LINE[0], saw, _LINE[1])
    for kind, check, verdict, advice in _KINDS:
        if isinstance(error, kind):
            return Finding(check, verdict, saw, advice)
    return cannot_tell("answer", saw)


def _own_advice(error: SMSError, advice: Mapping[int | str, tuple[str, str]]) -> tuple[str, str] | None:
    return None if error.code is None else advice.get(error.code)
