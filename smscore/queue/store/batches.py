"""A batch that a worker has claimed, and the columns that hold what was done with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from attrs import define, field

from smscore.queue.databases.base import Row
from smscore.queue.payloads import unpack

PLACE_BITS: Final = 20  # of a message's id: its place in its batch
MAX_BATCH: Final = 1 << PLACE_BITS


class Hop(msgspec.Struct, omit_defaults=True, frozen=True):
    """One dispatch of a batch: to whom, when, and with which id.

    ``repeat_until`` is when the id's lifetime is over; None where the provider knows none, and nothing is repeated.
    """

    provider: str | None
    at: float
    request_id: str | None = None
    repeat_until: float | None = None
    sender: str | None = None
    account: str | None = None
    """The mark of the provider's account that it went to: another one would take a repeat for a new request."""
    setbacks: int = 0
    """How often the clock had been set back by then. Once it is more often, nobody knows how old the id is."""


_hops: Final = msgspec.json.Decoder(list[Hop])  # made before there are threads, as those of payloads


@define(repr=False)
class ClaimedBatch:
    """A batch in the hands of a worker."""

    id: int
    claim: str
    campaign_id: int
    account: str
    kind: str
    text: str | None
    sender: str | None
    pattern: str | None
    params: str | None
    options: str | None
    """More keyword arguments of the provider's call, packed."""
    first: int
    size: int
    stored: bytes = field(repr=False)
    """Its payload, still packed."""
    hops: list[Hop]
    dropped: list[int]
    may_have_arrived: bool
    """Whether a try before this claim may have arrived: the last hop is repeated, or nothing is sent."""
    tries: int
    """How often it had been dispatched when it was claimed."""
    dispatches: int = 0
    """How often it has been dispatched since, by this claim."""
    wait: float = 0.0
    """The seconds until the account's rate allows it."""
    is_probe: bool = False
    """Whether it finds out if the provider of a resting account is back."""
    suppression: int = -1
    """The state of the list of suppressed numbers by which ``dropped`` was found."""

    def note_dispatch(self, hop: Hop) -> None:
        """Note a committed dispatch by this claim: of a new hop, or of the last one again for a repeat."""
        self.dispatches += 1
        if hop is not self.hop:
            self.hops.append(hop)

    def keep(self, first: bytes) -> None:
        """Keep only these first recipients; the others have gone into another batch."""
        self.stored, self.size = first, len(unpack(first))
        self.dropped = [place for place in self.dropped if place < self.size]

    @property
    def hop(self) -> Hop | None:
        """The last dispatch."""
        return self.hops[-1] if self.hops else None


CLAIMED_COLUMNS: Final = (
    "b.id, b.claim, b.campaign_id, b.account, c.kind, c.text, b.sender, c.sender, c.pattern, c.params, c.options, "
    "b.first, b.size, b.payload, b.hops, b.dropped, b.state, b.tries"
)


def claimed_of(row: Row) -> ClaimedBatch:
    """The batch of a row of ``CLAIMED_COLUMNS``."""
    id_, claim, campaign, account, kind, text, own_sender, sender, pattern, params, options = row[:11]
    first, size, payload, hops, dropped, state, tries = row[11:]
    return ClaimedBatch(
        id_,
        claim,
        campaign,
        account,
        kind,
        text,
        own_sender or sender,
        pattern,
        params,
        options,
        first,
        size,
        bytes(payload),
        unpack_hops(hops),
        unpack_places(dropped),
        may_have_arrived=state == "sending",
        tries=tries,
    )


def pack_json(value: Any) -> str | None:
    """A list as a column; None if it is empty."""
    return msgspec.json.encode(value).decode() if value else None


def unpack_hops(column: str | None) -> list[Hop]:
    """The hops of a batch's column."""
    return [] if column is None else _hops.decode(column)


def hop_at(hops: Sequence[Hop], index: int | None) -> Hop | None:
    """The hop that a message's row names by its index; None where it names none, or one that is not there."""
    return hops[index] if index is not None and index < len(hops) else None


def unpack_places(column: str | None) -> list[int]:
    """The places of a batch's column."""
    return [] if column is None else msgspec.json.decode(column, type=list[int])
