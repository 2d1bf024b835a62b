"""The queue of one send, in a file beside its results: ``results.csv`` has ``results.csv.queue``.

It is a queue of :mod:`smscore.queue` in one SQLite file, with a table of the send's own that says what is sent. It
alone decides what may be sent; the results are an export of it. How many batches were dispatched is also known to the
witness, in another folder, and to the results: a file that knows of fewer is an older copy, and is refused.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Final

from attrs import define, evolve, field

from smscore.cli.results_file import ResultsMark
from smscore.cli.send.header import Header
from smscore.cli.send.states import States
from smscore.cli.send.witness import Witness
from smscore.errors import InvalidRequest
from smscore.queue.attended import FOREVER
from smscore.queue.databases.base import Row, Transaction
from smscore.queue.databases.sqlite import SQLiteDatabase
from smscore.queue.payloads import Payload, unpack
from smscore.queue.store import claims, endings, loading, sweeping
from smscore.queue.store.batches import PLACE_BITS, unpack_hops
from smscore.queue.store.loading import NewBatch, NewCampaign
from smscore.queue.store.setbacks import can_repeat
from smscore.queue.stored_errors import StoredError, unpack_errors
from smscore.recipients.plan import Planned

INTERRUPTED: Final = StoredError(
    "OutcomeUnknown",
    "In progress when the command ended: it may have been sent. It is never sent again automatically.",
    "unknown",
)
_ROWS_AT_A_TIME: Final = 20_000


def queue_path(results: Path) -> Path:
    """Where the queue of a results file is."""
    return results.with_name(results.name + ".queue")


@define
class QueueFile:
    """The open queue of a send, locked by this process; without ``results`` it is gone once it is closed."""

    results: Path | None
    database: SQLiteDatabase
    header: Header
    states: States
    witness: Witness | None = None
    is_new: bool = True
    is_witnessed: bool = True
    """Whether it is known to be the newest of its send."""
    changed: list[str] = field(factory=list[str])
    """Which options of a resume differ from those of the first run, in words."""
    cost: int | Decimal | None = None
    """The cost that the provider reported, with that of earlier runs; None if it reported none."""
    dispatched: int = 0
    """How many batches were dispatched, in all runs."""

    @property
    def mark(self) -> ResultsMark:
        """What the results say of the queue that they were exported from."""
        return ResultsMark(self.header.run, self.dispatched)

    @property
    def campaigns(self) -> list[int]:
        """The ids of its campaigns; what a later one says of a row replaces what an earlier one does."""
        return self.database.read(campaigns_of)

    def note_dispatch(self) -> None:
        """Count a batch that is about to leave, once that is on disk."""
        self.dispatched += 1
        if self.witness is not None:
            self.witness.note(self.dispatched)

    def add_cost(self, cost: int | Decimal) -> None:
        """Add what a batch cost."""
        whole = cost + (self.cost or 0)
        self.cost = int(whole) if whole == int(whole) else whole

    def load(self, plan: Iterable[Planned], new: NewCampaign, size: int) -> None:
        """Add a campaign of these rows, in batches of ``size``."""
        with self.database.writing() as transaction:
            self.load_in(transaction, plan, new, size)

    def load_in(self, transaction: Transaction, plan: Iterable[Planned], new: NewCampaign, size: int) -> None:
        """The same in this transaction."""
        campaign = loading.begin(transaction, new, FOREVER)
        assert isinstance(campaign, int)  # noqa: S101  # it has no key that another could have
        messages = (one for one in plan if one.problem is None)
        chunk = 0
        while piece := list(islice(messages, max(1, _ROWS_AT_A_TIME // size) * size)):
            batches = [_batch(chunk + at // size, piece[at : at + size]) for at in range(0, len(piece), size)]
            for batch in batches:
                self.states.open(batch.payload.positions(batch.first))
            loading.add_batches(transaction, campaign, batches, FOREVER)
            chunk += len(batches)
        loading.finish(transaction, campaign, None)

    def change(self, new: NewCampaign, options: dict[str, str]) -> None:
        """Let what is still to be sent go from another line, with other options, of which these are the digests."""
        self.header = evolve(self.header, options=options)
        with self.database.writing() as transaction:
            self.header.rewrite(transaction)
            transaction.run(
                "UPDATE payamak_campaign SET sender = %s, options = %s WHERE ended_at IS NULL", new.sender, new.options
            )

    def recover(self, account: str) -> None:
        """Take back what an earlier run had claimed; what it was sending is repeated, or is unknown."""
        with self.database.writing() as transaction:
            for batch_id, campaign_id, state, hops in transaction.rows(
                "SELECT id, campaign_id, state, hops FROM payamak_batch WHERE lease_until IS NOT NULL"
            ):
                if state == "claimed":
                    claims.put_back(transaction, batch_id, campaign_id)
                elif can_repeat(unpack_hops(hops)[-1], transaction.now) and not self.changed:
                    transaction.run("UPDATE payamak_batch SET lease_until = 0 WHERE id = %s", batch_id)
                else:
                    endings.end_unknown(transaction, batch_id, INTERRUPTED)
            sweeping.sweep(transaction, [account])
        self.states = self.database.read(lambda transaction: states_of(transaction, self.states.last_row))

    def close(self) -> None:
        """Close the file and release the lock."""
        self.database.close()
        if self.witness is not None:
            self.witness.close()

    def remove(self) -> None:
        """Delete it, and its results, as of a send that did not begin."""
        if self.results is not None:
            queue_path(self.results).unlink(missing_ok=True)
            self.results.unlink(missing_ok=True)


def _batch(chunk: int, piece: list[Planned]) -> NewBatch:
    """A batch whose recipients' positions are their rows."""
    first, last = piece[0].row, piece[-1].row
    places = None if last - first == len(piece) - 1 else [one.row - first for one in piece]
    texts = None if piece[0].text is None else [one.text or "" for one in piece]
    return NewBatch(chunk, first, Payload([one.recipient for one in piece], texts, None, places))


def campaigns_of(transaction: Transaction) -> list[int]:
    """The ids of a queue's campaigns, in order."""
    return [row[0] for row in transaction.rows("SELECT id FROM payamak_campaign ORDER BY id")]


# What an earlier run left


def states_of(transaction: Transaction, last_row: int) -> States:
    """What a queue knows of the rows up to this one; ``InvalidRequest`` where it knows of others."""
    states = States.none_known(last_row)
    try:
        for campaign in campaigns_of(transaction):
            for batch in transaction.rows(
                "SELECT id, first, payload, outcome, errors, hops, state FROM payamak_batch WHERE campaign_id = %s",
                campaign,
            ):
                _read_batch(transaction, batch, states)
    except IndexError:
        raise InvalidRequest("The queue file has rows that the file of recipients does not have.") from None
    return states


def _read_batch(transaction: Transaction, batch: Row, states: States) -> None:
    batch_id, first, stored, outcome, errors, hops, state = batch
    if state == "done" and outcome is None:
        kinds = [error.kind for error in unpack_errors(errors)]
        for found in transaction.rows(
            "SELECT position, outcome, error FROM payamak_message WHERE id >= %s AND id < %s",
            batch_id << PLACE_BITS,
            (batch_id + 1) << PLACE_BITS,
        ):
            error: int | None = found[2]
            states.note(found[0], found[1], None if error is None else kinds[error])
        return
    rows = unpack(stored).positions(first)
    if state == "done":
        states.end(rows, [outcome] * len(rows))
    elif state == "sending" and can_repeat(unpack_hops(hops)[-1], transaction.now):
        states.begin(rows)
    elif state == "sending":
        states.end(rows, ["unknown"] * len(rows))
    else:
        states.open(rows)
