"""The entries of Najva's answers, in the document's spelling."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, ClassVar, Final, Generic, Literal, TypeVar

from attrs import field, frozen
from msgspec import Meta

from smscore.wire import Row, masked_number, masked_text

# The document has receptor; answers with receiver have been seen.
_ALSO: Final = {"receptor": "receiver"}

Text = TypeVar("Text", bound=str)  # str, or a Literal of the texts that recur


# Fields are in the order in which answers have them: where msgspec finds the next one at once, it reads faster.


class SendEntry(Row, frozen=True, kw_only=True):
    """One message in the answer to a send. Only what tells whether it was taken is required."""

    also_called: ClassVar[Mapping[str, str]] = _ALSO

    messageid: int
    status: int
    sender: str | None = None
    receptor: str | int
    date: int | None = None
    cost: int | Decimal | None = None


class TakenEntry(Row, Generic[Text], frozen=True, kw_only=True):
    """One message in the answer to a send or to send-p2p, as it is when the message was taken."""

    messageid: Annotated[int, Meta(gt=0)]
    status: Literal[1, 2, 4, 10, 11]  # those of STATUSES that are not in REFUSED
    sender: Text | None = None
    receptor: str
    date: int | None = None
    cost: int | Decimal | None = None


class P2PEntry(Row, frozen=True, kw_only=True):
    """One message in the answer to send-p2p: with its text, which tells two messages to one number apart."""

    also_called: ClassVar[Mapping[str, str]] = _ALSO

    messageid: int
    message: str
    status: int
    sender: str | None = None
    receptor: str | int
    date: int | None = None
    cost: int | Decimal | None = None


class LookupEntry(Row, frozen=True, kw_only=True):
    """The message in the answer to a send by a template, which no document describes: only its id is required."""

    also_called: ClassVar[Mapping[str, str]] = _ALSO

    messageid: int
    status: int = 1
    sender: str | None = None
    receptor: str | int | None = None
    date: int | None = None
    cost: int | Decimal | None = None


class StatusEntry(Row, Generic[Text], frozen=True):
    """One message in the answer to status."""

    messageid: int
    status: int
    statustext: Text | None = None


@frozen
class UploadEntry:
    """The answer to an upload."""

    also_called: ClassVar[Mapping[str, str]] = {"file_id": "fild_id"}  # as some answers spell it

    file_id: str


@frozen
class OutboxHead:
    """The first entry of an outbox page."""

    totalMessages: int
    page: int | None = None


@frozen
class OutboxEntry:
    """Any other entry of an outbox page. No field is required, so that a malformed entry does not cost the others."""

    also_called: ClassVar[Mapping[str, str]] = _ALSO

    messageid: int | None = None
    message: str | None = field(default=None, repr=masked_text)
    status: int | None = None
    sender: str | None = None
    receptor: str | None = field(default=None, repr=masked_number)
    date: int | None = None
    cost: int | Decimal | None = None
