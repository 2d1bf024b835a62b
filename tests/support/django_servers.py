"""The shop under a web server, with its worker, a bounded load of requests, and what its books say afterwards."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Final

import aiohttp
import attrs
import pytest
from django_connections import connections, sampled
from django_shop import SHOP, Shop
from instances import free_port
from ledger import Ledger
from psycopg.conninfo import make_conninfo

CONCURRENCY: Final = 16
SERVERS: Final = {
    "gunicorn": "-m gunicorn bookshop.wsgi -b 127.0.0.1:{} -w 2 --preload --worker-class gthread --threads 8",
    "uvicorn": "-m uvicorn bookshop.asgi:application --port {} --workers 2 --log-level warning",
    "runserver": "manage.py runserver --noreload 127.0.0.1:{}",
}
_SETTINGS: Final = """
from {} import *
from smscore import Timeouts

DEBUG = False
for account in PAYAMAK.values():
    if "PROVIDER" in account:
        account["OPTIONS"] = {{"timeout": Timeouts(connect={seconds}, read={seconds}, total={seconds})}}
"""


def with_timeouts(shop: Shop, folder: Path, seconds: float) -> Shop:
    """The shop as it runs on a server, with these timeouts, by which a worker's lease is as short."""
    (folder / "served.py").write_text(
        _SETTINGS.format(shop.variables["DJANGO_SETTINGS_MODULE"], seconds=seconds), encoding="utf-8"
    )
    path = os.pathsep.join([os.fspath(folder), os.fspath(SHOP)])
    return attrs.evolve(shop, variables={**shop.variables, "DJANGO_SETTINGS_MODULE": "served", "PYTHONPATH": path})


@attrs.define
class Process:
    """A server or worker in a group of processes of its own."""

    process: subprocess.Popen[bytes]
    log: Path
    url: str = ""

    def kill(self) -> None:
        """SIGKILL to all of it."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(60)

    def stop(self) -> int:
        """Stop it as a supervisor does, and return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)

    def said(self) -> str:
        return self.log.read_text("utf-8", errors="replace")

    def check(self) -> None:
        if self.process.poll() is not None:
            pytest.fail(f"it ended with {self.process.returncode}:\n{self.said()[-3000:]}")


@contextmanager
def started(command: list[str], shop: Shop, log: Path, **variables: str) -> Iterator[Process]:
    with log.open("ab") as file:
        process = subprocess.Popen(
            [sys.executable, *command],
            cwd=SHOP,
            env=shop.environment(HOME=os.fspath(log.parent), **variables),  # gunicorn has a socket there
            stdout=file,
            stderr=file,
            start_new_session=True,
        )
    found = Process(process, log)
    try:
        yield found
    finally:
        if process.poll() is None:
            found.kill()


@contextmanager
def served(server: str, shop: Shop, log: Path, **variables: str) -> Iterator[Process]:
    """The site, once it answers."""
    port = free_port()
    with started(SERVERS[server].format(port).split(), shop, log, **variables) as site:
        site.url = f"http://127.0.0.1:{port}/"
        until(lambda: answers(site.url), site)
        yield site


def working(shop: Shop, log: Path, **variables: str) -> Any:
    """The worker."""
    return started(["manage.py", "sms_worker"], shop, log, **variables)


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=10):
            return True
    except (OSError, urllib.error.URLError):
        return False


def until(is_so: Callable[[], object], *processes: Process, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        for one in processes:
            one.check()
        if time.monotonic() > deadline:
            pytest.fail("it did not come so far:\n" + "\n".join(one.said()[-2000:] for one in processes))
        time.sleep(0.1)


# The load


async def load(url: str, numbers: range, *, may_fail: bool = False) -> Counter[object]:
    """Order for each number, and for each fifth ask for a code; how often each status was answered.

    Where requests ``may_fail``, what the server did not answer counts as None.
    """
    connector = aiohttp.TCPConnector(limit=CONCURRENCY)
    async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session:
        async with session.get(url) as page:
            token = page.cookies["csrftoken"].value
        headers = {"Cookie": f"csrftoken={token}", "X-CSRFToken": token}

        async def post(path: str, **fields: str) -> object:
            try:
                async with session.post(url + path, data=fields, headers=headers, allow_redirects=False) as answer:
                    return answer.status
            except aiohttp.ClientError:
                if not may_fail:
                    raise
                return None

        return Counter(
            await asyncio.gather(
                *(post("", name="مریم", phone=f"0912{n:07}", book=f"کتاب {n}") for n in numbers),
                *(post("login/", phone=f"0935{n:07}") for n in numbers[::5]),
            )
        )


# The books

_ASK: Final = """
import json
from shop.models import Order
from smscore.contrib.django.models import Batch, Campaign
campaigns = {one.key: one.state for one in Campaign.objects.all()}
names = "campaign__key", "accepted", "rejected", "not_sent", "unknown"
outcomes = {key: counts for key, *counts in Batch.objects.filter(state="done").values_list(*names)}
orders = {f"order-{one.pk}": one.book for one in Order.objects.all()}
print(json.dumps({"orders": orders, "campaigns": campaigns, "outcomes": outcomes}))
"""
_KINDS: Final = ("accepted", "rejected", "not_sent", "unknown")


@attrs.frozen
class Books:
    """The shop's orders, the state of each campaign, the outcome of each message, and how often each was accepted."""

    orders: set[str]
    states: dict[str, str]
    outcomes: dict[str, str]
    accepted: Counter[str]
    """By the order's key, as the sandbox's ledger has it."""

    @property
    def has_ended(self) -> bool:
        return {*self.states.values()} <= {"done"}

    def promises_broken(self) -> dict[str, list[str]]:
        """What may not happen, whatever is killed: an order without its campaign, twice, lost, a false outcome."""
        gone = {key for key, count in self.accepted.items() if count}
        false = [
            key
            for key, outcome in self.outcomes.items()
            if (outcome == "accepted" and key not in gone) or (outcome in ("rejected", "not_sent") and key in gone)
        ]
        found = {
            "order without campaign": sorted(self.orders - {*self.states}),
            "campaign without order": sorted({*self.states} - self.orders),
            "twice": sorted(key for key, count in self.accepted.items() if count > 1),
            "lost": sorted(key for key in self.states if key not in self.outcomes),
            "false": sorted(false),
        }
        return {name: keys for name, keys in found.items() if keys}


def books(shop: Shop, ledger: Ledger) -> Books:
    found = json.loads(shop.manage("shell", "-v0", "-c", _ASK, **ledger.environment).strip().splitlines()[-1])
    outcomes = {key: _KINDS[counts.index(1)] for key, counts in found["outcomes"].items()}
    texts = Counter(one.text for one in ledger.accepted() if one.provider == "najva")
    return Books(
        {*found["orders"]}, found["campaigns"], outcomes, Counter({_key(text): n for text, n in texts.items()})
    )


def _key(text: str) -> str:
    match = re.search(r"سفارش (\d+) ثبت شد", text)
    return f"order-{match[1]}" if match else text


# What is shown with them


async def serve_and_send(server: str, shop: Shop, folder: Path, requests: int) -> None:
    """Under load each request is answered, each order is sent once, and connections do not pile up."""
    shop = with_timeouts(shop, folder, 60)
    with Ledger() as ledger:
        shop.manage("migrate", "-v0", **ledger.environment)
        with served(server, shop, folder / "site.log", **ledger.environment) as site:
            async with connections_of(shop) as seen:
                statuses = await load(site.url, range(requests))
            assert statuses == {302: requests, 200: len(range(requests)[::5])}, (statuses, site.said()[-3000:])
            assert max(seen, default=0) <= CONCURRENCY + 2
            if "PGAPPNAME" in shop.variables:  # what a request opened is closed at its end
                until(lambda: connections(_conninfo(shop), shop.variables["PGAPPNAME"]) == 0, site, seconds=30)
            with working(shop, folder / "worker.log", **ledger.environment) as worker:
                until(lambda: len(_confirmations(ledger)) >= requests, worker)
                until(lambda: books(shop, ledger).has_ended, worker)
                assert worker.stop() == 0, worker.said()
        found = books(shop, ledger)
        codes = Counter(one.recipient for one in ledger.accepted() if one.provider == "ippanel")
    assert len(found.orders) == requests
    assert found.promises_broken() == {}
    assert {*found.outcomes.values()} == {"accepted"}
    assert codes == {f"+98935{n:07}": 1 for n in range(requests)[::5]}


async def kill_both_in_the_middle(server: str, shop: Shop, folder: Path, requests: int) -> None:
    """What was committed is sent once, or is unknown if its worker died over it; what was not is as if never there."""
    shop = with_timeouts(shop, folder, 3)
    logs = folder / "site.log", folder / "worker.log"
    with Ledger() as ledger:
        shop.manage("migrate", "-v0", **ledger.environment)
        ledger.fail("delay", provider="najva", seconds=0.2)
        with (
            served(server, shop, logs[0], **ledger.environment) as site,
            working(shop, logs[1], **ledger.environment) as worker,
        ):
            orders = asyncio.create_task(load(site.url, range(requests), may_fail=True))
            while len(_confirmations(ledger)) < requests // 10:
                site.check()
                worker.check()
                await asyncio.sleep(0.05)
            worker.kill()
            site.kill()
            await asyncio.wait([orders])
        ledger.clear_faults()
        with (
            served(server, shop, logs[0], **ledger.environment) as site,
            working(shop, logs[1], **ledger.environment) as worker,
        ):
            statuses = await load(site.url, range(requests, 2 * requests))
            assert statuses[302] == requests
            await asyncio.to_thread(until, lambda: books(shop, ledger).has_ended, site, worker)
            assert worker.stop() == 0, worker.said()
        found = books(shop, ledger)
    assert found.promises_broken() == {}
    assert len(found.orders) >= requests
    assert {*found.outcomes.values()} <= {"accepted", "unknown"}


def _confirmations(ledger: Ledger) -> list[object]:
    return [one for one in ledger.accepted() if one.provider == "najva"]


def _conninfo(shop: Shop) -> str:
    words = {"PGDATABASE": "dbname", "PGUSER": "user", "PGPASSWORD": "password", "PGHOST": "host", "PGPORT": "port"}
    return make_conninfo("", **{word: shop.variables[name] for name, word in words.items() if name in shop.variables})


@asynccontextmanager
async def connections_of(shop: Shop) -> AsyncIterator[list[int]]:
    if "PGAPPNAME" not in shop.variables:
        yield []
        return
    async with sampled(_conninfo(shop), shop.variables["PGAPPNAME"]) as seen:
        yield seen
