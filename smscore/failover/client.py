"""The async face of a failover."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, Callable, Hashable, Mapping, Sequence
from contextlib import aclosing
from typing import Any, Final, Self

from smscore import clock
from smscore.client import AsyncClient, sends_nothing
from smscore.config import checked_seconds
from smscore.errors import ConfigurationError, InvalidRequest, SMSError
from smscore.failover.call import FailoverCall, Routing, Send, report_in
from smscore.failover.deliveries import delivery_sources
from smscore.failover.health import REST, Health
from smscore.failover.journal import Journal, on_batch_of
from smscore.failover.members import CallMember, Member
from smscore.failover.merged import Merged
from smscore.failover.pattern import Pattern
from smscore.failover.sends import SAMPLE, OwnTexts, PatternSend, refuse_sender, send_one_text, send_own_texts
from smscore.failover.stream import stream_reports
from smscore.inputs import check_text
from smscore.numbers import Recipient
from smscore.profile import AsyncCapable, Capability
from smscore.results import SendReport
from smscore.sending.batching import Outgoing
from smscore.sending.one_recipient import PatternValue, outgoing_to_one, pattern_texts
from smscore.sending.outgoing import (
    AnyMessage,
    Messages,
    OneText,
    Payload,
    PeerToPeer,
    Recipients,
    Source,
    checked_outgoing,
    iterable,
    recipients_of,
    stream_of,
)
from smscore.sending.send_call import OnBatch
from smscore.text import Text
from smscore.tracking.accounts import DeliverySource
from smscore.tracking.calls import AsyncDeliveryCalls

__all__ = ["AsyncFailover"]

_SEND: Final = "send"
_SEND_P2P: Final = "send_p2p"
_PASSED_ON: Final = frozenset({Capability.SENDS, Capability.SENDS_P2P, Capability.REPORTS_DELIVERIES})


class AsyncFailover(AsyncDeliveryCalls, AsyncCapable):
    """Sends through the first of several providers that takes a message.

    ``clients`` are async clients, in the order in which they are tried. ``rest`` is for how many seconds a provider is
    passed over after three failures in a row: batches without a usable answer, without a connection, or with a 429.
    After that one batch finds out whether it works again.

    A recipient goes on to the next provider only if it was provably not sent and another provider may do better: after
    ``ConnectionFailed``, ``AuthenticationError``, ``AccountError``, ``InsufficientCredit``, ``RateLimited``,
    ``OutsideServiceHours``, a refusal of the sender alone, and ``NotAttempted`` where the provider stopped the call.
    Nobody whose outcome is ``UNKNOWN`` goes on, and nobody whose number or text was refused.

    Each result says in ``provider`` who took it or was tried last, and in ``earlier`` what the providers before said.
    Senders are each client's own. ``Timeouts.call`` of the first client bounds a whole call. Only the last provider
    waits for a 429.
    """

    def __init__(self, *clients: AsyncClient, rest: float = REST) -> None:
        if not clients or not all(isinstance(client, AsyncClient) for client in clients):
            raise ConfigurationError("Give AsyncFailover one or more async clients, in the order to try them.")
        seconds = checked_seconds("rest", rest)
        self._members = [Member(client, Health(seconds), is_alone=len(clients) == 1) for client in clients]
        self._others = self._members[1:]

    def _with_clients(self, copy: Callable[[AsyncClient], AsyncClient]) -> AsyncFailover:
        """The same failover over copies of its clients: what is known of a provider's health is shared."""
        other = AsyncFailover(*(copy(member.client) for member in self._members))
        for member, own in zip(other._members, self._members, strict=True):
            member.health = own.health
        return other

    # Sending

    async def send(
        self, to: Recipients, text: Text, *, sender: str | None = None, on_batch: OnBatch | None = None
    ) -> SendReport:
        """Send one text to one recipient or many, and report each outcome.

        ``sender`` must be None: each client has its own. Raises ``InvalidNumber``, ``InvalidRequest`` or
        ``ConfigurationError`` before anything is sent, and by the report's outcomes as a client's ``send`` does.
        """
        refuse_sender(sender)
        members = self._members
        for member in self._others:
            if not member.dry_run.has_passed(_SEND):
                await self._dry_run([member], _SEND, send_one_text)
        for member in members:
            if member.health.rests_until is not None:
                outgoing = await checked_outgoing(recipients_of(to), OneText(check_text(text), None, {}))
                return await self._send(members, send_one_text, outgoing, on_batch)
        # The first client's own report is all that there is to do while it takes everybody.
        journal = None if on_batch is None else Journal(on_batch)
        deadline = _deadline(members)
        first: Any = members[0].first
        error: SMSError | None = None
        try:
            report: SendReport = await first.send(to, text, on_batch=on_batch_of(journal))
            if report._errors.is_empty:
                return report
        except SMSError as raised:
            if raised.report is None:
                raise
            report, error = raised.report, raised
        call = FailoverCall(_call_members(members, deadline, journal), send_one_text, journal, deadline, has_tried=True)
        outgoing = Outgoing([*report._recipients], [check_text(text)], [None])
        return await _continued(Routing(call, outgoing, Merged(outgoing)), report, error)

    async def send_p2p(
        self, messages: Messages, *, sender: str | None = None, on_batch: OnBatch | None = None
    ) -> SendReport:
        """Send each recipient their own text, and report each outcome.

        ``messages`` are ``smscore.Message`` without a sender, or (recipient, text) pairs; the rest is as in
        :meth:`send`. A provider that cannot do this is passed over.
        """
        refuse_sender(sender)
        members = self._able(Capability.SENDS_P2P)
        outgoing = await checked_outgoing(iterable(messages, "messages"), _own_texts(members))
        await self._dry_run(members, _SEND_P2P, send_own_texts)
        return await self._send(members, send_own_texts, outgoing, on_batch)

    def send_stream(
        self,
        to: Recipients | AsyncIterable[Recipient],
        text: Text,
        *,
        sender: str | None = None,
        on_batch: OnBatch | None = None,
    ) -> AsyncGenerator[SendReport, None]:
        """A report for every batch of the first client's, of an iterable of any length, as they finish.

        A bad number becomes a ``NOT_SENT`` result, and a batch's failure is in its report; a bad text raises. Closing
        the generator cancels what is in flight.
        """
        refuse_sender(sender)
        payload = OneText(check_text(text), None, {})
        return self._stream(self._members, _SEND, send_one_text, stream_of(to, "to"), payload, on_batch)

    def send_p2p_stream(
        self,
        messages: Messages | AsyncIterable[AnyMessage],
        *,
        sender: str | None = None,
        on_batch: OnBatch | None = None,
    ) -> AsyncGenerator[SendReport, None]:
        """A report for every batch of messages, as they finish; see :meth:`send_stream` and :meth:`send_p2p`."""
        refuse_sender(sender)
        members = self._able(Capability.SENDS_P2P)
        source = stream_of(messages, "messages")
        return self._stream(members, _SEND_P2P, send_own_texts, source, _own_texts(members), on_batch)

    async def send_pattern(
        self,
        to: Recipient,
        pattern: Pattern,
        params: Mapping[str, PatternValue],
        *,
        on_batch: OnBatch | None = None,
    ) -> SendReport:
        """Send a pattern to one recipient, as for one-time codes; the report has that one result.

        ``params`` are the values of the pattern's parameters, as a client's ``send_pattern`` takes them. A provider
        that ``pattern`` does not name is passed over; if none is left, or a parameter is missing, it is
        ``InvalidRequest``, and nothing is sent.
        """
        if not isinstance(pattern, Pattern):
            raise InvalidRequest("pattern must be a smscore.Pattern, which says what each provider sends.")
        texts = pattern_texts(params)
        members = [member for member in self._members if pattern.names(member.provider)]
        if not members:
            raise InvalidRequest("The pattern names none of the failover's providers. Add one of them to it.")
        send = PatternSend({member.provider: pattern.prepared(member.provider, texts) for member in members})
        outgoing = outgoing_to_one(to, None, {})
        for member in members:
            if pattern.is_approved(member.provider) and not _can(member, Capability.SENDS_PATTERNS):
                raise InvalidRequest(f"{member.provider} has no approved patterns. Give the pattern's text for it.")
            await self._dry_run([member], send.kind(member.provider) or _SEND, send, outgoing)
        return await self._send(members, send, outgoing, on_batch)

    # Settings and connections

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What any of the clients can do, of what a failover passes on."""
        return _PASSED_ON & {one for member in self._members for one in member.client.capabilities}

    @property
    def _delivery_sources(self) -> Mapping[str, DeliverySource]:
        return delivery_sources(member.client for member in self._members)

    @sends_nothing
    def check(self) -> None:
        """Raise ``ConfigurationError`` if a client would find no token or an invalid setting; opens nothing."""
        for member in self._members:
            member.client.check()

    async def aclose(self) -> None:
        """Close the clients. Closing twice is fine."""
        for member in self._members:
            await member.client.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.aclose()

    def __reduce__(self) -> str:
        raise TypeError("A failover holds connections and tokens, and cannot be pickled. Make one where you need it.")

    def __repr__(self) -> str:
        members: Sequence[Member] = getattr(self, "_members", ())
        return f"{type(self).__name__}({', '.join(repr(member.client) for member in members)})"

    # Means

    def _able(self, capability: Capability) -> list[Member]:
        able = [member for member in self._members if _can(member, capability)]
        if not able:
            raise InvalidRequest("None of the failover's providers can do this.")
        return able

    async def _dry_run(
        self, members: Sequence[Member], kind: Hashable, send: Send, outgoing: Outgoing = SAMPLE
    ) -> None:
        for member in members:
            if not member.dry_run.has_passed(kind):
                await member.dry_run.run(kind, lambda client: send(client, outgoing, None))

    async def _send(
        self, members: Sequence[Member], send: Send, outgoing: Outgoing, on_batch: OnBatch | None
    ) -> SendReport:
        journal = None if on_batch is None else Journal(on_batch)
        deadline = _deadline(members)
        call = FailoverCall(_call_members(members, deadline, journal), send, journal, deadline)
        return _raised(await Routing(call, outgoing, Merged(outgoing)).run(range(len(outgoing))))

    async def _stream(
        self,
        members: Sequence[Member],
        kind: Hashable,
        send: Send,
        source: Source,
        payload: Payload,
        on_batch: OnBatch | None,
    ) -> AsyncGenerator[SendReport, None]:
        await self._dry_run(members, kind, send)
        journal = None if on_batch is None else Journal(on_batch)
        deadline = _deadline(members)
        call = FailoverCall(_call_members(members, deadline, journal, concurrency=1), send, journal, deadline)
        async with aclosing(stream_reports(call, source, payload)) as reports:
            async for report in reports:
                yield report


async def _continued(routing: Routing, report: SendReport, error: SMSError | None) -> SendReport:
    """The report of a call, of which the first client gave this report, or raised it with this error."""
    whole = await routing.continue_from(report)
    if whole is not None:
        if error is not None:
            report_in(error)
        return _raised(whole)
    if error is not None:
        raise error
    return report


def _raised(report: SendReport) -> SendReport:
    """The report of a send. Raises where nobody was accepted, a batch failed or anybody is ``UNKNOWN``."""
    if not report.ok and not report.refused_one_by_one:
        report.raise_for_failures()
    return report


def _own_texts(members: Sequence[Member]) -> OwnTexts:
    return OwnTexts(PeerToPeer(members[0].client.provider, None, needs_sender=False, extra={}))


def _can(member: Member, capability: Capability) -> bool:
    return capability in member.client.capabilities


def _deadline(members: Sequence[Member]) -> float | None:
    seconds = members[0].client._settings.timeout.call
    return None if seconds is None else clock.monotonic() + seconds


def _call_members(
    members: Sequence[Member], deadline: float | None, journal: Journal | None, concurrency: int | None = None
) -> list[CallMember]:
    return [CallMember(member, deadline, journal, concurrency) for member in members]
