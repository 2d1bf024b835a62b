"""A soak: random faults and thousands of sends over real connections, and the books of the server to judge by.

``SOAK_SECONDS`` (60) is how long, ``SOAK_SEED`` makes the same choices again. Not collected unless named:
``pytest tests/soak.py``.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Final

import aiohttp
import faultserver as fs
import pytest
from attrs import define, field
from faultserver import Books, Fault, FaultServer, international, told_by

from ippanel_sms import AsyncIPPanel, IPPanel
from najva_sms import AsyncNajva, Najva
from sepahan_sms import AsyncSepahan, Sepahan
from smscore import BatchEvent, Outcome, RetryPolicy, SendReport, SMSError, Timeouts

SECONDS: Final = float(os.environ.get("SOAK_SECONDS", "60"))
SEED: Final = int(os.environ.get("SOAK_SEED", "0")) or random.randrange(1, 2**32)
WORKERS: Final = 4

FACES: Final = {AsyncSepahan: Sepahan, AsyncIPPanel: IPPanel, AsyncNajva: Najva}
SENDERS: Final = {AsyncSepahan: "50003300", AsyncIPPanel: "+983000505", AsyncNajva: "90000123"}

# Each with how often it is taken.
FAULTS: Final[dict[Fault, int]] = {
    fs.GOOD: 60,
    fs.TRICKLE: 2,
    fs.CONTINUE: 2,
    fs.LONG_HEADER: 1,
    fs.MANY_HEADERS: 1,
    fs.TRAILERS: 1,
    fs.TWICE_AT_ONCE: 2,
    fs.AND_A_HALF: 2,
    fs.AND_GARBAGE: 1,
    fs.STALL: 1,
    fs.STALL_UNREAD: 1,
    fs.says("429 with no wait", fs.http(429, b"", "Retry-After: 0"), takes=False): 4,
    fs.says("400", fs.http(400, fs.PAGE, fs.HTML), takes=False): 1,
    fs.says("401", fs.http(401, fs.PAGE, fs.HTML), takes=False): 1,
    fs.NESTED: 1,
    fs.REDIRECTS[0]: 1,
    **dict.fromkeys(
        [
            *(fs.FIN_UNREAD, fs.RST_UNREAD, fs.hang_up_after(100), fs.reset_after(100)),
            *(fs.FIN, fs.RST, fs.CUT_STATUS_LINE, fs.CUT_HEADERS, fs.CUT_BODY, fs.CUT_CHUNKS, fs.CONTINUE_THEN_FIN),
            *(fs.GARBAGE, fs.TOO_LONG_HEADER, fs.NO_GZIP, fs.SWITCHING, fs.STATUS_999),
            *(fs.HTML_200, fs.NOT_JSON, fs.EMPTY_200, fs.NO_CONTENT, fs.WRONG_PAYLOAD, fs.ENTRY_MISSING),
            *(fs.ERROR_500, fs.ERROR_500_UNDONE, fs.ERROR_502, fs.ERROR_503),
        ],
        2,
    ),
}


def at_random(choose: random.Random, met: Counter[str], good: int) -> Iterator[Fault]:
    """Faults without end, one request in so many of them good beside those that are by chance."""
    names, weights = list(FAULTS), list(FAULTS.values())
    while True:
        fault = fs.GOOD if choose.random() < good / 10 else choose.choices(names, weights)[0]
        met[fault.name] += 1
        yield fault


@define
class Tally:
    """What a soak did, for a human to read."""

    rounds: int = 0
    calls: int = 0
    cancelled: int = 0
    requests: int = 0
    charged: int = 0
    outcomes: Counter[str] = field(factory=Counter)
    errors: Counter[str] = field(factory=Counter)
    faults: Counter[str] = field(factory=Counter)

    def lines(self) -> Iterator[str]:
        yield f"seed {SEED}: {self.rounds} rounds, {self.calls} calls ({self.cancelled} cancelled)"
        yield f"{self.requests} complete requests, {self.charged} messages charged"
        for name, counter in (("outcomes", self.outcomes), ("errors", self.errors), ("faults", self.faults)):
            yield f"{name}: " + ", ".join(f"{key} {count}" for key, count in counter.most_common())


@define
class Round:
    """One client against one server: every number is sent to once, and again only if it was not sent."""

    choose: random.Random
    tally: Tally
    told: list[Any] = field(factory=list)
    used: int = 0

    async def play(self) -> None:
        choose = self.choose
        kind = choose.choice(list(FACES))
        # IPPanel answers for a request as a whole, and refuses nobody alone.
        refused = () if kind is AsyncIPPanel else (self.number(choose.randrange(2000)) for _ in range(20))
        books = Books(refused=frozenset(map(international, refused)), credit=choose.choice([None, None, 500]))
        with FaultServer(at_random(choose, self.tally.faults, choose.choice([0, 5, 8, 9])), books=books) as server:
            await self.use(kind, server)
            requests = server.count()
        # Only now can nothing more arrive.
        assert books.contradictions(self.told) == []
        charges = Counter(number for _, number in books.charged.elements())
        assert set(charges.values()) <= {1}, "somebody was charged twice"
        assert server.count(fs.ELSEWHERE) == 0
        self.tally.rounds += 1
        self.tally.requests += requests
        self.tally.charged += books.taken

    async def use(self, kind: type[Any], server: FaultServer) -> None:
        options = {
            "sender": SENDERS[kind],
            "base_url": server.url,
            "timeout": Timeouts(connect=5, read=0.15, total=5),
            "retry": RetryPolicy(attempts=self.choose.randint(1, 4), wait_initial=0.001, wait_max=0.01),
            "batch_size": self.choose.choice([1, 3, 10, 50]),
            "max_concurrency": self.choose.choice([1, 4, 16]),
        }
        match self.choose.choice(["async", "async", "blocking", "borrowed session"]):
            case "async":
                async with kind("token", **options) as client:
                    await self.calls(client)
            case "borrowed session":
                async with aiohttp.ClientSession() as session:
                    await self.calls(kind("token", session=session, **options))
            case _:
                await asyncio.to_thread(self.blocking_calls, FACES[kind], options)

    async def calls(self, client: Any) -> None:
        for _ in range(10):
            numbers = self.fresh(self.choose.choice([1, 20, 200]))
            for _again in range(3):
                if not numbers:
                    break
                numbers = await self.call(client, numbers)

    async def call(self, client: Any, numbers: list[str]) -> list[str]:
        """Send, perhaps with a cancel; what may be sent again."""
        journal: list[BatchEvent] = []
        patience = self.choose.choice([None, None, None, 0.001, 0.01, 0.05])
        self.tally.calls += 1
        try:
            async with asyncio.timeout(patience):
                report = await client.send(numbers, "سلام", on_batch=journal.append)
        except SMSError as error:
            report = self.of(error)
        except TimeoutError:
            self.tally.cancelled += 1
            known = list(told_by(journal))
            self.told += known
            gone = {row.recipient for row in known if row.outcome is not Outcome.NOT_SENT}
            return [number for number in numbers if international(number) not in gone]
        return self.note(numbers, report)

    def blocking_calls(self, kind: type[Any], options: dict[str, Any]) -> None:
        with kind("token", **options) as client:
            for _ in range(10):
                numbers = self.fresh(self.choose.choice([1, 20, 200]))
                for _again in range(3):
                    if not numbers:
                        break
                    self.tally.calls += 1
                    try:
                        report = client.send(numbers, "سلام")
                    except SMSError as error:
                        report = self.of(error)
                    numbers = self.note(numbers, report)

    def of(self, error: SMSError) -> SendReport:
        self.tally.errors[type(error).__name__] += 1
        assert error.report is not None
        return error.report

    def note(self, numbers: Sequence[str], report: SendReport) -> list[str]:
        assert [row.recipient for row in report] == list(map(international, numbers))
        self.told += report
        self.tally.outcomes.update(row.outcome.name for row in report)
        return ["0" + row.recipient[3:] for row in report.not_sent]

    def fresh(self, count: int) -> list[str]:
        self.used += count
        return list(map(self.number, range(self.used - count, self.used)))

    @staticmethod
    def number(place: int) -> str:
        return f"0912{place:07}"


async def soak(seconds: float, seed: int) -> Tally:
    tally, until = Tally(), time.monotonic() + seconds

    async def work(worker: int) -> None:
        choose = random.Random(f"{seed}-{worker}")
        while time.monotonic() < until:
            await Round(choose, tally).play()

    async with asyncio.TaskGroup() as workers:
        for worker in range(WORKERS):
            workers.create_task(work(worker))
    return tally


async def test_no_fault_makes_the_client_say_what_the_books_deny(capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        print(f"\nsoaking for {SECONDS:g} seconds with SOAK_SEED={SEED}")
    tally = await soak(SECONDS, SEED)
    with capsys.disabled():
        print("\n".join(tally.lines()))
    assert tally.calls
