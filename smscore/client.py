"""What all async clients share: settings, connections, and the running of endpoints and batches."""

from __future__ import annotations

# It cannot be imported any more as the process ends, when aiohttp may come with a last alert.
import concurrent.futures.thread  # noqa: F401  # pyright: ignore[reportUnusedImport]
import inspect
import ssl as ssl_module
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    Awaitable,
    Callable,
    Generator,
    Iterable,
    Mapping,
    Sequence,
)
from contextlib import contextmanager
from functools import wraps
from itertools import chain
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, ParamSpec, Self, TypeVar, cast

import attrs

from smscore import clock
from smscore.account import AccountSettings, ResolvedAccount

# Child processes of a test run inherit what it finds, and may be started before a client is made.
from smscore.calls import guard  # noqa: F401  # pyright: ignore[reportUnusedImport]
from smscore.calls.caller import Caller
from smscore.calls.ratelimit import RateLimit
from smscore.calls.retry import RetryBudget
from smscore.calls.stop import StopRule
from smscore.config import (
    DEFAULT_RETRY,
    DEFAULT_TIMEOUTS,
    ITEMS_PER_TURN,
    MAX_CONCURRENCY,
    MAX_CONNECTIONS,
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
from smscore.loops.concurrency import for_each, let_others_run
from smscore.numbers import Recipient
from smscore.observing import registered_all
from smscore.outcomes import Outcome
from smscore.profile import AsyncCapable, Capability, Profile
from smscore.results import SendReport
from smscore.sending.batching import Outgoing, chunked
from smscore.sending.outgoing import (
    AnyMessage,
    Messages,
    OneText,
    PeerToPeer,
    Recipients,
    checked_outgoing,
    copied,
    in_pieces,
    iterable,
    recipients_of,
    stream_of,
)
from smscore.sending.send_call import OnBatch, SendCall
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


async def _checked_ids(message_ids: Iterable[int]) -> list[int]:
    ids: list[int] = []
    for piece in in_pieces(copied(message_ids)):
        ids += checked_ids(piece, len(ids))
        await let_others_run()
    return ids


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


class AsyncClient(AsyncCapable):
    """The async face of a provider."""

    provider: ClassVar[Provider]
    profile: ClassVar[Profile]
    sends: ClassVar[Mapping[str, SendEndpoint]] = MappingProxyType({})
    """The endpoints behind the sending methods, by the method's name: their limits, and the ids that repeats go by."""

    def __init__(
        self,
        token: str | None = None,
        *,
        sender: str | None = None,
        base_url: str | None = None,
        timeout: Timeouts | float = DEFAULT_TIMEOUTS,
        retry: RetryPolicy = DEFAULT_RETRY,
        max_concurrency: int = MAX_CONCURRENCY,
        max_connections: int = MAX_CONNECTIONS,
        batch_size: int | None = None,
        rate_limit: float | None = None,
        proxy: str | None = None,
        ssl: ssl_module.SSLContext | None = None,
        session: aiohttp.ClientSession | None = None,
        observers: Iterable[object] = (),
    ) -> None:
        """A client; no connection is opened yet.

        - ``token``, ``sender``, ``base_url``: where left out, read from the environment at each call, so that a client
          can be made before there is a token.
        - ``timeout``: seconds for one request in all, or ``smscore.Timeouts``, whose ``call`` bounds a whole call.
        - ``retry``: a ``smscore.RetryPolicy``; ``RetryPolicy.none()`` repeats nothing.
        - ``max_concurrency``: requests of one call at a time. ``max_connections``: those of all calls in an event loop,
          where the next request waits until one is free. ``batch_size``: recipients a request, at most the
          provider's limit. ``rate_limit``: requests a second, of all calls of this client together.
        - ``proxy``: its URL. ``ssl``: an ``ssl.SSLContext`` with a CA of yours; certificates are always checked.
        - ``session``, for async clients only: an ``aiohttp.ClientSession`` of yours, used in its own event loop and
          never closed.
        - ``observers``: who is told of each call, batch and request: objects with some of the methods of
          ``smscore.observing.Observer``. :func:`smscore.observe` observes all clients.

        Invalid settings raise ``ConfigurationError`` at once, a missing token from the first call or :meth:`check`.
        """
        max_concurrency = checked_limit("max_concurrency", max_concurrency)
        max_connections = checked_limit("max_connections", max_connections)
        if batch_size is not None:
            batch_size = checked_limit("batch_size", batch_size, self.provider.send_limit)
        checked_rate(rate_limit)
        self._account = AccountSettings.given(self.provider, token, sender, base_url)
        settings = Settings(
            timeout=checked_timeouts(timeout),
            retry=checked_retry(retry),
            max_concurrency=max_concurrency,
            batch_size=batch_size,
        )
        # With it comes aiohttp, which takes twice as long to import as all of the package.
        from smscore.calls.transport import Transport

        self._caller = Caller(
            self.provider,
            settings,
            Transport(proxy=checked_proxy(proxy), ssl=ssl, session=session, max_connections=max_connections),
            RetryBudget(),
            RateLimit(rate_limit) if rate_limit else None,
            observers=registered_all(observers),
        )

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What the provider's profile declares; ``smscore.protocols`` has a protocol for each."""
        return self.profile.capabilities

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
        )
        if not isinstance(rate_limit, Unset):
            checked_rate(rate_limit)
            limit = RateLimit(rate_limit) if rate_limit else None
        copy = self._with_caller(attrs.evolve(self._caller, settings=settings, limit=limit))
        if not isinstance(sender, Unset):
            copy._account = self._account.with_sender(sender)
        return copy

    def _with_caller(self, caller: Caller) -> Self:
        """The same client, its requests made by ``caller``."""
        copy = object.__new__(type(self))
        vars(copy).update(vars(self), _caller=caller)
        return copy

    @sends_nothing
    def check(self) -> None:
        """Raise ``ConfigurationError`` if a call would find no token or an invalid setting; opens nothing.

        Call it when a program starts: omitted settings are read from the environment at each call, so a missing one
        would otherwise show at the first message.
        """
        self._check_settings()

    def _check_settings(self) -> None:
        """Raise ``ConfigurationError``; a provider whose client has settings of its own checks those too."""
        self._account.resolve()

    @sends_nothing
    async def connect(self) -> None:
        """Open a connection in advance, which saves the next call DNS, TCP and TLS; sends nothing.

        For one-time codes: call it when somebody is about to ask for one. It is kept for 3 seconds, or for the
        ``idle`` of the client's ``Timeouts``. Raises ``ConnectionFailed``.
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
        raise TypeError("A client holds connections and a token, and cannot be pickled. Make one where you need it.")

    def __repr__(self) -> str:
        # A debugger may ask before the settings are checked.
        account: AccountSettings | None = getattr(self, "_account", None)
        return f"{type(self).__name__}({account.shown() if account else ''})"

    def _resolve_account(self) -> ResolvedAccount:
        """Token, sender and base URL of a call that begins now."""
        try:
            return self._account.resolve()
        except ConfigurationError as error:
            error.outcome = Outcome.NOT_SENT  # sends_nothing clears it
            raise

    # Reading

    async def _call(self, endpoint: Endpoint[P, R], params: P) -> R:
        """One request that sends no message."""
        account = self._resolve_account()
        with self._rule(endpoint.name) as rule:
            return await self._caller.call(endpoint, params, rule, account)

    async def _statuses(
        self, endpoint: Endpoint[Sequence[int], list[MessageStatus]], message_ids: Iterable[int]
    ) -> list[MessageStatus]:
        """The delivery statuses in the order asked, in requests of at most the endpoint's limit of ids."""
        size = endpoint.limit or ITEMS_PER_TURN
        chunks = chunked(await _checked_ids(iterable_of_ids(message_ids)), size)
        found: list[list[MessageStatus]] = [[]] * len(chunks)
        rule, account = self._rule(endpoint.name), self._resolve_account()

        async def read(number: int) -> None:
            found[number] = await self._caller.call(endpoint, chunks[number], rule, account)

        starts = ITEMS_PER_TURN // size
        with rule:
            await for_each(range(len(chunks)), read, self._settings.max_concurrency, starts_per_turn=starts)
        return [*chain.from_iterable(found)]

    def _reader(self, endpoint: Endpoint[P, R]) -> Callable[[P], Awaitable[R]]:
        """A function that calls an endpoint any number of times; ``Timeouts.call`` bounds these calls together."""
        time_left, account = self._settings.timeout.call, self._resolve_account()

        @sends_nothing
        async def read(params: P) -> R:
            nonlocal time_left
            rule, began = self._rule(endpoint.name), clock.monotonic()
            rule.deadline = None if time_left is None else began + time_left
            try:
                with rule:
                    return await self._caller.call(endpoint, params, rule, account)
            except NotAttempted as error:
                raise not_read_on(error) from None
            finally:
                if time_left is not None:
                    time_left -= clock.monotonic() - began

        return read

    def _rule(self, name: str | None = None) -> StopRule:
        """What may stop a call that begins now, told under this name if any. Raises ``ClientClosed``."""
        self._caller.transport.check_open()
        return self._caller.stop_rule(name)

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
        payload = OneText(check_text(text), account.line(sender, needed=endpoint.needs_sender), extra)
        outgoing = await checked_outgoing(recipients_of(to), payload)
        return await self._send_outgoing(endpoint, outgoing, account, on_batch, request_id)

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
        """One text per recipient."""
        account = self._resolve_account()
        payload = PeerToPeer(account.provider, account.line(sender, needed=False), endpoint.needs_sender, extra)
        outgoing = await checked_outgoing(iterable(messages, "messages"), payload)
        return await self._send_outgoing(endpoint, outgoing, account, on_batch, request_id)

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
        payload = OneText(check_text(text), account.line(sender, needed=endpoint.needs_sender), extra)
        return SendCall(self._caller, endpoint, account, on_batch).stream(stream_of(to, "to"), payload)

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
        payload = PeerToPeer(account.provider, account.line(sender, needed=False), endpoint.needs_sender, extra)
        return SendCall(self._caller, endpoint, account, on_batch).stream(stream_of(messages, "messages"), payload)

    async def _send_batch(
        self, endpoint: SendEndpoint, batch: Batch, account: ResolvedAccount, on_batch: OnBatch | None
    ) -> BatchResult:
        """The result of a call's only batch. An error that met the batch as a whole is raised."""
        return await SendCall(self._caller, endpoint, account, on_batch).send_batch(batch)

    def _send_outgoing(
        self,
        endpoint: SendEndpoint,
        outgoing: Outgoing,
        account: ResolvedAccount,
        on_batch: OnBatch | None,
        request_id: str | None,
    ) -> Awaitable[SendReport]:
        """The report of messages that have been checked; raises as ``send`` does."""
        return SendCall(self._caller, endpoint, account, on_batch).send(outgoing, request_id)
