"""What a test run collects in place of sending it: ``outbox``, and the caller that fills it."""

from __future__ import annotations

import itertools
from collections import UserList
from collections.abc import Callable, Mapping
from typing import Any, Final

from attrs import define, field, frozen
from django.core import mail
from django.db import transaction

from smscore import clock
from smscore.calls import guard
from smscore.calls.caller import Caller
from smscore.calls.stop import StopRule
from smscore.client import AsyncClient
from smscore.contrib.django import conf
from smscore.errors import ConfigurationError, InvalidRequest
from smscore.failover import Pattern
from smscore.masking import masked_number
from smscore.numbers import Recipient, e164
from smscore.outcomes import Outcome
from smscore.results import OUTCOME_BYTES
from smscore.sending.one_recipient import pattern_texts
from smscore.sending.outgoing import checked_numbers
from smscore.wire.batch import Batch, BatchResult, SendEndpoint

__all__ = [
    "Call",
    "Collecting",
    "Outbox",
    "Recorder",
    "SentMessage",
    "is_collecting",
    "is_test_run",
    "outbox",
    "recording",
    "uncommitted",
]

BACKENDS: Final = ("collect", "sandbox")
_TOKEN: Final = "token-of-a-test-run"  # noqa: S105  # in place of one that a test run need not have


@frozen
class SentMessage:
    """A message that a test run collected in place of sending it.

    ``recipient`` is E.164. ``method`` is the client's method that sent it, or ``enqueue…``, ``text`` its text, or a
    pattern's code; ``params`` are a pattern's values as texts, else None. ``sender`` is the line that was given or set
    (None: the account's default line), ``key`` the one given to ``enqueue``.
    """

    account: str
    recipient: str = field(repr=masked_number)
    text: str = field(repr=False)
    sender: str | None = None
    method: str = "send"
    params: Mapping[str, str] | None = field(default=None, repr=False)
    key: str | None = None


class Outbox(UserList[SentMessage]):
    """The messages that this test would have sent, in order.

    It is emptied for each test, as ``django.core.mail.outbox`` is: by Django's test cases, and under pytest.
    """

    _mails: object = None

    @property
    def data(self) -> list[SentMessage]:  # pyright: ignore[reportIncompatibleVariableOverride]  # read anew each time
        """The messages, none of an earlier test's."""
        mails = getattr(mail, "outbox", None)
        if mails is not self._mails:  # Django makes a new one for each test
            self._mails = mails
            self._messages: list[SentMessage] = []
        return self._messages

    @data.setter
    def data(  # pyright: ignore[reportIncompatibleVariableOverride]  # likewise
        self, messages: list[SentMessage]
    ) -> None:
        self._messages = messages

    def find(self, to: Recipient | None = None, *, text: str | None = None, **expected: Any) -> list[SentMessage]:
        """The messages sent to a number (None: to anybody) whose text contains ``text``.

        Further arguments are attributes of ``SentMessage`` and their values, such as ``account="codes"``. Raises
        ``InvalidNumber``, or ``InvalidRequest`` for an attribute that there is not.
        """
        number = None if to is None else e164(checked_numbers(to)[0])
        unknown = sorted({*expected} - {*SentMessage.__annotations__})
        if unknown:
            raise InvalidRequest(f"A SentMessage has no {', '.join(unknown)}.")
        return [
            one
            for one in self.data
            if (number is None or one.recipient == number)
            and (text is None or text in one.text)
            and all(getattr(one, name) == value for name, value in expected.items())
        ]


outbox: Final = Outbox()


def is_test_run() -> bool:
    """Whether this process runs tests, and none that may send for real."""
    hosts = guard.allowed_hosts()
    return hosts is not None and guard.EVERY_HOST not in hosts


def is_collecting() -> bool:
    """Whether messages go into ``outbox`` in place of a provider. Raises ``ConfigurationError``."""
    backend = conf.setting("PAYAMAK_TEST_BACKEND", BACKENDS[0])
    if backend not in BACKENDS:
        raise ConfigurationError(f"PAYAMAK_TEST_BACKEND must be one of {', '.join(BACKENDS)}.")
    return backend == BACKENDS[0] and is_test_run()


@define(eq=False)
class Collecting:
    """Puts the messages of one ``enqueue`` into ``outbox`` when its transaction commits."""

    collect: Callable[[], None]
    is_done: bool = False

    def __call__(self) -> None:
        """Collect them."""
        self.is_done = True
        self.collect()


def uncommitted() -> int:
    """How many calls of ``enqueue`` wait for this thread's transaction to commit, in a test run."""
    waiting: list[Any] = transaction.get_connection(conf.database_alias()).run_on_commit
    # Django's test case calls them without a commit, and leaves them in this list.
    return sum(isinstance(call, Collecting) and not call.is_done for _, call, *_ in waiting)


@frozen
class Call:
    """The call that sends, as its caller made it."""

    account: str
    method: str
    code: Any = None
    params: Any = None

    def messages(self, provider: str, batch: Batch) -> list[SentMessage]:
        """The messages of one of its requests."""
        size = len(batch)
        texts = batch.texts if len(batch.texts) == size else batch.texts * size
        senders = batch.senders if len(batch.senders) == size else batch.senders * size
        params = None
        if not texts:
            params = pattern_texts(self.params)
            texts = [_code(self.code, provider, params)] * size
        return [
            SentMessage(self.account, e164(number), text, sender, self.method, params)
            for number, text, sender in zip(batch.recipients, texts, senders, strict=True)
        ]


def _code(code: Any, provider: str, params: Mapping[str, str]) -> str:
    prepared = code.prepared(provider, params) if isinstance(code, Pattern) else str(code)
    return prepared if isinstance(prepared, str) else prepared[0]


_ids: Final = itertools.count(1)


@frozen
class Recorder(Caller):
    """Accepts what is sent and collects it. What only reads is refused, as in every test run."""

    made_by: Call = field(kw_only=True)

    async def call(self, endpoint: Any, params: Any, rule: StopRule, account: Any, **options: Any) -> Any:
        """The result of a batch that was accepted as a whole; anything else as without a recorder."""
        if not isinstance(endpoint, SendEndpoint):
            return await super().call(endpoint, params, rule, account, **options)
        batch: Batch = params
        rule.check(self.provider.name)
        outbox.extend(self.made_by.messages(self.provider.name, batch))
        ids: list[int | None] = [next(_ids) for _ in batch.recipients]
        return BatchResult(OUTCOME_BYTES[Outcome.ACCEPTED] * len(batch), ids, sent_at=clock.time())


def recording(client: AsyncClient, call: Call) -> AsyncClient:
    """The same client, whose messages are collected; it checks all that it is given as ever."""
    caller = client._caller
    own = {name: getattr(caller, name) for name in ("provider", "settings", "transport", "budget")}
    return client._with_caller(Recorder(**own, limit=None, observers=caller.observers, made_by=call))


def test_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a client that collects: a test run needs no token."""
    return {"token": _TOKEN, **options}
