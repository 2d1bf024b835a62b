"""``payamak queue show``: how far a campaign is, live on a terminal."""

from __future__ import annotations

import datetime as dt
import sys
from collections import deque
from typing import TYPE_CHECKING, Final

from attrs import define, field, frozen

from smscore import clock
from smscore.cli.output import counted
from smscore.cli.queue.connection import campaign_of, name_of, with_queue
from smscore.cli.queue.fields import (
    MOVING,
    account_fields,
    account_words,
    campaign_fields,
    counts_fields,
    local_time,
    release_words,
)
from smscore.cli.queue.options import QueueConnection
from smscore.outcomes import OUTCOME_WORDS, Outcome
from smscore.queue.model import Account, Campaign, CampaignState, Counts
from smscore.queue.queue import AsyncSendQueue
from smscore.queue.store import reading
from smscore.queue.store.reading import InProgress

if TYPE_CHECKING:
    from rich.table import Table

_INTERVAL: Final = 1.0  # seconds between two looks
_RATE_SECONDS: Final = 30.0  # over which the rate is measured
_STILL_SECONDS: Final = 5.0  # without a change, after which there is no rate, and a word on why


@frozen
class View:
    """A campaign at one moment."""

    campaign: Campaign
    counts: Counts
    account: Account
    rate: float | None = None
    """Recipients a second; None until two looks differ, and where nothing has changed lately."""
    in_progress: InProgress = field(factory=InProgress)
    is_still: bool = False
    """Whether nothing has changed lately."""

    @property
    def has_stopped(self) -> bool:
        """Whether it will not change by itself: it has ended, is paused, or its account is held until a release."""
        return self.campaign.state not in MOVING or (self.account.held and self.account.until is None)

    @property
    def seconds_left(self) -> float | None:
        """How long the waiting recipients take at this rate."""
        return self.counts.waiting / self.rate if self.rate and self.counts.waiting else None


@define
class Pace:
    """The rate of a campaign over the last seconds."""

    _looks: deque[tuple[float, int]] = field(factory=deque[tuple[float, int]])

    def rate(self, now: float, ended: int) -> float | None:
        """Recipients a second, with one more look."""
        self._looks.append((now, ended))
        while len(self._looks) > 2 and now - self._looks[1][0] >= _RATE_SECONDS:
            self._looks.popleft()
        then, before = self._looks[0]
        return (ended - before) / (now - then) if now > then and ended > before and not self.is_still else None

    @property
    def is_still(self) -> bool:
        """Whether nothing has changed lately."""
        now, ended = self._looks[-1]
        since = min(at for at, before in self._looks if before == ended)
        return now - since >= _STILL_SECONDS


def show(connection: QueueConnection, key: str, *, once: bool) -> None:
    """Print a campaign; on a terminal until it stops changing, unless only ``once``."""
    if connection.output.json or once or not sys.stdout.isatty():
        view = with_queue(connection, lambda queue: _look(queue, key, Pace()))
        connection.output.record("campaign", _fields(view), "\n".join(_lines(view)))
    else:
        with_queue(connection, lambda queue: _watch(queue, key))


async def _look(queue: AsyncSendQueue, key: str, pace: Pace) -> View:
    campaign = await campaign_of(queue, key)
    counts = await queue.counts(campaign)
    account = await queue.account(campaign.account)
    in_progress = await queue._calls.read(reading.in_progress, campaign.id)
    rate = pace.rate(clock.monotonic(), counts.total - counts.waiting)
    return View(campaign, counts, account, rate, in_progress, pace.is_still)


async def _watch(queue: AsyncSendQueue, key: str) -> None:
    from rich.live import Live

    pace = Pace()
    view = await _look(queue, key, pace)
    with Live(_table(view), auto_refresh=False) as live:
        while not view.has_stopped:
            await clock.sleep(_INTERVAL)
            view = await _look(queue, key, pace)
            live.update(_table(view), refresh=True)


def _table(view: View) -> Table:
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    first, *rest = _lines(view)
    table = Table.grid()
    table.add_row(Text(first))
    table.add_row(ProgressBar(total=max(1, view.counts.total), completed=view.counts.total - view.counts.waiting))
    for line in rest:
        table.add_row(Text(line))
    return table


def _lines(view: View) -> list[str]:
    campaign, counts = view.campaign, view.counts
    lines = [
        f"{name_of(campaign)}: {campaign.state}, account {campaign.account}",
        f"{counts.total - counts.waiting:,} of {counted(counts.total, 'message')}{_pace_words(view)}",
        ", ".join(f"{count:,} {words}" for words, count in _outcomes(counts)),
    ]
    if counts.deliveries:
        lines.append(", ".join(f"{count:,} {status.value}" for status, count in counts.deliveries.items()))
    if campaign.reason:
        lines.append(f"Reason: {campaign.reason}")
    if view.account.held:
        lines.append(f"Account {account_words(view.account)}")
        if view.account.until is None:
            lines.append(release_words(view.account))
    if campaign.not_before and campaign.state is CampaignState.QUEUED:
        lines.append(f"Not before {local_time(campaign.not_before)}")
    if view.is_still and not view.has_stopped and not view.account.held:
        lines += _why_still(view)
    elif view.in_progress.batches:
        lines.append(_progress_words(view.in_progress))
    return [line for line in lines if line]


def _outcomes(counts: Counts) -> list[tuple[str, int]]:
    found = [(OUTCOME_WORDS[outcome], getattr(counts, outcome.value)) for outcome in Outcome]
    return [*((words, count) for words, count in found if count), ("waiting", counts.waiting)]


def _progress_words(found: InProgress) -> str:
    batches = f"{found.batches:,} {'batch' if found.batches == 1 else 'batches'}"
    lease_until = dt.datetime.fromtimestamp(clock.time() + found.seconds, dt.UTC)
    return f"In progress: {batches}, lease until {lease_until.astimezone():%H:%M:%S}"


def _why_still(view: View) -> list[str]:
    """What may be wrong where nothing has changed lately."""
    found, account = view.in_progress, view.campaign.account
    if found.batches:
        batches = "1 batch is" if found.batches == 1 else f"{found.batches:,} batches are"
        return [
            f"Nothing has changed lately; {batches} in progress.",
            f"What a killed worker had is taken over by another within {_time_words(found.seconds)}.",
        ]
    if found.is_due:
        return ["No batch is in progress. Is a worker running?", f"payamak queue work --account {account}=PROVIDER"]
    return []


def _pace_words(view: View) -> str:
    if view.rate is None:
        return ""
    left = view.seconds_left
    return f", {view.rate:,.0f} a second" + ("" if left is None else f", {_time_words(left)} left")


def _time_words(seconds: float) -> str:
    minutes, second = divmod(round(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"


def _fields(view: View) -> dict[str, object]:
    return {
        **campaign_fields(view.campaign),
        "counts": counts_fields(view.counts),
        "account_state": account_fields(view.account),
    }
