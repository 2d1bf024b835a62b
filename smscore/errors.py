"""Every error that Payamak raises.

::

    SMSError                                  .outcome is None unless noted, and for calls that send nothing
    ├─ ConfigurationError
    ├─ ClientClosed                           NOT_SENT
    ├─ InvalidRequest (also ValueError)       NOT_SENT: refused here, before any request
    │   └─ InvalidNumber                      .numbers
    ├─ ConnectionFailed                       NOT_SENT: never reached the provider
    ├─ NotAttempted                           NOT_SENT: .reason
    ├─ OutcomeUnknown                         UNKNOWN: the request may have left, and no usable answer came
    │   ├─ ResponseLost
    │   ├─ MalformedResponse
    │   └─ ServerError                        .retry_after
    ├─ ProviderError                          REJECTED: the provider said no
    │   ├─ AuthenticationError
    │   ├─ AccountError
    │   ├─ InsufficientCredit
    │   ├─ InvalidParameters                  .fields
    │   ├─ DuplicateRequest
    │   ├─ OutsideServiceHours
    │   ├─ RateLimited                        .retry_after
    │   └─ NotFound
    └─ PartialSendError                       .report, .errors

``SMSError`` and ``PartialSendError`` are defined in ``smscore.results``: errors hold reports, and reports hold errors.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from smscore.outcomes import Outcome
from smscore.results import PartialSendError, SMSError

__all__ = [
    "AccountError",
    "AuthenticationError",
    "ClientClosed",
    "ConfigurationError",
    "ConnectionFailed",
    "DuplicateRequest",
    "InsufficientCredit",
    "InvalidNumber",
    "InvalidParameters",
    "InvalidRequest",
    "MalformedResponse",
    "NotAttempted",
    "NotFound",
    "OutcomeUnknown",
    "OutsideServiceHours",
    "PartialSendError",
    "ProviderError",
    "RateLimited",
    "ResponseLost",
    "SMSError",
    "ServerError",
]


class ConfigurationError(SMSError):
    """The client cannot work like this: no token, a bad base URL, a limit out of range, a real host in a test run."""

    meets_every_batch: bool = True


class ClientClosed(SMSError):
    """The client was closed, before this call or while it waited to send: what it names was not sent."""

    default_outcome: ClassVar[Outcome | None] = Outcome.NOT_SENT


class InvalidRequest(SMSError, ValueError):
    """The input is wrong; it was refused here and nothing was sent."""

    default_outcome: ClassVar[Outcome | None] = Outcome.NOT_SENT


class InvalidNumber(InvalidRequest):
    """Some recipients are not mobile numbers: ``numbers`` lists (position from 0, as given)."""

    def __init__(self, text: str = "", *, numbers: Sequence[tuple[int, object]] = (), **answer: Any) -> None:
        super().__init__(text, **answer)
        self.numbers: list[tuple[int, object]] = list(numbers)


class ConnectionFailed(SMSError):
    """The request never reached the provider: it may be sent again."""

    default_outcome: ClassVar[Outcome | None] = Outcome.NOT_SENT


class NotAttempted(SMSError):
    """The request was not tried; ``reason`` says why, and ``__cause__`` is what ``on_batch`` raised, if it did.

    ``by_provider``: whether it is the provider that stopped the call, by a refusal that the rest would meet too or by
    an outage, and so another provider may take the messages.
    """

    default_outcome: ClassVar[Outcome | None] = Outcome.NOT_SENT

    def __init__(self, text: str = "", *, reason: str = "", by_provider: bool = False, **answer: Any) -> None:
        super().__init__(text, **answer)
        self.reason = reason
        self.by_provider = by_provider


class OutcomeUnknown(SMSError):
    """No usable answer came after the request may have left: the messages may have been sent."""

    default_outcome: ClassVar[Outcome | None] = Outcome.UNKNOWN


class ResponseLost(OutcomeUnknown):
    """The answer timed out, broke off or was cut short."""


class MalformedResponse(OutcomeUnknown):
    """A whole answer came, and it is not the documented one."""


class ServerError(OutcomeUnknown):
    """The provider answered with a 5xx; ``retry_after`` is the wait in seconds that it asks for, or None."""

    def __init__(self, text: str = "", *, retry_after: float | None = None, **answer: Any) -> None:
        super().__init__(text, **answer)
        self.retry_after = retry_after


class ProviderError(SMSError):
    """The provider refused the request. An undocumented code raises this class itself, with ``code`` set."""

    default_outcome: ClassVar[Outcome | None] = Outcome.REJECTED


class AuthenticationError(ProviderError):
    """The token is wrong, expired or not approved, or this machine's IP is not allowed."""

    meets_every_batch: bool = True


class AccountError(ProviderError):
    """The user, manager, line or service is inactive, expired or has no price."""

    meets_every_batch: bool = True


class InsufficientCredit(ProviderError):
    """The credit is too low."""

    meets_every_batch: bool = True


class InvalidParameters(ProviderError):
    """The provider found the request wrong: ``fields`` maps a field to what is wrong, where it says.

    ``of_sender``: whether nothing but the sender is wrong.
    """

    of_sender: bool = False


class DuplicateRequest(ProviderError):
    """The request id was used before. That earlier request may well have gone: do not send again."""


class OutsideServiceHours(ProviderError):
    """The provider serves this call at other hours only."""

    meets_every_batch: bool = True


class RateLimited(ProviderError):
    """Too many requests; ``retry_after`` is the wait in seconds that the provider asks for, or None."""

    def __init__(self, text: str = "", *, retry_after: float | None = None, **answer: Any) -> None:
        super().__init__(text, **answer)
        self.retry_after = retry_after


class NotFound(ProviderError):
    """The provider does not know what was asked for."""
