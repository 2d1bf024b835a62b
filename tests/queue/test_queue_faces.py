"""Both faces of the queue: the same methods, parameters and words; arguments that are wrong; names that are lazy."""

from __future__ import annotations

import inspect
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from najva_sms import AsyncNajva, Najva
from sepahan_sms import AsyncSepahan
from smscore import ConfigurationError, InvalidNumber, InvalidRequest
from smscore.failover import AsyncFailover, Failover
from smscore.queue import AsyncSendQueue, Counts, SendQueue
from smscore.statuses import DeliveryStatus

from .conftest import TEXT, Place

New = Callable[..., Any]
NAMES = {name for name in dir(AsyncSendQueue) if not name.startswith("_")} - {"aclose"}


def test_both_faces_have_the_same_methods():
    assert {name for name in dir(SendQueue) if not name.startswith("_")} - {"close"} == NAMES


@pytest.mark.parametrize("name", sorted(NAMES))
def test_both_faces_say_the_same_of_a_method(name: str):
    asynchronous, blocking = getattr(AsyncSendQueue, name), getattr(SendQueue, name)
    assert inspect.getdoc(blocking)
    assert inspect.getdoc(asynchronous) == inspect.getdoc(blocking)
    parameters = [
        [(one.name, one.kind, one.default) for one in inspect.signature(face).parameters.values()]
        for face in (asynchronous, blocking)
    ]
    assert parameters[0] == parameters[1]


def test_importing_the_queue_imports_no_database():
    code = "import sys, smscore.queue; print({'sqlite3', 'psycopg', 'smscore.client'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


@pytest.mark.parametrize(
    "url", ["", "queue.db", "sqlite://queue.db", "sqlite:///:memory:", "mysql://localhost/a", 3, "postgresql://"]
)
def test_what_is_no_url_of_a_database_is_refused(url: Any):
    with pytest.raises(ConfigurationError, match=r"URL|memory"):
        AsyncSendQueue(url, {})


def test_a_url_with_a_password_is_never_shown():
    with pytest.raises(ConfigurationError) as caught:
        AsyncSendQueue("postgress://user:secret@host/db", {})
    assert "secret" not in str(caught.value)
    assert "secret" not in repr(AsyncSendQueue("postgresql://user:secret@host/db", {}))


def test_each_face_takes_its_own_clients():
    blocking, asynchronous = Najva("token"), AsyncNajva("token")
    AsyncSendQueue("sqlite:///a.db", {"a": asynchronous, "b": AsyncFailover(asynchronous)})
    SendQueue("sqlite:///a.db", {"a": blocking, "b": Failover(blocking)})
    with pytest.raises(ConfigurationError, match="async clients"):
        AsyncSendQueue("sqlite:///a.db", {"a": blocking})  # type: ignore[dict-item]
    with pytest.raises(ConfigurationError, match="blocking clients"):
        SendQueue("sqlite:///a.db", {"a": asynchronous})  # type: ignore[dict-item]


@pytest.mark.parametrize("lease", [1.0, 0, -1, "60", float("inf")])
def test_a_lease_shorter_than_a_request_may_take_is_refused(lease: Any):
    with pytest.raises(ConfigurationError, match="lease="):
        AsyncSendQueue("sqlite:///a.db", {"a": AsyncNajva("token", timeout=60.0)}, lease=lease)


def test_a_schema_is_a_plain_name():
    with pytest.raises(ConfigurationError, match="plain name"):
        AsyncSendQueue("postgresql://localhost/a", {}, schema='a"; DROP')
    with pytest.raises(ConfigurationError, match="only with PostgreSQL"):
        AsyncSendQueue("sqlite:///a.db", {}, schema="a")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"key": ""}, "key="),
        ({"key": "x" * 201}, "key="),
        ({"key": "a\0b"}, "key="),
        ({"not_before": -1}, "not_before="),
        ({"expires": "tomorrow"}, "expires="),
        ({"window": "8-22"}, "window="),
        ({"priority": "high"}, "priority="),
        ({"priority": 2**40}, "priority="),
        ({"sender": ""}, "sender"),
    ],
)
async def test_wrong_arguments_are_refused_and_nothing_is_stored(
    options: dict[str, Any], words: str, sqlite_place: Place, client: New, new_queue: New
):
    queue = await new_queue(sqlite_place, shop=client(AsyncNajva))
    with pytest.raises(InvalidRequest, match=words):
        await queue.enqueue("shop", "09120000001", TEXT, **options)
    assert [campaign async for campaign in queue.campaigns()] == []


async def test_an_account_that_the_queue_does_not_have_is_refused(sqlite_place: Place, client: New, new_queue: New):
    queue = await new_queue(sqlite_place, shop=client(AsyncSepahan))
    with pytest.raises(InvalidRequest, match="Unknown account"):
        await queue.enqueue("codes", "09120000001", TEXT)
    with pytest.raises(InvalidRequest, match="cannot do this kind"):
        await queue.enqueue_pattern("shop", "09120000001", "code", {})


@pytest.mark.parametrize("to", [[], ["09120000001", "12", "x"], iter(["12"])])
async def test_bad_numbers_and_none_are_refused_and_nothing_is_stored(
    to: Any, sqlite_place: Place, client: New, new_queue: New
):
    queue = await new_queue(sqlite_place, shop=client(AsyncSepahan))
    with pytest.raises(InvalidRequest):
        await queue.enqueue("shop", to, TEXT)
    assert [campaign async for campaign in queue.campaigns()] == []


async def test_every_bad_number_of_a_long_load_is_named_and_the_load_is_taken_away(
    place: Place, client: New, new_queue: New
):
    queue = await new_queue(place, shop=client(AsyncNajva))
    given = [f"0912{n:07}" if n % 9_000 else "bad" for n in range(1, 40_001)]
    with pytest.raises(InvalidNumber) as caught:
        await queue.enqueue("shop", iter(given), TEXT, key="one")
    assert [position for position, _ in caught.value.numbers] == [8_999, 17_999, 26_999, 35_999]
    assert await queue.campaign("one") is None
    assert await queue._calls.read(lambda store: store.rows("SELECT id FROM payamak_batch")) == []


def test_counts_have_an_attribute_for_each_delivery_status_and_pickle():
    counts = Counts(accepted=2, deliveries={DeliveryStatus.DELIVERED: 2})
    assert (counts.delivered, counts.failed, counts.total) == (2, 0, 2)
    assert pickle.loads(pickle.dumps(counts)) == counts
    assert all(getattr(counts, status.value) >= 0 for status in DeliveryStatus)
    with pytest.raises(AttributeError):
        _ = counts.nothing


def test_a_queue_works_after_a_fork(sqlite_place: Place):
    queue = SendQueue(sqlite_place.url, {"shop": Najva("token", sender="90000123")})
    queue.enqueue("shop", "09120000001", TEXT)
    child = os.fork()
    if not child:
        queue.enqueue("shop", "09120000002", TEXT)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert [campaign.size for campaign in queue.campaigns()] == [1, 1]
    queue.close()
