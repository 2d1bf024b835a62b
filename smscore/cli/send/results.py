"""The results of a send as rows: what its queue knows of each row of the source, with those that were skipped."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from heapq import merge
from operator import itemgetter

from smscore.cli.results_file import SKIPPED
from smscore.cli.send.queue_file import INTERRUPTED, QueueFile
from smscore.cli.send.sending import Cells
from smscore.error_words import error_cells
from smscore.errors import SMSError
from smscore.outcomes import Outcome
from smscore.queue.store.batches import Hop
from smscore.queue.store.rows import OpenBatch, RowReader
from smscore.queue.store.setbacks import can_repeat
from smscore.queue.stored_errors import restored
from smscore.recipients.plan import Plan

_AFTER_A_REPEAT = (
    "In progress when the command ended: it may have been sent. --resume finds out: it repeats the request with its "
    "request id, by which nobody gets it twice."
)


def result_rows(queue: QueueFile, plan: Plan, reason: SMSError) -> Iterator[Cells]:
    """A row for each row of the source, in order; ``reason`` is why those that wait were not tried."""
    campaigns = [_campaign_rows(queue, id_, reason) for id_ in reversed(queue.campaigns)]
    rows = [*campaigns, skipped_rows(plan, queue.header.provider)]
    seen = -1
    for row in merge(*rows, key=itemgetter(0)):  # of equal ones the first: that of the latest campaign
        if row[0] != seen:
            seen = row[0]
            yield row


def skipped_rows(plan: Plan, provider: str) -> Iterator[Cells]:
    """A row for each invalid row and duplicate of the source."""
    if plan.bad_count + plan.duplicate_count:
        for one in plan:
            if one.problem is not None:
                yield one.row, one.e164, SKIPPED, None, None, None, None, one.problem, provider


def open_rows(queue: QueueFile, reason: SMSError) -> Iterator[Cells]:
    """The rows that have no outcome after a run."""
    waiting = {*queue.states.untried, *queue.states.in_progress}
    if waiting:
        for id_ in queue.campaigns:
            yield from (row for row in _campaign_rows(queue, id_, reason) if row[0] in waiting)


def _campaign_rows(queue: QueueFile, campaign: int, reason: SMSError) -> Iterator[Cells]:
    database, provider = queue.database, queue.header.provider
    untried = OpenBatch(Outcome.NOT_SENT, error_cells(reason))
    unknown = OpenBatch(Outcome.UNKNOWN, error_cells(restored(INTERRUPTED)))
    doubtful = OpenBatch(Outcome.UNKNOWN, (None, "OutcomeUnknown", _AFTER_A_REPEAT))
    now = database.read(lambda transaction: transaction.now)

    def open_as(hop: Hop | None) -> OpenBatch:
        return untried if hop is None else doubtful if can_repeat(hop, now) else unknown

    reader = RowReader(open_as=open_as)
    after: int | None = -1
    while after is not None:
        page = database.read(partial(reader.page, campaign_id=campaign, after=after))
        after = page.after
        for row in page.rows:
            yield *row[:8], provider
