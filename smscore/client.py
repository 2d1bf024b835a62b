"""What all async clients share: settings, connections, and the running of endpoints and batches."""

from __future__ import annotations

import inspect
import ssl as ssl_module
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    Awaitable,
    Callable,
    Generator,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import aclosing, contextmanager
from functools import partial, wraps
from itertools import chain, islice
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, ParamSpec, Self, TypeVar, cast

import attrs

from smscore import clock
from smscore.account import AccountSettings, ResolvedAccount
from smscore.calls.caller import Caller
from smscore.calls.ratelimit import RateLimit
from smscore.calls.retry import RetryBudget
from smscore.calls.stop import StopRule
from smscore.calls.transport import Transport
from smscore.config import (
    DEFAULT_RETRY,
    DEFAULT_TIMEOUTS,
    ITEMS_PER_TURN,
    MAX_CONCURRENCY,
    STREAM_BATCH_SIZE,
    UNSET,
    RetryPolicy,
    Settings,
    Timeouts,
    Unset,
    checked_limit,
    checked_proxy,
    checked_rate,
    checked_retry,
    checked_timeouts,
)
from smscore.errors import ConfigurationError, NotAttempted, SMSError
from smscore.inputs import check_text
from smscore.loops.concurrency import AsFinished, for_each, let_others_run, slices
from smscore.numbers import Recipient
from smscore.outcomes import Outcome
from smscore.results import SendReport
from smscore.sending.batching import Batches, Groups, Outgoing, add_to_groups, chunked, has_groups, split
from smscore.sending.delivery import BatchCall, Delivery, OnBatch
from smscore.sending.merging import Merger
from smscore.sending.outgoing import (
    AnyMessage,
    Messages,
    OneText,
    Payload,
    PeerToPeer,
    Recipients,
    Source,
    check_sendable,
    iterable,
    recipients_of,
    stream_of,
)
from smscore.statuses import MessageStatus, checked_ids, iterable_of_ids
from smscore.text import Text
from smscore.wire.batch import Batch, BatchResult, SendEndpoint
from smscore.wire.endpoint import Endpoint, Provider
from smscore.wire.paging import not_read_on

if TYPE_CHECKING:
    import aiohttp

P = TypeVar("P")
R = TypeVar("R")
Q = ParamSpec("Q")


async def _checked(items: Iterable[Any], payload: Payload) -> Outgoing:
    """All that a call sends; ``InvalidNumber`` names every bad number."""
    return check_sendable(await _columns(_copied(items), payload))


async def _columns(items: Iterable[Any], payload: Payload, start: int = 0) -> Outgoing:
    """The items, checked a slice at a time, so that a list of a million does not hold up the loop."""
    source = iter(items)
    columns = payload.columns([*islice(source, ITEMS_PER_TURN)], start)
    while piece := [*islice(source, ITEMS_PER_TURN)]:
        await let_others_run()
        columns.extend(payload.columns(piece, start + len(columns)))
    return columns


async def _groups(outgoing: Outgoing, *, one_sender: bool) -> Groups | None:
    """The messages by sender, a slice at a time, where that tells them apart."""
    if not has_groups(outgoing, one_sender=one_sender):
        return None
    groups: Groups = {}
    for start in range(0, len(outgoing), ITEMS_PER_TURN):
        add_to_groups(groups, outgoing, range(start, min(start + ITEMS_PER_TURN, len(outgoing))))
        await let_others_run()
    return groups


def _copied(items: Iterable[R]) -> Iterable[R]:
    # A collection is copied at once, since its owner may change it meanwhile; a tuple is less work for the collector.
    return items if isinstance(items, Iterator) else tuple(items)


async def _checked_ids(message_ids: Iterable[int]) -> list[int]:
    source = iter(_copied(message_ids))
    ids: list[int] = []
    while piece := [*islice(source, ITEMS_PER_TURN)]:
        ids += checked_ids(piece, len(ids))
        await let_others_run()
    return ids


def _one_text(
    endpoint: SendEndpoint, text: Text, account: ResolvedAccount, sender: str | None, extra: Mapping[str, str]
) -> OneText:
    return OneText(check_text(text), account.line(sender, needed=endpoint.needs_sender), extra)


def _peer_to_peer(
    endpoint: SendEndpoint, account: ResolvedAccount, sender: str | None, extra: Mapping[str, str]
) -> PeerToPeer:
    return PeerToPeer(account.provider, account.line(sender, needed=False), endpoint.needs_sender, extra)


def _raise_refusal(report: SendReport) -> None:
    """Raise what no batch of the call can get past: a host that a test run may not reach."""
    for failure in report._failures:
        if isinstance(failure, ConfigurationError):
            failure.report = report
            raise failure


def sends_nothing(method: Callable[Q, R]) -> Callable[Q, R]:
    """Mark a method or coroutine function that sends no message: its errors have no outcome."""

    @wraps(method)
    async def awaited(*args: Q.args, **kwargs: Q.kwargs) -> Any:
        with _no_outcome():
            return await cast("Callable[Q, Awaitable[Any]]", method)(*args, **kwargs)

    @wraps(method)
    def called(*args: Q.args, **kwargs: Q.kwargs) -> R:
        with _no_outcome():
            return method(*args, **kwargs)

    return cast("Callable[Q, R]", awaited) if inspect.iscoroutinefunction(method) else called


@contextmanager
def _no_outcome() -> Generator[None, None, None]:
    try:
        yield
    except SMSError as error:
        error.outcome = None
        raise


class AsyncClient:
    """The async face of a provider."""

    provider: ClassVar[Provider]

    def __init__(
        self,
        token: str | None = None,
        *,
        sender: str | None = None,
        base_url: str | None = None,
        timeout: Timeouts | float = DEFAULT_TIMEOUTS,
        retry: RetryPolicy = DEFAULT_RETRY,
        max_concurrency: int = MAX_CONCURRENCY,
        batch_size: int | None = None,
        rate_limit: float | None = None,
        proxy: str | None = None,
        ssl: ssl_module.SSLContext | None = None,
        session: aiohttp.ClientSession | None = None,
    ) -> None:
        """The client; no connection is opened yet.

        - ``token``, ``sender``, ``base_url``: where left out, read from the environment at each call, so that a client
          can be made where there is no token yet.
        - ``timeout``: seconds for one request in all, or ``smscore.Timeouts``, whose ``call`` bounds a whole call.
        - ``retry``: a ``smscore.RetryPolicy``; ``RetryPolicy.none()`` repeats nothing.
        - ``max_concurrency``: requests of one call at a time. ``batch_size``: recipients a request, at most the
          provider's limit. ``rate_limit``: requests a second, of all calls of this client together.
        - ``proxy``: its URL. ``ssl``: an ``ssl.SSLContext`` with a CA of yours; certificates are always checked.
        - ``session``, of an async client alone: an ``aiohttp.ClientSession`` of yours, used in its own event loop and
          never closed.

        Invalid settings raise ``ConfigurationError`` at once, a missing token from the first call or :meth:`check`.
        """
        max_concurrency = checked_limit("max_concurrency", max_concurrency)
        if batch_size is not None:
            batch_size = checked_limit("batch_size", batch_size, self.provider.send_limit)
        checked_rate(rate_limit)
        self._account = AccountSettings.given(self.provider, token, sender, base_url)
        settings = Settings(
            timeout=checked_timeouts(timeout),
            retry=checked_retry(retry),
            max_concurrency=max_concurrency,
            batch_size=batch_size,
            rate_limit=rate_limit,
        )
        self._caller = Caller(
            self.provider,
            settings,
            Transport(proxy=checked_proxy(proxy), ssl=ssl, session=session),
            RetryBudget(),
            RateLimit(rate_limit) if rate_limit else None,
        )

    @property
    def _settings(self) -> Settings:
        return self._caller.settings

    def with_options(
        self,
        *,
        timeout: Timeouts | float | Unset = UNSET,
        retry: RetryPolicy | Unset = UNSET,
        sender: str | Unset | None = UNSET,
        rate_limit: float | Unset | None = UNSET,
    ) -> Self:
        """The same client with these options changed, on the same connections; closing either closes both."""
        now, limit = self._settings, self._caller.limit
        settings = attrs.evolve(
            now,
            timeout=now.timeout if isinstance(timeout, Unset) else checked_timeouts(timeout),
            retry=now.retry if isinstance(retry, Unset) else checked_retry(retry),
            rate_limit=now.rate_limit if isinstance(rate_limit, Unset) else rate_limit,
        )
        if not isinstance(rate_limit, Unset):
            checked_rate(rate_limit)
            limit = RateLimit(rate_limit) if rate_limit else None
        copy = object.__new__(type(self))
        copy._account = self._account if isinstance(sender, Unset) else self._account.with_sender(sender)
        copy._caller = attrs.evolve(self._caller, settings=settings, limit=limit)
        return copy

    @sends_nothing
    def check(self) -> None:
        """Raise ``ConfigurationError`` if a call would find no token or an invalid setting; opens nothing.

        For the start of a program: what is left out of the settings is read from the environment at each call, and so
        would otherwise be missed by the first message.
        """
        self._account.resolve()

    @sends_nothing
    async def connect(self) -> None:
        """Open a connection ahead, so that the next call has host name, TCP and TLS behind it; nothing is sent.

        For one-time codes: call it when somebody is about to ask for one. It is kept for 3 seconds, as connections
        between requests are. Raises ``ConnectionFailed``.
        """
        await self._caller.connect(self._rule(), self._resolve_account())

    async def aclose(self) -> None:
        """Close the client's connections; a session of yours stays open. Closing twice is fine.

        Calls under way end at once, each with its report: what was in flight is ``UNKNOWN``, the rest ``NOT_SENT``.
        """
        await self._caller.transport.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.aclose()

    def __reduce__(self) -> str:
        raise TypeError("A client holds connections and a token, and is never pickled. Make one where you need it.")

    def __repr__(self) -> str:
        account: AccountSettings | None = getattr(
            self, "_account", None
        )  # a debugger may ask before the settings are checked
        return f"{type(self).__name__}({account.shown() if account else ''})"

    def _resolve_account(self) -> ResolvedAccount:
        """Token, sender and base URL of a call that begins now."""
        try:
            return self._account.resolve()
        except ConfigurationError as error:
            error.outcome = Outcome.NOT_SENT  # reads take it off
            raise

    def _batch_size(self, endpoint: SendEndpoint) -> int | None:
        limits = [self._settings.batch_size, endpoint.limit or self.provider.send_limit]
        return min((limit for limit in limits if limit is not None), default=None)

    # Reading

    async def _call(self, endpoint: Endpoint[P, R], params: P) -> R:
        """One request that sends no message."""
        return await self._caller.call(endpoint, params, self._rule(), self._resolve_account())

    async def _statuses(
        self, endpoint: Endpoint[Sequence[int], list[MessageStatus]], message_ids: Iterable[int]
    ) -> list[MessageStatus]:
        """The delivery statuses in the order asked, by as many requests as the provider's limit asks for."""
        size = endpoint.limit or ITEMS_PER_TURN
        chunks = chunked(await _checked_ids(iterable_of_ids(message_ids)), size)
        found: list[list[MessageStatus]] = [[]] * len(chunks)
        rule, account = self._rule(), self._resolve_account()

        async def read(number: int) -> None:
            found[number] = await self._caller.call(endpoint, chunks[number], rule, account)

        await for_each(range(len(chunks)), read, self._settings.max_concurrency, starts_per_turn=ITEMS_PER_TURN // size)
        return [*chain.from_iterable(found)]

    def _reader(self, endpoint: Endpoint[P, R]) -> Callable[[P], Awaitable[R]]:
        """What reads an endpoint any number of times; the reads alone, all together, have the time of one call."""
        time_left, account = self._settings.timeout.call, self._resolve_account()

        @sends_nothing
        async def read(params: P) -> R:
            nonlocal time_left
            rule, began = self._rule(), clock.monotonic()
            rule.deadline = None if time_left is None else began + time_left
            try:
                return await self._caller.call(endpoint, params, rule, account)
            except NotAttempted as error:
                raise not_read_on(error) from None
            finally:
                if time_left is not None:
                    time_left -= clock.monotonic() - began

        return read

    def _rule(self) -> StopRule:
        """What may stop a call that begins now."""
        self._caller.transport.check_open()
        return self._stop_rule()

    def _stop_rule(self) -> StopRule:
        call = self._settings.timeout.call
        return StopRule(deadline=None if call is None else clock.monotonic() + call)

    # Sending

    async def _send(
        self,
        endpoint: SendEndpoint,
        to: Recipients,
        text: Text,
        sender: str | None,
        on_batch: OnBatch | None,
        *,
        extra: Mapping[str, str] = MappingProxyType({}),
        request_id: str | None = None,
    ) -> SendReport:
        """One text to many recipients."""
        account = self._resolve_account()
        payload = _one_text(endpoint, text, account, sender, extra)
        outgoing = await _checked(recipients_of(to), payload)
        return await self._deliver(endpoint, outgoing, account, on_batch, request_id)

    async def _send_p2p(
        self,
        endpoint: SendEndpoint,
        messages: Messages,
        sender: str | None,
        on_batch: OnBatch | None,
        *,
        extra: Mapping[str, str] = MappingProxyType({}),
        request_id: str | None = None,
    ) -> SendReport:
        """A text of its own to each recipient."""
        account = self._resolve_account()
        payload = _peer_to_peer(endpoint, account, sender, extra)
        outgoing = await _checked(iterable(messages, "messages"), payload)
        return await self._deliver(endpoint, outgoing, account, on_batch, request_id)

    def _send_stream(
        self,
        endpoint: SendEndpoint,
        to: Recipients | AsyncIterable[Recipient],
        text: Text,
        sender: str | None,
        on_batch: OnBatch | None,
        *,
        extra: Mapping[str, str] = MappingProxyType({}),
    ) -> AsyncGenerator[SendReport, None]:
        """One text to a source of recipients of any length."""
        account = self._resolve_account()
        payload = _one_text(endpoint, text, account, sender, extra)
        return self._stream(endpoint, stream_of(to, "to"), payload, account, on_batch)

    def _send_p2p_stream(
        self,
        endpoint: SendEndpoint,
        messages: Messages | AsyncIterable[AnyMessage],
        sender: str | None,
        on_batch: OnBatch | None,
        *,
        extra: Mapping[str, str] = MappingProxyType({}),
    ) -> AsyncGenerator[SendReport, None]:
        """A source of messages of any length."""
        account = self._resolve_account()
        payload = _peer_to_peer(endpoint, account, sender, extra)
        return self._stream(endpoint, stream_of(messages, "messages"), payload, account, on_batch)

    async def _send_batch(
        self, endpoint: SendEndpoint, batch: Batch, account: ResolvedAccount, on_batch: OnBatch | None
    ) -> BatchResult:
        """What became of the one batch that a call consists of; an error that met it whole is raised."""
        result = await self._delivery(self._batches_to(endpoint, account), on_batch).deliver(batch)
        if result.failure is not None:
            raise result.failure
        return result

    async def _deliver(
        self,
        endpoint: SendEndpoint,
        outgoing: Outgoing,
        account: ResolvedAccount,
        on_batch: OnBatch | None,
        request_id: str | None,
    ) -> SendReport:
        groups = await _groups(outgoing, one_sender=endpoint.one_sender)
        batches = split(
            outgoing,
            self._batch_size(endpoint),
            one_sender=endpoint.one_sender,
            groups=groups,
            request_ids=endpoint.request_ids,
            request_id=request_id,
        )
        merger = Merger(outgoing, provider=self.provider.name)
        delivery = self._delivery(self._batches_to(endpoint, account), on_batch)

        async def deliver(batch: Batch) -> None:
            merger.add(batch, await delivery.deliver(batch))

        size = len(batches.chunks[0])
        await for_each(batches, deliver, self._settings.max_concurrency, starts_per_turn=ITEMS_PER_TURN // size)
        report = merger.report()
        if not report.ok and not report.refused_one_by_one:
            report.raise_for_failures()
        return report

    async def _stream(
        self,
        endpoint: SendEndpoint,
        items: Source,
        payload: Payload,
        account: ResolvedAccount,
        on_batch: OnBatch | None,
    ) -> AsyncGenerator[SendReport, None]:
        self._caller.transport.check_open()
        delivery = self._delivery(self._batches_to(endpoint, account), on_batch)

        async def deliver(window: tuple[Merger, Batches]) -> SendReport:
            merger, batches = window
            for batch in batches:
                merger.add(batch, await delivery.deliver(batch))
            return merger.report()

        async with (
            aclosing(self._windows(endpoint, items, payload)) as windows,
            aclosing(AsFinished(windows, deliver, self._settings.max_concurrency)) as reports,
        ):
            has_left = False
            async for report in reports:
                has_left = has_left or len(report.not_sent) < len(report)
                if not has_left:
                    _raise_refusal(report)
                yield report

    async def _windows(
        self, endpoint: SendEndpoint, items: Source, payload: Payload
    ) -> AsyncGenerator[tuple[Merger, Batches], None]:
        """A source in windows of one report each; it is one batch, or one for each sender in it."""
        size = self._batch_size(endpoint) or STREAM_BATCH_SIZE
        offset = index = 0
        async with aclosing(slices(items, size)) as pieces:
            while piece := await self._next_piece(pieces):
                outgoing = await _columns(piece, payload, offset)
                batches = split(
                    outgoing,
                    size,
                    one_sender=endpoint.one_sender,
                    request_ids=endpoint.request_ids,
                    first_index=index,
                )
                yield Merger(outgoing, offset, provider=self.provider.name), batches
                offset += len(piece)
                index += len(batches)

    async def _next_piece(self, pieces: AsyncGenerator[list[R], None]) -> list[R]:
        """What a source gives next, empty at its end; a source that is waited for does not outlast the client."""
        async with self._caller.transport.waiting():
            nothing: list[R] = []
            return await anext(pieces, nothing)

    def _batches_to(self, endpoint: SendEndpoint, account: ResolvedAccount) -> BatchCall:
        return partial(self._caller.call, endpoint, account=account, has_turn=True)

    def _delivery(self, call: BatchCall, on_batch: OnBatch | None) -> Delivery:
        # A closed client refuses each batch, so that a call which it was closed under has a report.
        return Delivery(self.provider.name, call, self._caller.turn, self._stop_rule(), on_batch)
