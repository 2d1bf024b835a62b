"""Compares what a queue's database says of every recipient with what the provider accepted."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

import attrs
from ledger import Accepted

from smscore import Outcome
from smscore.queue import AsyncSendQueue, Campaign

__all__ = ["Verdict", "judge"]

Key = tuple[str, str]  # provider, and recipient in E.164


@attrs.define
class Verdict:
    """How many recipients came to what; UNKNOWN is right where something may have gone, the last four fields never."""

    recipients: int = 0
    accepted: int = 0
    ids_lost: int = 0
    unknown_arrived: int = 0
    unknown_not: int = 0
    twice: int = 0
    lost: int = 0
    false_outcome: int = 0
    unknown_unexplained: int = 0
    examples: list[str] = attrs.field(factory=list)

    @property
    def is_right(self) -> bool:
        return not (self.twice or self.lost or self.false_outcome or self.unknown_unexplained)

    def note(self, field: str, example: str) -> None:
        setattr(self, field, getattr(self, field) + 1)
        if len(self.examples) < 20:
            self.examples.append(f"{field}: {example}")


async def judge(
    queue: AsyncSendQueue,
    campaigns: Iterable[Campaign],
    asked: Mapping[int, Iterable[str]],
    ledger: Iterable[Accepted],
    may_have_gone: frozenset[tuple[int, int]] | None = None,
) -> Verdict:
    """The verdict on campaigns that have ended.

    ``asked`` has the recipients (E.164) of each campaign, each of which is in one campaign only. ``may_have_gone`` are
    the (campaign, position) that an interrupted batch had; an UNKNOWN elsewhere is unexplained. None allows them all.
    """
    arrived: Counter[Key] = Counter()
    ids: dict[Key, set[int]] = defaultdict(set)
    for one in ledger:
        key = (one.provider, one.recipient)
        arrived[key] += 1
        ids[key].add(one.message_id)
    verdict = Verdict()
    for campaign in campaigns:
        left = Counter(asked[campaign.id])
        verdict.recipients += left.total()
        position = 0
        async for result in queue.results(campaign):
            key = (campaign.account, str(result.recipient))
            where = f"campaign {campaign.id}, position {position}: {result.outcome}, arrived {arrived[key]} times"
            left[key[1]] -= 1
            _judge(verdict, result.outcome, result.message_id, arrived[key], ids[key], where)
            is_unknown = result.outcome is Outcome.UNKNOWN and may_have_gone is not None
            if is_unknown and (campaign.id, position) not in may_have_gone:
                verdict.note("unknown_unexplained", where)
            position += 1
        for number, count in left.items():
            for _ in range(abs(count)):
                verdict.note("lost", f"campaign {campaign.id}: {number[-4:]} has {-count:+} results")
    return verdict


def _judge(verdict: Verdict, outcome: Outcome, message_id: int | None, arrived: int, ids: set[int], where: str) -> None:
    if arrived > 1:
        verdict.note("twice", where)
    if outcome is Outcome.UNKNOWN:
        if arrived:
            verdict.unknown_arrived += 1
        else:
            verdict.unknown_not += 1
    elif (outcome is Outcome.ACCEPTED) != bool(arrived):
        verdict.note("false_outcome", where)
    elif outcome is Outcome.ACCEPTED:
        verdict.accepted += 1
        if message_id is None:
            verdict.ids_lost += 1
        elif message_id not in ids:
            verdict.note("false_outcome", f"{where}, with an id that the provider did not give")
