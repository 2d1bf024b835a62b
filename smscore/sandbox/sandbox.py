"""The sandbox as its users see it."""

from __future__ import annotations

import asyncio
import queue
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from functools import partial, wraps
from os import PathLike
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Concatenate, Final, ParamSpec, Self, TypeVar

from smscore import clock
from smscore.loops.concurrency import running_loop
from smscore.numbers import Recipient
from smscore.sandbox.callers import Callers, host_names
from smscore.sandbox.emulation import Emulation
from smscore.sandbox.fault_kinds import FaultKind
from smscore.sandbox.installed import installed_emulations
from smscore.sandbox.memory.file_store import FileStore
from smscore.sandbox.memory.messages import Inbound, Outbound, SandboxMessage, TokenAccount
from smscore.sandbox.memory.search import newest_code, next_message, sent_to
from smscore.sandbox.memory.state import State
from smscore.sandbox.memory.store import Store, StoreError
from smscore.sandbox.server import Server
from smscore.sandbox.server_thread import ServerThread
from smscore.sandbox.spelling import normalized
from smscore.sandbox.webhook import Method

__all__ = ["Sandbox"]

E = TypeVar("E", bound=Emulation)
P = ParamSpec("P")
R = TypeVar("R")

OPENING_CREDIT: Final = 1_000_000_000
KEPT: Final = 100_000  # messages
_TAKES_ALL: Final[Mapping[str, object]] = MappingProxyType({})

_NONE_CAME: Final = "No such message was sent in time. Those that were are in the sandbox's messages."

# A wildcard address is only for listening; a client on this machine connects to loopback.
_REACHED_AT: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 (nothing binds to it unasked)


def _in_turn(method: Callable[Concatenate[Sandbox, P], R]) -> Callable[Concatenate[Sandbox, P], R]:
    """Let a method have the memory to itself, in the server's own thread if it has one."""

    @wraps(method)
    def in_turn(self: Sandbox, /, *args: P.args, **kwargs: P.kwargs) -> R:
        def locked() -> R:
            with self._state.lock:
                return method(self, *args, **kwargs)

        return locked() if self._thread is None else self._thread.call(locked)

    return in_turn


class Sandbox:
    """The providers on this machine: nothing is sent, and everything is remembered.

    ``async with Sandbox() as box:`` serves in the running event loop, ``with Sandbox() as box:`` in a thread of its
    own. ``port`` 0 chooses a free one. Any token that is not empty opens an account at its first use, with
    ``credit`` Rials. The last ``keep`` messages are remembered. ``store`` names a file that keeps them after the end,
    with the credit of accounts, the messages that came in, and the statuses set by hand. The sandbox answers to
    loopback names, to IP addresses, and to the names in ``allow_hosts``, e.g. that of a compose service. Where a
    provider's document says two things it takes both; ``strict`` has the one that it takes by the provider's name, as
    the client's own option: ``{"nobody": nobody_sms.Wire(…)}``, or as a mapping. ``clock``
    returns seconds since the epoch. All methods may be called from any thread; what the sandbox remembers can still be
    read after its end.

    Raises:
        StoreError: the file is no sandbox's store, or in use.
        ValueError: ``strict`` names no provider, or nothing that its document leaves open.
    """

    def __init__(
        self,
        port: int = 0,
        *,
        host: str = "127.0.0.1",
        credit: int = OPENING_CREDIT,
        keep: int = KEPT,
        store: str | PathLike[str] | None = None,
        allow_hosts: Iterable[str] = (),
        strict: Mapping[str, object] = _TAKES_ALL,
        clock: Callable[[], float] = clock.time,
    ) -> None:
        self._emulations = installed_emulations()
        for provider, reading in strict.items():
            self._emulation(provider).take_only(reading)
        if keep < 1:
            raise ValueError("keep must be 1 or more: it is how many messages are kept.")
        file = None if store is None else FileStore(Path(store))
        self._state = State(self._emulations, credit=credit, clock=clock, keep=keep, store=file or Store())
        if file is not None:
            self._state.restore(file.load())
        self._host = host
        # Its own host too: that is the name by which its clients know it.
        self._callers = Callers(host_names(allow_hosts) | {host.lower()})
        self._asked_port = port
        self._server: Server | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: ServerThread | None = None

    def __repr__(self) -> str:
        return f"Sandbox({self._origin() if self._server else 'not running'})"

    # Where it is

    @property
    def providers(self) -> list[str]:
        """The names of the providers that it emulates."""
        return list(self._emulations)

    def url(self, provider: str) -> str:
        """The base URL for that provider's client.

        Raises:
            RuntimeError: the sandbox is not running.
        """
        return f"{self._origin()}/{self._emulation(provider).name}"

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables that point every client at the sandbox, with a token and a sender."""
        return {
            f"{name.upper()}_{setting}": value
            for name, emulation in self._emulations.items()
            for setting, value in (
                ("BASE_URL", self.url(name)),
                ("TOKEN", "sandbox"),
                ("SENDER", emulation.lines[0]),
            )
        }

    def _origin(self) -> str:
        if self._server is None:
            raise RuntimeError("The sandbox is not running: use it in a with block.")
        host = _REACHED_AT.get(self._host, self._host)
        return f"http://[{host}]:{self._server.port}" if ":" in host else f"http://{host}:{self._server.port}"

    # What it holds

    @property
    @_in_turn
    def messages(self) -> list[SandboxMessage]:
        """Every accepted message, oldest first, with its status code at this moment."""
        now = self._state.now()
        return [self._public(message, now) for message in self._state.messages]

    def _public(self, message: Outbound, now: float) -> SandboxMessage:
        return SandboxMessage(
            provider=message.provider,
            recipient=message.recipient,
            sender=message.sender,
            text=message.text,
            message_id=message.message_id,
            code=self._emulations[message.provider].code(message, now),
            received_at=datetime.fromtimestamp(message.received_at, UTC),
        )

    def last_code(self, number: Recipient) -> str | None:
        """The one-time code, in ASCII digits, of the last message to ``number`` that has one; None if none has."""
        found = newest_code(self._sent_to(number))
        return found and found[0]

    @_in_turn
    def _sent_to(self, number: Recipient) -> list[Outbound]:
        return list(sent_to(self._state, number, None))

    def wait_for(self, number: Recipient, *, text: str | None = None, timeout: float = 5.0) -> SandboxMessage:
        """The last message to ``number`` that contains ``text``; if there is none yet, the first one that comes.

        Raises:
            TimeoutError: none came within ``timeout`` seconds.
            RuntimeError: the sandbox serves in the running event loop, which this would block.
        """
        if self._loop is not None and self._loop is running_loop():
            raise RuntimeError(
                "wait_for would block the event loop in which the sandbox serves: await wait_for_async instead."
            )
        heard: queue.SimpleQueue[None] = queue.SimpleQueue()
        until = clock.monotonic() + timeout
        with self._state.listening(partial(heard.put, None)):
            while (found := self._last_to(number, text)) is None:
                try:
                    heard.get(timeout=max(0.0, until - clock.monotonic()))
                except queue.Empty:
                    raise TimeoutError(_NONE_CAME) from None
        return found

    async def wait_for_async(
        self,
        number: Recipient,
        *,
        text: str | None = None,
        timeout: float = 5.0,  # noqa: ASYNC109 (the same as wait_for has, and with its error)
    ) -> SandboxMessage:
        """The same as ``wait_for``, without blocking the event loop."""
        heard, loop = asyncio.Event(), asyncio.get_running_loop()
        with self._state.listening(partial(loop.call_soon_threadsafe, heard.set)):
            try:
                async with clock.timeout(timeout):
                    while (found := self._last_to(number, text)) is None:
                        await heard.wait()
                        heard.clear()
            except TimeoutError:
                raise TimeoutError(_NONE_CAME) from None
        return found

    @_in_turn
    def _last_to(self, number: Recipient, text: str | None) -> SandboxMessage | None:
        found = next_message(self._state, number, text)
        return None if found is None else self._public(found, self._state.now())

    @_in_turn
    def credit(self, provider: str, token: str) -> int:
        """The credit of a token's account, in Rials. ``token`` is without its scheme, such as ``Bearer``."""
        return self._account(provider, token).credit

    @_in_turn
    def set_credit(self, provider: str, token: str, rials: int) -> None:
        """Set the credit of a token's account, in Rials."""
        self._account(provider, token)
        self._state.set_credit(provider, token, rials)

    def _account(self, provider: str, token: str) -> TokenAccount:
        if not token or token.strip() != token or token.startswith("Bearer "):
            raise ValueError("token must not be empty, and without its scheme and surrounding spaces.")
        return self._state.account(self._emulation(provider).name, token)

    # What can be made to happen

    @_in_turn
    def advance(self, seconds: float) -> None:
        """Move the sandbox's clock forward.

        Raises:
            ValueError: not a finite number of 0 or more, or the clock would be over 100 years ahead.
        """
        self._state.advance(seconds)

    @_in_turn
    def feed(self, provider: str, *, sender: Recipient, number: str, text: str) -> None:
        """Let a message from ``sender`` come in on the line ``number``, for the clients that read messages.

        Raises:
            ValueError: unknown provider, or a text that UTF-8 cannot encode.
        """
        sender = sender if isinstance(sender, str) else normalized(sender)
        for value in (sender, number, text):
            value.encode()  # raises UnicodeEncodeError, a ValueError, for a lone surrogate, which no reply could carry
        name = self._emulation(provider).name
        self._state.add_inbound(Inbound(name, sender, number, text, self._state.now()))

    @_in_turn
    def settle(self, provider: str, message_id: int, code: int) -> None:
        """Set the status code of a message for good, e.g. undelivered or blocked.

        All messages of a bulk are set by its id. A code that the provider refunds returns the message's cost.

        Raises:
            KeyError: the provider gave no such id, or its message is no longer kept.
            ValueError: the provider has no such code.
        """
        emulation = self._emulation(provider)
        if code not in emulation.codes:
            raise ValueError(f"{provider} has no status {code}; it has {sorted(emulation.codes)}.")
        found = [m for m in self._state.messages if (m.provider, m.message_id) == (provider, message_id)]
        if not found:
            raise KeyError(message_id)
        self._state.settle(found, code)

    @_in_turn
    def set_pattern(self, provider: str, code: str, text: str) -> None:
        """Add or replace a pattern; ``%code%`` in its text is a placeholder named code.

        Raises:
            ValueError: the provider has no patterns.
        """
        self._emulation(provider).set_pattern(code, text)

    @_in_turn
    def fail(
        self,
        kind: FaultKind,
        *,
        provider: str | None = None,
        call: str | None = None,
        number: Recipient | None = None,
        times: int | None = None,
        code: int | None = None,
        seconds: float | None = None,
    ) -> None:
        """Let requests fail: the next ``times`` that match, or all of them until ``clear_faults``.

        Omitted filters match everything. ``kind`` is ``refuse`` (with one of the provider's error codes as ``code``),
        ``no_credit``, ``expired_token``, ``rate_limit`` (429, with ``seconds`` in Retry-After), ``server_error``,
        ``html`` (with a 200) or ``drop_before`` (the connection closes). With ``drop_after``, ``cut`` (half a
        response) and ``delay`` (by ``seconds``) the request is accepted all the same.

        Raises:
            ValueError: the fault could never match a request, or a value is out of range.
        """
        self._state.faults.add(
            kind, provider=provider, call=call, number=number, times=times, code=code, seconds=seconds
        )

    @_in_turn
    def clear_faults(self) -> None:
        """Clear all faults."""
        self._state.faults.clear()

    @_in_turn
    def set_webhook(self, url: str | None, method: Method = "POST") -> None:
        """Report status changes to ``url``, for providers that call a webhook; None stops the reports.

        Raises:
            ValueError: ``url`` is not an http or https address.
        """
        self._state.webhook.set(url, method)

    def emulation(self, kind: type[E]) -> E:
        """The emulation of a class, to change its settings.

        Raises:
            ValueError: no provider has this class.
        """
        for emulation in self._emulations.values():
            if isinstance(emulation, kind):
                return emulation
        raise ValueError(f"No provider has this class; the sandbox has {sorted(self._emulations)}.")

    @_in_turn
    def clear(self) -> None:
        """Forget all messages and accounts. The clock goes on, and no id is given twice."""
        self._state.clear()

    @_in_turn
    def reset(self) -> None:
        """Reset everything: messages, accounts, faults, the webhook, patterns and the clock. No id is given twice."""
        self._state.reset()

    def _emulation(self, provider: str) -> Emulation:
        if provider not in self._emulations:
            raise ValueError(f"Unknown provider; the sandbox has {sorted(self._emulations)}.")
        return self._emulations[provider]

    # Running

    async def start(self) -> None:
        """Start listening, in the running event loop.

        Raises:
            OSError: it cannot listen there, e.g. because the port is taken.
            StoreError: the store is in use, or not writable.
        """
        if self._server is not None:
            raise RuntimeError("The sandbox is already running.")
        self._open_store()
        try:
            self._server = await Server.start(self._state, self._host, self._asked_port, self._callers)
        except BaseException:
            self._state.store.close()
            raise
        self._loop = asyncio.get_running_loop()

    def _open_store(self) -> None:
        self._state.store.open()
        try:
            with self._state.lock:
                self._state.release()
        except StoreError:
            self._state.store.close()
            raise

    async def stop(self) -> None:
        """Stop listening; calling this twice is fine."""
        server, self._server, self._loop = self._server, None, None
        if server is not None:
            await server.stop()
            try:
                self._state.store.save(self._state)
                with self._state.lock:
                    self._state.release()
            finally:
                self._state.store.close()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def __enter__(self) -> Self:
        thread = ServerThread(self)
        thread.start()
        self._thread = thread
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._thread is not None:
            self._thread.stop()
            self._thread = None
