"""One report of what several providers took of a call. No network here."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from decimal import Decimal
from itertools import islice
from typing import TypeAlias

from smscore.columns import IdColumn, NameColumn, Positions, SpanColumn, SparseColumn, TimeColumn
from smscore.config import ITEMS_PER_TURN
from smscore.errors import SMSError
from smscore.loops.concurrency import let_others_run
from smscore.outcomes import Outcome
from smscore.results import OUTCOME_BYTES, OUTCOMES, SendReport
from smscore.sending.batching import Outgoing, chunked
from smscore.sending.outgoing import invalid_number

__all__ = ["Decision", "Merged", "moved", "sorted_out"]

Decision: TypeAlias = Callable[[Outcome, SMSError | None], bool]
"""Whether a recipient goes on to the next provider."""


async def sorted_out(report: SendReport, goes_on: Decision) -> tuple[Positions, Positions]:
    """Who stays with this report and who goes on, by their places in it."""
    if report._errors.is_empty:
        return range(len(report)), range(0)
    stay, go = array("q"), array("q")
    known: dict[tuple[int, int], bool] = {}  # one error stands for a whole batch
    errors = enumerate(zip(report._outcomes, report._errors, strict=True))
    while piece := [*islice(errors, ITEMS_PER_TURN)]:
        for place, (outcome, error) in piece:
            key = (outcome, id(error))
            if key not in known:
                known[key] = goes_on(OUTCOMES[outcome], error)
            (go if known[key] else stay).append(place)
        await let_others_run()
    return _compact(stay), _compact(go)


def _compact(places: array[int]) -> Positions:
    """The same places, as a range where they are consecutive."""
    if len(places) and places[-1] - places[0] + 1 == len(places):
        return range(places[0], places[-1] + 1)
    return places if len(places) else range(0)


class Merged:
    """The columns of a call's report, filled in as providers take parts of it."""

    def __init__(self, outgoing: Outgoing, offset: int = 0) -> None:
        size = len(outgoing)
        self._outgoing = outgoing
        self._offset = offset
        self._whole: SendReport | None = None
        """One provider's report, where that has everybody's results."""
        self._outcomes = bytearray(OUTCOME_BYTES[Outcome.NOT_SENT] * size)
        self._message_ids = IdColumn(size)
        self._errors: SparseColumn[SMSError] = SparseColumn(size)
        self._request_ids: SpanColumn[str] = SpanColumn()
        self._providers = NameColumn(size)
        self._sent_at = TimeColumn(size)
        self._earlier: SparseColumn[tuple[SMSError, ...]] = SparseColumn(size)
        self._failures: list[SMSError] = []
        self._bulk_ids: list[int] = []
        self._cost: int | Decimal | None = None
        self._parts: int | None = None
        self._senders: dict[str, None] = {}
        for place, given in outgoing.bad.items():
            self._errors.put([place], invalid_number([(offset + place, given)]))

    async def add(self, part: SendReport, positions: Positions, stay: Positions, go: Positions) -> None:
        """Take in one provider's report of the recipients at ``positions``.

        ``stay`` and ``go`` are places in it: whose results are final, and who goes on with another provider.
        """
        if len(stay) == len(self._outcomes) and self._earlier.is_empty:
            self._whole = part
            return
        for places in chunked(stay, ITEMS_PER_TURN):
            self._write(part, moved(positions, places), places)
            await let_others_run()
        tried: dict[tuple[int, int], tuple[SMSError, ...]] = {}
        for places in chunked(go, ITEMS_PER_TURN):
            self._note_earlier(part, moved(positions, places), places, tried)
            await let_others_run()
        gone = {error for _, error in tried}
        self._failures += [failure for failure in part._failures if id(failure) not in gone]
        self._bulk_ids += part._bulk_ids
        if part.cost is not None:
            self._cost = part.cost + (self._cost or 0)
        if part.parts is not None:
            self._parts = part.parts + (self._parts or 0)
        self._senders.update(dict.fromkeys(part.senders))

    def refuse(self, positions: Positions, error: SMSError) -> None:
        """Say of these recipients that no provider was tried for them."""
        self._errors.put(positions, error)
        self._failures.append(error)
        self._providers.put(positions, error.provider)

    def _write(self, part: SendReport, positions: Positions, places: Positions) -> None:
        for position, place in zip(positions, places, strict=True):
            self._outcomes[position] = part._outcomes[place]
            error = part._errors[place]
            if error is not None:
                self._errors.put([position], error)
        if not part._message_ids.is_empty:
            self._message_ids.put(positions, [part._message_ids[place] for place in places])
        if part._sent_at is not None:
            self._sent_at.copy(positions, part._sent_at, places)
        self._providers.put(positions, part._provider)
        self._write_request_ids(part, positions, places)

    def _write_request_ids(self, part: SendReport, positions: Positions, places: Positions) -> None:
        start = 0
        ids = [part._request_ids[place] for place in places]
        for end in range(1, len(ids) + 1):
            if end == len(ids) or ids[end] != ids[start]:
                request_id = ids[start]
                if request_id is not None:
                    self._request_ids.put(positions[start:end], request_id)
                start = end

    def _note_earlier(
        self,
        part: SendReport,
        positions: Positions,
        places: Positions,
        tried: dict[tuple[int, int], tuple[SMSError, ...]],
    ) -> None:
        for position, place in zip(positions, places, strict=True):
            error, before = part._errors[place], self._earlier[position] or ()
            if error is not None:
                errors = tried.setdefault((id(before), id(error)), (*before, error))
                self._earlier.put([position], errors)

    def report(self) -> SendReport:
        """The report of all that was taken in."""
        if self._whole is not None:
            self._whole.offset, self._whole._refs = self._offset, self._outgoing.refs
            return self._whole
        return SendReport(
            recipients=self._outgoing.recipients,
            outcomes=self._outcomes,
            message_ids=self._message_ids,
            errors=self._errors,
            request_ids=self._request_ids,
            refs=self._outgoing.refs,
            failures=self._failures,
            bulk_ids=self._bulk_ids,
            cost=self._cost,
            offset=self._offset,
            parts=self._parts,
            senders=[*self._senders],
            sent_at=self._sent_at,
            bad=self._outgoing.bad,
            providers=self._providers,
            earlier=self._earlier,
        )


def moved(positions: Positions, places: Positions) -> Positions:
    """The positions at these places."""
    if isinstance(places, range):
        return positions[places.start : places.stop]
    return array("q", [positions[place] for place in places])
