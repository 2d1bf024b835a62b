"""Loading campaigns: at once, or in parts under the state ``loading``, which nobody claims."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from attrs import field, frozen

from smscore.errors import InvalidRequest
from smscore.outcomes import Outcome
from smscore.queue.arguments import Moment
from smscore.queue.databases.base import Transaction
from smscore.queue.model import CAMPAIGN_COLUMNS, Campaign, CampaignState, campaign_of
from smscore.queue.payloads import Payload, pack
from smscore.queue.store.campaigns import get, settle
from smscore.queue.stored_errors import StoredError, pack_errors
from smscore.queue.windows import window_from_json


@frozen(repr=False)
class NewCampaign:
    """All of a campaign but its recipients."""

    account: str
    kind: str
    key: str | None = None
    text: str | None = None
    sender: str | None = None
    pattern: str | None = None
    params: str | None = None
    options: str | None = None
    priority: int = 0
    not_before: Moment = field(factory=Moment)
    expires: Moment = field(factory=Moment)
    hours: str | None = None


@frozen
class NewBatch:
    """A batch as it is loaded; ``error`` is of recipients that are never sent to."""

    chunk: int
    first: int
    payload: Payload
    sender: str | None = None
    error: StoredError | None = None


@frozen
class Existing:
    """The campaign that has a key already."""

    campaign: Campaign
    content_hash: bytes | None

    @property
    def is_loading(self) -> bool:
        """Whether another process is loading it: what it holds is not known yet."""
        return self.campaign.state is CampaignState.LOADING

    def checked(self, content_hash: bytes | None) -> Campaign:
        """The campaign, which has this content. Raises ``InvalidRequest`` if it has other content.

        Of one that was cancelled while it was loaded nobody knows the content; it sends nothing.
        """
        was_cut_short = self.campaign.state is CampaignState.CANCELLED and self.content_hash is None
        if content_hash != self.content_hash and not was_cut_short:
            raise InvalidRequest(
                "key= belongs to a campaign with other content: another account, other recipients, text, sender or "
                "pattern. Give what is new a new key."
            )
        return self.campaign


def load(
    transaction: Transaction, new: NewCampaign, batches: Sequence[NewBatch], content_hash: bytes | None, lease: float
) -> Campaign | Existing:
    """A new campaign with all of its batches, or what has its key (to be checked, or loading and so to be awaited)."""
    begun = begin(transaction, new, lease)
    if isinstance(begun, Existing):
        return begun
    add_batches(transaction, begun, batches, lease)
    campaign = finish(transaction, begun, content_hash)
    assert campaign is not None  # noqa: S101  # it was made in this transaction
    return campaign


def begin(transaction: Transaction, new: NewCampaign, lease: float) -> int | Existing:
    """The id of a new campaign that is loading, or the campaign that has its key."""
    remove_abandoned(transaction, new.key)
    while True:
        begun = _inserted(transaction, new, lease) or _existing(transaction, new.key)
        if begun is not None:  # else the one that was loading under the key was removed between the two questions
            return begun


def _inserted(transaction: Transaction, new: NewCampaign, lease: float) -> int | None:
    not_before, expires = new.not_before.resolve(transaction.now), new.expires.resolve(transaction.now)
    row = transaction.row(
        "INSERT INTO payamak_campaign (key, account, kind, state, text, sender, pattern, params, options, priority, "
        "not_before, expires, hours, loading_until, created_at) "
        "VALUES (%s, %s, %s, 'loading', %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) "
        "ON CONFLICT (key) DO NOTHING RETURNING id",
        new.key,
        new.account,
        new.kind,
        new.text,
        new.sender,
        new.pattern,
        new.params,
        new.options,
        new.priority,
        not_before,
        expires,
        new.hours,
        transaction.now + lease,
        transaction.now,
    )
    if row is not None and not_before is not None and expires is not None and expires <= not_before:
        raise InvalidRequest("expires= must be after not_before=: nothing would ever be sent.")
    return None if row is None else int(row[0])


def _existing(transaction: Transaction, key: str | None) -> Existing | None:
    found = transaction.row(f"SELECT {CAMPAIGN_COLUMNS}, content_hash FROM payamak_campaign WHERE key = %s", key)
    if found is None:
        return None
    *campaign, digest = found
    return Existing(campaign_of(tuple(campaign)), None if digest is None else bytes(digest))


def add_batches(transaction: Transaction, campaign_id: int, batches: Sequence[NewBatch], lease: float) -> bool:
    """Add to a campaign that is loading; False if it is not there any more, since its lease ran out."""
    size = sum(len(batch.payload) for batch in batches)
    still_there = transaction.run(
        "UPDATE payamak_campaign SET size = size + %s, loading_until = %s WHERE id = %s AND state = 'loading'",
        size,
        transaction.now + lease,
        campaign_id,
    )
    if not still_there:
        return False
    account = transaction.row("SELECT account FROM payamak_campaign WHERE id = %s", campaign_id)
    assert account is not None  # noqa: S101  # it was updated a moment ago
    transaction.insert(
        "payamak_batch",
        _BATCH_COLUMNS,
        [_batch_row(transaction, campaign_id, account[0], batch) for batch in batches],
    )
    return True


_BATCH_COLUMNS: Final = (
    *("campaign_id", "account", "chunk", "first", "size", "payload", "sender"),
    *("state", "outcome", "errors", "not_sent", "ended_at"),
)


def _batch_row(transaction: Transaction, campaign_id: int, account: str, batch: NewBatch) -> tuple[object, ...]:
    size = len(batch.payload)
    common = (campaign_id, account, batch.chunk, batch.first, size, pack(batch.payload), batch.sender)
    if batch.error is None:
        return (*common, "new", None, None, 0, None)
    return (*common, "done", Outcome.NOT_SENT.value, pack_errors([batch.error]), size, transaction.now)


def finish(transaction: Transaction, campaign_id: int, content_hash: bytes | None) -> Campaign | None:
    """The campaign, which workers may claim from now on unless it was paused or cancelled; None if it is not there."""
    row = transaction.row(
        f"SELECT not_before, hours, reason FROM payamak_campaign WHERE id = %s{transaction.dialect.lock}", campaign_id
    )
    if row is None:
        return None
    not_before, hours, reason = row
    window = window_from_json(hours)
    next_at = max(transaction.now, not_before or 0.0)
    transaction.run(
        "UPDATE payamak_campaign SET state = %s, content_hash = %s, next_at = %s, loading_until = NULL "
        "WHERE id = %s AND state = 'loading'",
        "queued" if reason is None else "paused",
        content_hash,
        None if reason is not None else next_at if window is None else window.opens_at(next_at),
        campaign_id,
    )
    settle(transaction, campaign_id)
    return get(transaction, campaign_id)


def remove(transaction: Transaction, campaign_id: int) -> None:
    """Remove a campaign that is loading, with all that was loaded."""
    if transaction.run(
        "UPDATE payamak_campaign SET loading_until = NULL WHERE id = %s AND state = 'loading'", campaign_id
    ):
        transaction.run("DELETE FROM payamak_batch WHERE campaign_id = %s", campaign_id)
        transaction.run("DELETE FROM payamak_campaign WHERE id = %s", campaign_id)


def remove_abandoned(transaction: Transaction, key: str | None = None) -> None:
    """Remove campaigns whose loading process died: all of them, or the one with this key."""
    condition, values = ("", ()) if key is None else (" AND key = %s", (key,))
    for (id_,) in transaction.rows(
        "SELECT id FROM payamak_campaign WHERE loading_until IS NOT NULL AND state = 'loading' "
        f"AND loading_until < %s{condition}",
        transaction.now,
        *values,
    ):
        remove(transaction, id_)
