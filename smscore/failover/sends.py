"""How a client sends some of a failover's messages: one text to many, texts of their own, or a pattern."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import repeat
from typing import Any, Final

from attrs import frozen

from smscore.errors import InvalidRequest
from smscore.failover.pattern import Prepared
from smscore.results import SendReport
from smscore.sending.batching import Outgoing
from smscore.sending.outgoing import PeerToPeer
from smscore.sending.send_call import OnBatch

__all__ = ["SAMPLE", "OwnTexts", "PatternSend", "refuse_sender", "send_one_text", "send_own_texts"]

SAMPLE: Final = Outgoing(["09120000000"], ["-"], [None])
"""A message for the dry run of a send."""


async def send_one_text(client: Any, outgoing: Outgoing, on_batch: OnBatch | None) -> SendReport:
    """Send one text to many."""
    report: SendReport = await client.send(outgoing.recipients, outgoing.texts[0], on_batch=on_batch)
    return report


async def send_own_texts(client: Any, outgoing: Outgoing, on_batch: OnBatch | None) -> SendReport:
    """Send each recipient their own text."""
    texts = repeat(outgoing.texts[0], len(outgoing)) if len(outgoing.texts) == 1 else outgoing.texts
    messages = [*zip(outgoing.recipients, texts, strict=True)]
    report: SendReport = await client.send_p2p(messages, on_batch=on_batch)
    return report


@frozen
class PatternSend:
    """Sends a pattern to one recipient: ``prepared`` has for each provider what to send through it."""

    prepared: Mapping[str, Prepared]

    def kind(self, provider: str) -> tuple[str, ...] | None:
        """What tells an approved pattern from others, its code and parameters; None for a text."""
        prepared = self.prepared[provider]
        return None if isinstance(prepared, str) else (prepared[0], *sorted(prepared[1]))

    async def __call__(self, client: Any, outgoing: Outgoing, on_batch: OnBatch | None) -> SendReport:
        """Send it through this client."""
        prepared = self.prepared[client.provider.name]
        report: SendReport
        if isinstance(prepared, str):
            report = await client.send(outgoing.recipients, prepared, on_batch=on_batch)
        else:
            report = await client.send_pattern(outgoing.recipients[0], *prepared, on_batch=on_batch)
        return report


class OwnTexts:
    """Messages with a text each, and no sender."""

    def __init__(self, messages: PeerToPeer) -> None:
        self._messages = messages

    def columns(self, items: list[Any], start: int) -> Outgoing:
        """The messages, checked; see :meth:`PeerToPeer.columns`."""
        outgoing = self._messages.columns(items, start)
        for place, sender in enumerate(outgoing.senders, start):
            refuse_sender(sender, f" of message {place}")
        return outgoing


def refuse_sender(sender: object, of: str = "") -> None:
    """Raise ``InvalidRequest`` unless the sender is None: a line belongs to one provider alone."""
    if sender is not None:
        raise InvalidRequest(f"The sender{of} must be None: in a failover each client sends from its own line.")
