"""What a provider's emulation replies, and the response that the server makes of it."""

from __future__ import annotations

import enum
from collections.abc import Mapping

import msgspec
from attrs import field, frozen

__all__ = ["CallRefused", "ErrorCode", "PlannedResponse", "RefusalReason", "Reply", "planned"]


class RefusalReason(enum.Enum):
    """Why the server refuses a request before the provider's own function sees it."""

    UNAUTHORIZED = "no token, or not in the provider's form"
    ROUTE = "no such path, or not with this method"
    BODY = "the body did not arrive whole, or is not in its declared encoding"
    SIZE = "the body is larger than the sandbox reads"


@frozen(repr=False)
class Reply:
    """An HTTP status and a JSON-ready body."""

    status: int
    body: object


@frozen(repr=False)
class ErrorCode:
    """A documented error code of a provider: its description, and the reply that carries it."""

    description: str
    reply: Reply


class CallRefused(Exception):
    """Raised by a provider's function instead of returning: the reply that refuses the call."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status)
        self.reply = reply


@frozen(repr=False)
class PlannedResponse:
    """A response and how it is delivered.

    It goes out after ``delay`` seconds; only half of the body where ``is_cut``, nothing at all where ``is_dropped``.
    """

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(factory=dict[str, str])
    delay: float = 0.0
    is_cut: bool = False
    is_dropped: bool = False


def planned(reply: Reply) -> PlannedResponse:
    """The response of a reply where no fault interferes."""
    return PlannedResponse(reply.status, msgspec.json.encode(reply.body))
