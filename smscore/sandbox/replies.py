"""What a provider answers, and what of it goes out."""

import enum
from collections.abc import Mapping

import attrs
import msgspec

__all__ = ["CallRefused", "ErrorCode", "PlannedResponse", "RefusalReason", "Reply", "planned"]


class RefusalReason(enum.Enum):
    """Why the shell refuses a request before the provider's own function sees it."""

    UNAUTHORIZED = "no token, or not in the provider's form"
    ROUTE = "no such path, or not with this method"
    BODY = "the body did not arrive whole, or is not in its declared encoding"
    SIZE = "the body is larger than the sandbox reads"


@attrs.frozen(repr=False)
class Reply:
    """An HTTP status and the JSON-ready body that goes with it."""

    status: int
    body: object


@attrs.frozen(repr=False)
class ErrorCode:
    """A documented error code of a provider: its words, and the reply that carries it."""

    words: str
    reply: Reply


class CallRefused(Exception):
    """Raised by a provider's function in place of returning: the reply that refuses the call."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status)
        self.reply = reply


@attrs.frozen(repr=False)
class PlannedResponse:
    """What goes out: after ``delay`` seconds, only half of it where ``is_cut``, and nothing where ``is_dropped``."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: Mapping[str, str] = attrs.field(factory=dict[str, str])
    delay: float = 0.0
    is_cut: bool = False
    is_dropped: bool = False


def planned(reply: Reply) -> PlannedResponse:
    """A reply as it goes out where nothing fails."""
    return PlannedResponse(reply.status, msgspec.json.encode(reply.body))
