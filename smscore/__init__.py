"""What Payamak's provider packages share, and what their users catch, read and set."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smscore.config import Polling, RetryPolicy, Timeouts
from smscore.errors import (
    AccountError,
    AuthenticationError,
    ClientClosed,
    ConfigurationError,
    ConnectionFailed,
    DuplicateRequest,
    InsufficientCredit,
    InvalidNumber,
    InvalidParameters,
    InvalidRequest,
    MalformedResponse,
    NotAttempted,
    NotFound,
    OutcomeUnknown,
    OutsideServiceHours,
    PartialSendError,
    ProviderError,
    RateLimited,
    ResponseLost,
    ServerError,
    SMSError,
)
from smscore.inputs import count_parts, normalize_number
from smscore.messages import InboundMessage, Message
from smscore.observing import observe
from smscore.outcomes import Outcome
from smscore.results import RecipientResult, SendReport
from smscore.statuses import Delivery, DeliveryStatus, MessageStatus
from smscore.text import Parts

__all__ = [
    "AccountError",
    "Approved",
    "AsyncFailover",
    "AuthenticationError",
    "BatchEvent",
    "ClientClosed",
    "ConfigurationError",
    "ConnectionFailed",
    "Delivery",
    "DeliveryStatus",
    "DuplicateRequest",
    "Failover",
    "InboundMessage",
    "InsufficientCredit",
    "InvalidNumber",
    "InvalidParameters",
    "InvalidRequest",
    "MalformedResponse",
    "Message",
    "MessageStatus",
    "NotAttempted",
    "NotFound",
    "Outcome",
    "OutcomeUnknown",
    "OutsideServiceHours",
    "PartialSendError",
    "Parts",
    "Pattern",
    "Polling",
    "ProviderError",
    "RateLimited",
    "RecipientResult",
    "ResponseLost",
    "RetryPolicy",
    "SMSError",
    "SendReport",
    "ServerError",
    "Timeouts",
    "count_parts",
    "normalize_number",
    "observe",
    "sandbox",
]

if TYPE_CHECKING:
    from smscore import sandbox
    from smscore.failover import Approved, AsyncFailover, Failover, Pattern
    from smscore.sending.send_call import BatchEvent


def __getattr__(name: str) -> object:
    # The sandbox brings a web server along, which only tests and demos need, and what sends an HTTP client, which the
    # help of the command does not.
    if name == "sandbox":
        import smscore.sandbox

        return smscore.sandbox
    if name == "BatchEvent":
        from smscore.sending.send_call import BatchEvent

        return BatchEvent
    if name in ("Approved", "AsyncFailover", "Failover", "Pattern"):
        import smscore.failover

        return getattr(smscore.failover, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
