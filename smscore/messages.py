"""Outbound and inbound messages."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from attrs import field, frozen

from smscore.masking import masked_number, masked_text
from smscore.numbers import Recipient
from smscore.text import Text

__all__ = ["InboundMessage", "Message"]


@frozen
class Message:
    """One message of a peer-to-peer send: a recipient and a text.

    ``sender`` overrides the call's. ``ref`` is anything of yours: it comes back on the result and goes nowhere
    else.
    """

    to: Recipient = field(repr=masked_number)
    text: Text = field(repr=masked_text)
    sender: str | None = None
    ref: Any = field(default=None, repr=False)


@frozen
class InboundMessage:
    """A message that somebody sent to one of your lines.

    ``number`` is your line, ``sender`` who wrote, ``date`` the day of receipt or None where it cannot be read,
    ``raw`` the provider's own row.
    """

    number: str = field(repr=masked_number)
    sender: str = field(repr=masked_number)
    text: str = field(repr=masked_text)
    date: dt.date | None
    raw: Mapping[str, Any] = field(repr=False, eq=False)

    @property
    def message_id(self) -> int | None:
        """The provider's id of the message; None where it gives none."""
        return None

    @property
    def received_at(self) -> dt.datetime | None:
        """When it was received, aware; None where the provider gives the day at most."""
        return None
