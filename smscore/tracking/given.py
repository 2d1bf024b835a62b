"""What a caller gives to be asked about: a report, results or message ids, checked, as columns for each provider."""

from __future__ import annotations

import math
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, TypeAlias

from attrs import define, field, frozen

from smscore.columns import NO_ID, Positions
from smscore.config import ITEMS_PER_TURN
from smscore.errors import InvalidRequest
from smscore.given import is_iterable
from smscore.loops.concurrency import let_others_run
from smscore.results import RecipientResult, SendReport
from smscore.statuses import checked_ids, is_id
from smscore.tracking.followed import Followed
from smscore.tracking.lookups import Lookups, is_by_bulk
from smscore.tracking.states import States

Results: TypeAlias = Iterable[RecipientResult | int]
"""What a send gave: a ``SendReport``, any of its results, or message ids."""


@frozen
class Part:
    """The messages of one provider, and their positions among all that were given."""

    followed: Followed
    positions: Positions


def parts_of(results: Results, lookups: Mapping[str, Lookups], states: States) -> list[Part]:
    """What was given, by provider. Raises ``InvalidRequest`` for what none of these providers can be asked about."""
    gathered = _Gathered(lookups)
    for piece in _pieces(results):
        gathered.take(piece)
    return gathered.parts(states)


async def parts_in_turns(results: Results, lookups: Mapping[str, Lookups], states: States) -> list[Part]:
    """The same, while others run."""
    gathered = _Gathered(lookups)
    for piece in _pieces(results):
        gathered.take(piece)
        await let_others_run()
    return gathered.parts(states)


def _pieces(results: Results) -> Iterator[Sequence[Any]]:
    if isinstance(results, SendReport):
        yield results  # it never changes
    elif isinstance(results, str) or not is_iterable(results):
        raise InvalidRequest("results must be iterable. Give a SendReport, results of one, or message ids.")
    else:
        # A list may be changed by its owner while others run.
        source = iter(results if isinstance(results, Iterator) else tuple(results))
        while piece := [*islice(source, ITEMS_PER_TURN)]:
            yield piece


@define(repr=False)
class _Columns:
    """One provider's messages."""

    positions: Any = field(factory=list[int])
    ids: array[int] = field(factory=lambda: array("q"))
    sent_at: array[float] = field(factory=lambda: array("d"))
    numbers: Any = field(factory=list[Any])
    refs: Any = field(factory=list[Any])
    are_local: bool = False

    def followed(self, provider: str, states: States, *, in_bulk: bool) -> Followed:
        refs = self.refs if self.refs and any(ref is not None for ref in self.refs) else None
        repeats = _repeats(self.ids, self.numbers) if in_bulk else {}
        return Followed(provider, states, self.ids, self.sent_at, self.numbers, refs, self.are_local, repeats)


def _repeats(ids: Sequence[int], numbers: Sequence[str]) -> dict[int, int]:
    """By row: how many before it have the same id and number, where there are any."""
    if len(set(numbers)) == len(numbers):
        return {}
    several = {number for number, count in Counter(numbers).items() if count > 1}
    so_far: Counter[tuple[int, str]] = Counter()
    found: dict[int, int] = {}
    for row, number in enumerate(numbers):
        if number in several:
            if so_far[ids[row], number]:
                found[row] = so_far[ids[row], number]
            so_far[ids[row], number] += 1
    return found


@define(repr=False)
class _Gathered:
    """Results, taken one after the other."""

    lookups: Mapping[str, Lookups]
    count: int = 0
    columns: dict[str, _Columns] = field(factory=dict[str, _Columns])

    def take(self, piece: Sequence[Any]) -> None:
        """Add the results or ids that follow."""
        provider = piece._provider if isinstance(piece, SendReport) and piece._providers is None else None
        if isinstance(piece, SendReport) and provider is not None and provider in self.lookups and not piece._bad:
            self.columns[provider] = _columns_of(piece)
        elif all(isinstance(item, RecipientResult) for item in piece):
            for result in piece:
                self._add(self._provider_of(result), result)
                self.count += 1
        else:
            self._add_ids(piece)

    def parts(self, states: States) -> list[Part]:
        """All that was taken."""
        return [
            Part(found.followed(name, states, in_bulk=is_by_bulk(self.lookups[name])), found.positions)
            for name, found in self.columns.items()
        ]

    def _provider_of(self, result: RecipientResult) -> str:
        name = result.provider
        if name is None and (len(self.lookups) == 1 or result.message_id is None):
            name = next(iter(self.lookups))
        if name is not None and name in self.lookups:
            return name
        whose = "names no provider" if name is None else f"is of {name}"
        raise InvalidRequest(
            f"The result at position {self.count} {whose}, which cannot be asked here. Give results of "
            f"{' or '.join(self.lookups)}, or ask the client that sent it."
        )

    def _add(self, provider: str, result: RecipientResult) -> None:
        columns = self.columns.setdefault(provider, _Columns())
        columns.positions.append(self.count)
        columns.ids.append(result.message_id if is_id(result.message_id) else NO_ID)
        columns.sent_at.append(math.nan if result.sent_at is None else result.sent_at.timestamp())
        columns.numbers.append(result.recipient)
        columns.refs.append(result.ref)

    def _add_ids(self, piece: Sequence[Any]) -> None:
        provider, *others = self.lookups
        if others or is_by_bulk(self.lookups[provider]):
            why = "several providers are asked here" if others else f"an id of {provider} is of a whole bulk message"
            raise InvalidRequest(f"Message ids alone cannot be asked about: {why}. Give results instead.")
        ids = checked_ids([*piece], self.count)
        columns = self.columns.setdefault(provider, _Columns())
        columns.positions.extend(range(self.count, self.count + len(ids)))
        columns.ids.extend(ids)
        columns.sent_at.extend([math.nan] * len(ids))
        columns.numbers.extend([None] * len(ids))
        columns.refs.extend([None] * len(ids))
        self.count += len(ids)


def _columns_of(report: SendReport) -> _Columns:
    """A report's own columns, which never change; what is filled in later is of the tracker."""
    return _Columns(
        range(len(report)),
        report._message_ids.packed(),
        array("d", [math.nan]) * len(report) if report._sent_at is None else report._sent_at.packed(),
        report._recipients,
        report._refs,
        are_local=True,
    )
