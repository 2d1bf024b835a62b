"""Asks a provider about messages: one poll of all of them, and the answers as changes."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import aclosing
from itertools import chain, islice
from typing import Any, Final

from attrs import field, frozen

from smscore import clock
from smscore.config import ITEMS_PER_TURN
from smscore.errors import ClientClosed, ConfigurationError, SMSError
from smscore.loops.concurrency import AsFinished, let_others_run
from smscore.loops.logs import logger_for_callers
from smscore.statuses import Delivery, DeliveryStatus, MessageStatus
from smscore.tracking.accounts import (
    NOT_KNOWN,
    AskedAccount,
    DeliverySource,
    accounts_of,
    most_at_once,
    refused_by_all,
)
from smscore.tracking.bulk import BulkMatch
from smscore.tracking.followed import Changes, Followed
from smscore.tracking.given import Part, Results, parts_in_turns
from smscore.tracking.lookups import BulkLookup
from smscore.tracking.schedule import Ask, Plan
from smscore.tracking.states import State, States
from smscore.wire.paging import pages

_OUR_OWN: Final = (ClientClosed, ConfigurationError)  # no provider's failure: they end every question

_log: Final = logger_for_callers(__name__)


@frozen
class Answer:
    """What the answer to a question changes, and about whom it said anything.

    ``failure`` is why an account did not answer that may know the rest.
    """

    changes: list[Changes] = field(repr=False)
    found: Sequence[Followed] = field(default=(), repr=False)
    failure: SMSError | None = None


@frozen
class Asking:
    """The questions of one poll to one provider. Each account is asked about what those before do not know."""

    accounts: Sequence[AskedAccount]

    @classmethod
    def begin(cls, source: DeliverySource, deadline: float | None = None) -> Asking:
        """A poll that begins now, until ``deadline`` at the latest. Raises ``ClientClosed``, ``ConfigurationError``."""
        return cls([AskedAccount.begin(account, deadline) for account in source.accounts])

    @property
    def refusal(self) -> SMSError | None:
        """The refusal of the provider's account, of several if all of them refuse."""
        return refused_by_all(self.accounts)

    async def answer(self, ask: Ask) -> Answer:
        """The answer to a question; raises only ``ClientClosed`` and ``ConfigurationError``."""
        return await (self._read_bulk(ask) if isinstance(ask.lookup, BulkLookup) else self._by_ids(ask))

    async def _by_ids(self, ask: Ask) -> Answer:
        lookup: Any = ask.lookup
        statuses, failure = await self._statuses(lookup.endpoint, ask.ids)
        told, now = iter(statuses), clock.callers_time()

        def state(followed: Followed, row: int, one: MessageStatus | None) -> State | None:
            # What a call has just forgotten is not lost: the next one knows it.
            if one is None or (_is_unknown(one) and lookup.may_have_forgotten(now - followed.sent_at[row])):
                return None
            return State(one.status, one.code, one.words)

        changes, found = list[Changes](), list[Followed]()
        for followed, rows in ask.rows:
            sights = [state(followed, row, one) for row, one in zip(rows, islice(told, len(rows)), strict=True)]
            changes.append(followed.see(rows, sights))
            if any(sight is not None for sight in sights):
                found.append(followed)
        return Answer(changes, found, failure)

    async def _statuses(
        self, endpoint: Any, ids: Sequence[int]
    ) -> tuple[Sequence[MessageStatus | None], SMSError | None]:
        """What the accounts say of these ids, None where nothing is known; and why one of them did not answer."""
        found: list[MessageStatus | None] = [None] * len(ids)
        failure: SMSError | None = None
        places: Sequence[int] = range(len(ids))
        for account in self.accounts:
            try:
                told = await account.call(endpoint, [ids[place] for place in places])
            except NOT_KNOWN:
                continue
            except _OUR_OWN:
                raise
            except SMSError as error:
                failure = failure or error
                continue
            for place, one in zip(places, told, strict=True):
                found[place] = one
            places = [place for place in places if _is_unknown(found[place])]
            if not places:
                return found, None
        if failure is not None:
            for place in places:
                found[place] = None  # whoever did not answer may know it
        return found, failure

    async def _read_bulk(self, ask: Ask) -> Answer:
        matches = [BulkMatch(followed) for followed, _ in ask.rows]
        for match, (_, rows) in zip(matches, ask.rows, strict=True):
            for start in range(0, len(rows), ITEMS_PER_TURN):
                match.expect(rows[start : start + ITEMS_PER_TURN])
                await let_others_run()
        changes, failure = list[Changes](), None
        for account in self.accounts:
            is_listed = False
            listing = _listing(account, ask)
            try:
                async with aclosing(listing):
                    async for page in listing:
                        is_listed = True
                        changes += [match.take(page) for match in matches]
                changes += [match.end() for match in matches]
            except NOT_KNOWN:
                continue
            except _OUR_OWN:
                raise
            except SMSError as error:
                failure = failure or error
            if is_listed:  # it is this account's, also where only a part of it could be read
                return Answer(changes, [followed for followed, _ in ask.rows], failure)
        return Answer(changes, (), failure)


def _listing(account: AskedAccount, ask: Ask) -> AsyncGenerator[list[Any], None]:
    lookup: Any = ask.lookup
    return pages(lambda number: account.call(lookup.endpoint, lookup.page(ask.bulk_id, number)))


def _is_unknown(one: MessageStatus | None) -> bool:
    return one is None or one.status is DeliveryStatus.NOT_FOUND


async def questions(plan: Plan) -> AsyncGenerator[Ask, None]:
    """The questions of a plan, while others run."""
    for ask in plan:
        if ask is None:
            await let_others_run()
        else:
            yield ask


async def look_once(sources: Mapping[str, DeliverySource], results: Results) -> list[Delivery]:
    """Where these messages are now, in the order given.

    Raises what keeps the account from answering; of several accounts, only where none says anything.
    """
    askings = {name: Asking.begin(source) for name, source in sources.items()}
    lookups = {name: source.lookups for name, source in sources.items()}
    parts = await parts_in_turns(results, lookups, States())
    is_alone = len(accounts_of(sources)) == 1
    failures: dict[str, SMSError] = {}

    async def answer(ask: Ask) -> bool:
        answer = await askings[ask.provider].answer(ask)
        if answer.failure is not None:
            if is_alone:
                raise answer.failure
            failures.setdefault(ask.provider, answer.failure)
        return bool(answer.found)

    plan = Plan([part.followed for part in parts], lookups, clock.callers_time())
    is_any_found = False
    async with aclosing(questions(plan)) as asks, aclosing(AsFinished(asks, answer, most_at_once(sources))) as answers:
        async for is_found in answers:
            is_any_found |= is_found
    for provider, failure in failures.items():
        if not is_any_found:
            raise failure
        warn_of_failure(provider, failure)
    return await listed(parts)


def warn_of_failure(provider: str, failure: SMSError) -> None:
    """Log that an account was not asked with success, while others were."""
    _log.warning(
        "%s: an account cannot be asked for delivery statuses (%s); what only it knows has none",
        provider,
        type(failure).__name__,
    )


async def listed(parts: Sequence[Part]) -> list[Delivery]:
    """What is known of all messages, in the order in which they were given."""
    found: list[Any] = [None] * sum(len(part.followed) for part in parts)
    rows: Iterable[tuple[int, Part, int]] = chain.from_iterable(
        ((position, part, row) for row, position in enumerate(part.positions)) for part in parts
    )
    rows = iter(rows)
    while piece := [*islice(rows, ITEMS_PER_TURN)]:
        for position, part, row in piece:
            found[position] = part.followed.delivery(row)
        await let_others_run()
    return found
