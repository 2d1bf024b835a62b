"""What an ``enqueue`` is given, checked: a campaign, its recipients, and how they are split into batches."""

from __future__ import annotations

from collections.abc import AsyncIterable, Mapping
from typing import Any

import msgspec
from attrs import frozen

from smscore.errors import InvalidRequest
from smscore.failover import Pattern
from smscore.inputs import check_text
from smscore.numbers import Recipient
from smscore.queue.batcher import Batcher
from smscore.queue.options import CampaignOptions
from smscore.queue.payloads import ContentHash, content_hash
from smscore.queue.senders import P2P, PATTERN, TEXT, Sender
from smscore.queue.store.loading import NewCampaign
from smscore.sending.one_recipient import PatternValue, pattern_texts
from smscore.sending.outgoing import AnyMessage, Messages, OneText, PeerToPeer, Recipients, Source, stream_of
from smscore.sending.outgoing import Payload as Checks
from smscore.text import Text


@frozen
class Enqueued:
    """A campaign that is to be loaded from ``items``."""

    new: NewCampaign
    batcher: Batcher
    items: Source


@frozen
class Enqueuing:
    """One ``enqueue`` for an account. All methods raise ``InvalidRequest``."""

    account: str
    sender: Sender
    options: CampaignOptions

    def text(self, to: Recipients | AsyncIterable[Recipient], text: Text) -> Enqueued:
        """One text to these recipients."""
        line, words = self._line(), check_text(text)
        return self._made(TEXT, OneText("", line, {}), stream_of(to, "to"), line, (words, line), text=words)

    def p2p(self, messages: Messages | AsyncIterable[AnyMessage]) -> Enqueued:
        """A text of their own to each recipient."""
        line = self._line()
        columns = PeerToPeer(self.sender.provider, None, needs_sender=False, extra={})
        return self._made(P2P, columns, stream_of(messages, "messages"), line, (None, line))

    def pattern(
        self,
        to: Recipients | AsyncIterable[Recipient],
        code: str | Pattern,
        params: Mapping[str, PatternValue],
    ) -> Enqueued:
        """An approved pattern to these recipients."""
        line, packed = self._line(), self.sender.pattern(code)
        values = msgspec.json.encode(pattern_texts(params), order="sorted").decode()
        content = (packed, values, line)
        return self._made(
            PATTERN, OneText("", line, {}), stream_of(to, "to"), line, content, pattern=packed, params=values
        )

    def _line(self) -> str | None:
        return self.sender.line(self.options.sender)

    def _made(
        self, kind: str, columns: Checks, items: Source, line: str | None, content: tuple[str | None, ...], **more: Any
    ) -> Enqueued:
        """The campaign, sent from ``line``; ``content`` is what its key stands for besides recipients."""
        if not self.sender.can(kind):
            raise InvalidRequest(f"The provider of the account {self.account} cannot do this kind of send.")
        new = self.options
        campaign = NewCampaign(
            self.account,
            kind,
            key=new.key,
            sender=line,
            priority=new.priority,
            not_before=new.not_before,
            expires=new.expires,
            hours=new.window,
            **more,
        )
        digest: ContentHash | None = None if new.key is None else content_hash(self.account, kind, *content)
        batcher = Batcher(columns, self.sender.limit(kind), has_texts=kind == P2P, skip_bad=new.skip_bad, hash=digest)
        return Enqueued(campaign, batcher, items)
