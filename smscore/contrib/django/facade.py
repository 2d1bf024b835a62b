"""``sms``: the accounts of ``PAYAMAK`` as a project's code uses them."""

from __future__ import annotations

from collections.abc import AsyncIterable, Mapping
from typing import Any, Final, Unpack

from asgiref.sync import sync_to_async

from smscore.contrib.django import accounts, conf, queueing, recording
from smscore.contrib.django.recording import Call
from smscore.failover import Pattern
from smscore.numbers import Recipient
from smscore.queue import Campaign
from smscore.queue.options import EnqueueOptions, shows_options
from smscore.results import SendReport
from smscore.sending.one_recipient import PatternValue
from smscore.sending.outgoing import AnyMessage, Messages, Recipients
from smscore.text import Text

__all__ = ["SMS", "Account", "AsyncAccount", "AsyncAccounts", "sms"]


class Account:
    """An account of ``PAYAMAK``: every method of its blocking client or failover, and ``enqueue``.

    What sends takes and returns what the client's method does, and raises its errors. In a test run messages go into
    ``smscore.contrib.django.outbox``.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._name!r})"

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._client(Call(self._name, name)), name)

    def _client(self, call: Call) -> Any:
        return accounts.new_client(self._name, call) if recording.is_collecting() else accounts.client(self._name)

    # Now

    def send(self, to: Recipients, text: Text, **options: Any) -> SendReport:
        """Send one text to one recipient or many now, and report what became of each."""
        report: SendReport = self._client(Call(self._name, "send")).send(to, text, **options)
        return report

    def send_p2p(self, messages: Messages, **options: Any) -> SendReport:
        """Send each recipient their own text now, and report what became of each."""
        report: SendReport = self._client(Call(self._name, "send_p2p")).send_p2p(messages, **options)
        return report

    def send_pattern(
        self, to: Recipient, code: str | Pattern, params: Mapping[str, PatternValue], **options: Any
    ) -> SendReport:
        """Send an approved pattern to one recipient now, such as a one-time code, and report what became of it."""
        client = self._client(Call(self._name, "send_pattern", code, params))
        report: SendReport = client.send_pattern(to, code, params, **options)
        return report

    # After the commit

    @shows_options
    def enqueue(self, to: Recipients, text: Text, **options: Unpack[EnqueueOptions]) -> Campaign:
        """The campaign that sends one text to these recipients once the transaction commits; ``sms_worker`` sends it.

        Inside ``transaction.atomic()`` it is a part of that transaction, and rolled back with it; outside it is in the
        database when this returns. The arguments are those of ``smscore.queue.AsyncSendQueue.enqueue``.
        """
        return queueing.enqueue(self._name, "enqueue", to, text, **options)

    @shows_options
    def enqueue_p2p(self, messages: Messages, **options: Unpack[EnqueueOptions]) -> Campaign:
        """The campaign that sends each recipient their own text; the options are :meth:`enqueue`'s."""
        return queueing.enqueue(self._name, "enqueue_p2p", messages, **options)

    @shows_options
    def enqueue_pattern(
        self,
        to: Recipients,
        code: str | Pattern,
        params: Mapping[str, PatternValue],
        **options: Unpack[EnqueueOptions],
    ) -> Campaign:
        """The campaign that sends an approved pattern; the options are :meth:`enqueue`'s. Give ``expires=``."""
        return queueing.enqueue(self._name, "enqueue_pattern", to, code, params, **options)

    @shows_options
    async def aenqueue(
        self, to: Recipients | AsyncIterable[Recipient], text: Text, **options: Unpack[EnqueueOptions]
    ) -> Campaign:
        """:meth:`enqueue`, from async code; in a transaction of its own, since Django has none there.

        ``to`` may be an async iterable too, such as ``queryset.aiterator()``; it is read a part at a time.
        """
        return await sync_to_async(self.enqueue)(queueing.in_parts(to), text, **options)

    @shows_options
    async def aenqueue_p2p(
        self, messages: Messages | AsyncIterable[AnyMessage], **options: Unpack[EnqueueOptions]
    ) -> Campaign:
        """:meth:`enqueue_p2p`, from async code; ``messages`` may be an async iterable too."""
        return await sync_to_async(self.enqueue_p2p)(queueing.in_parts(messages), **options)

    @shows_options
    async def aenqueue_pattern(
        self,
        to: Recipients | AsyncIterable[Recipient],
        code: str | Pattern,
        params: Mapping[str, PatternValue],
        **options: Unpack[EnqueueOptions],
    ) -> Campaign:
        """:meth:`enqueue_pattern`, from async code; ``to`` may be an async iterable too."""
        return await sync_to_async(self.enqueue_pattern)(queueing.in_parts(to), code, params, **options)


class AsyncAccount:
    """An account for async code: every method of its async client or failover."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._name!r})"

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._client(Call(self._name, name)), name)

    def _client(self, call: Call) -> Any:
        if recording.is_collecting():
            return accounts.new_async_client(self._name, call)
        return accounts.async_client(self._name)

    async def send(self, to: Recipients, text: Text, **options: Any) -> SendReport:
        """Send one text to one recipient or many, and report what became of each."""
        report: SendReport = await self._client(Call(self._name, "send")).send(to, text, **options)
        return report

    async def send_p2p(self, messages: Messages, **options: Any) -> SendReport:
        """Send each recipient their own text, and report what became of each."""
        report: SendReport = await self._client(Call(self._name, "send_p2p")).send_p2p(messages, **options)
        return report

    async def send_pattern(
        self, to: Recipient, code: str | Pattern, params: Mapping[str, PatternValue], **options: Any
    ) -> SendReport:
        """Send an approved pattern to one recipient, such as a one-time code, and report what became of it."""
        client = self._client(Call(self._name, "send_pattern", code, params))
        report: SendReport = await client.send_pattern(to, code, params, **options)
        return report


class AsyncAccounts:
    """The accounts for async code, by name: ``sms.aio["default"]``."""

    def __getitem__(self, name: str) -> AsyncAccount:
        """The account of this name. Raises ``ConfigurationError`` if ``PAYAMAK`` has none."""
        return AsyncAccount(conf.account(name).name)


class SMS(Account):
    """The account ``default``, and the others by name: ``sms["codes"]``; ``sms.aio["codes"]`` for async code."""

    aio: Final = AsyncAccounts()

    def __init__(self) -> None:
        super().__init__(conf.DEFAULT)

    def __getitem__(self, name: str) -> Account:
        """The account of this name. Raises ``ConfigurationError`` if ``PAYAMAK`` has none."""
        return Account(conf.account(name).name)


sms: Final = SMS()
