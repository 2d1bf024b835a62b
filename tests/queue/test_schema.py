"""Tables of another Payamak: older ones are upgraded, newer ones refused with what to do."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import psycopg
import pytest
from recipients import numbers

from najva_sms import AsyncNajva, DeliveryReport
from smscore import ConfigurationError
from smscore.queue import AsyncSendQueue, CampaignState, schema
from smscore.queue.tracking import fold
from smscore.statuses import DeliveryStatus

from .conftest import TEXT, Place


@contextmanager
def connected(place: Place) -> Iterator[Any]:
    if place.url.startswith("sqlite"):
        with closing(sqlite3.connect(place.url.removeprefix("sqlite:///"), isolation_level=None)) as connection:
            yield connection
    else:
        options = f"-c search_path={place.schema}"
        with psycopg.connect(place.url, autocommit=True, options=options) as connection:
            yield connection


def versions(place: Place) -> list[int]:
    with connected(place) as connection:
        return [row[0] for row in connection.execute("SELECT version FROM payamak_schema ORDER BY version").fetchall()]


@pytest.fixture
def one_version_more(monkeypatch: pytest.MonkeyPatch) -> int:
    """A Payamak whose tables have one column more than today's."""
    today = schema.migrations
    newest = schema.latest("sqlite") + 1
    more = "ALTER TABLE payamak_campaign ADD COLUMN of_tomorrow integer; -- a comment"
    monkeypatch.setattr(schema, "migrations", lambda dialect: {**today(dialect), newest: more})
    return newest


OLD_REPORT = (
    "INSERT INTO payamak_report (account, message_id, recipient, status, received_at) "
    "SELECT 'shop', min(message_id), NULL, 'delivered', {} FROM payamak_message WHERE delivery IS NULL"
)
"""How a worker of the first version adds a report."""


async def test_reports_by_an_older_payamak_come_to_their_messages_before_and_after_the_upgrade(
    place: Place, client: Callable[..., Any], new_queue: Callable[..., Any]
) -> None:
    old = await new_queue(place, shop=client(AsyncNajva))
    campaign = await old.enqueue("shop", numbers(3), TEXT)
    async with old.worker(slots=1):
        await old.wait(campaign, timeout=60)
    with connected(place) as connection:
        connection.execute("ALTER TABLE payamak_report DROP COLUMN provider")
        connection.execute("DELETE FROM payamak_schema WHERE version > 1")
        connection.execute(OLD_REPORT.format(time.time()))
    assert versions(place) == [1]
    new = await new_queue(place, shop=client(AsyncNajva))
    assert versions(place) == [*range(1, schema.latest("sqlite") + 1)]
    await fold(new._calls)
    assert (await new.counts(campaign)).delivered == 1
    with connected(place) as connection:  # a worker that still runs
        connection.execute(OLD_REPORT.format(time.time()))
    await fold(new._calls)
    assert (await new.counts(campaign)).delivered == 2


async def test_older_tables_with_work_in_them_are_upgraded_and_the_work_goes_on(
    place: Place, client: Callable[..., Any], new_queue: Callable[..., Any], request: pytest.FixtureRequest
) -> None:
    old = await new_queue(place, shop=client(AsyncNajva))
    campaign = await old.enqueue("shop", numbers(5), TEXT)
    newest = request.getfixturevalue("one_version_more")
    new = await new_queue(place, shop=client(AsyncNajva))
    async with new.worker(slots=1):
        assert (await new.wait(campaign.id, timeout=60)).state is CampaignState.DONE
    assert versions(place) == [*range(1, newest + 1)]
    await new.create()
    assert versions(place) == [*range(1, newest + 1)]


async def test_a_worker_that_finds_older_tables_on_a_server_says_to_create(
    postgres: Any, client: Callable[..., Any], new_queue: Callable[..., Any], request: pytest.FixtureRequest
) -> None:
    place = Place(postgres.url, postgres.schema)
    await new_queue(place, shop=client(AsyncNajva))
    newest = request.getfixturevalue("one_version_more")
    late = make(place, client(AsyncNajva))
    with pytest.raises(ConfigurationError, match=rf"have version {newest - 1}, .* needs {newest}\. Call queue\.create"):
        await late.drain(0.1)
    await late.aclose()


async def test_a_report_is_refused_by_older_tables_and_taken_once_they_are_upgraded(
    postgres: Any, client: Callable[..., Any], new_queue: Callable[..., Any], request: pytest.FixtureRequest
) -> None:
    place = Place(postgres.url, postgres.schema)
    await new_queue(place, shop=client(AsyncNajva))
    request.getfixturevalue("one_version_more")
    site, report = make(place, client(AsyncNajva)), DeliveryReport(123456, 10, DeliveryStatus.DELIVERED)
    with pytest.raises(ConfigurationError, match=r"Call queue\.create"):
        await site.record("shop", report)
    await new_queue(place, shop=client(AsyncNajva))
    await site.record("shop", report)
    await site.aclose()
    with connected(place) as connection:
        assert connection.execute("SELECT message_id FROM payamak_report").fetchall() == [(123456,)]


async def test_newer_tables_are_refused_and_left_as_they_are(
    place: Place, client: Callable[..., Any], new_queue: Callable[..., Any]
) -> None:
    old = await new_queue(place, shop=client(AsyncNajva))
    campaign = await old.enqueue("shop", numbers(5), TEXT)
    with connected(place) as connection:
        connection.execute("INSERT INTO payamak_schema (version, applied_at) VALUES (99, 0)")
    late = make(place, client(AsyncNajva))
    for attempt in (late.create, lambda: late.drain(0.1), lambda: late.counts(campaign)):
        with pytest.raises(ConfigurationError, match=r"have version 99, .* Upgrade Payamak on this machine"):
            await attempt()
    await late.aclose()
    with connected(place) as connection:
        assert connection.execute("SELECT state FROM payamak_batch").fetchall() == [("new",)]


def make(place: Place, account: Any) -> Any:
    return AsyncSendQueue(place.url, {"shop": account}, schema=place.schema)
