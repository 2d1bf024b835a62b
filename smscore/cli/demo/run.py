"""The demo: some 26,000 messages through three providers into a sandbox, counted on both sides."""

from __future__ import annotations

import csv
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final, Protocol

from attrs import define, field, frozen

from smscore import clock, registry
from smscore.cli.demo.outcomes import Told, problems_of, tell_apart
from smscore.errors import InvalidNumber
from smscore.loops.threads import in_thread
from smscore.numbers import local_form
from smscore.outcomes import Outcome
from smscore.results import RecipientResult, SendReport
from smscore.sandbox import Sandbox
from smscore.sending.delivery import BatchEvent
from smscore.statuses import DeliveryStatus, MessageStatus

TEXT: Final = "سلام! این یک پیام آزمایشی پیامک است."
BLOCKING_TEXT: Final = "یک پیام از کلاینت همگام"
TOKEN: Final = "demo"  # noqa: S105  # the sandbox takes any
MOMENT: Final = 2.5  # seconds by the sandbox's clock, in which it brings a message to its handset


@frozen
class Plan:
    """What the demo does with one provider."""

    provider: str
    sender: str
    count: int


PLANS: Final = (
    Plan("sepahan", "50003300", 250),
    Plan("ippanel", "+983000505", 1_000),
    Plan("najva", "90000123", 25_000),
)

# They stand among the good rows of the CSV: a landline, a short number, Persian digits, a duplicate.
ODD_NUMBERS: Final = ("02188776655", "0912345", "۰۹۱۲۰۰۲۵۰۰۰", "09120000001")


@frozen
class Row:
    """A row of the CSV, counted from 1 below the header."""

    place: int
    number: str


@frozen
class Fate:
    """What became of a row that is not like the others."""

    row: Row
    words: str


@define
class Sent:
    """What one provider's clients were told."""

    plan: Plan
    credit_before: int
    results: list[RecipientResult] = field(factory=list[RecipientResult])
    blocking: list[RecipientResult] = field(factory=list[RecipientResult])
    requests: int = 0
    cost: int | None = None
    seconds: float = 0.0
    first_statuses: Counter[DeliveryStatus] | None = None
    last_statuses: Counter[DeliveryStatus] | None = None
    credit_after: int = 0

    @property
    def outcomes(self) -> Counter[Outcome]:
        """How many results have each outcome."""
        return Counter(result.outcome for result in [*self.results, *self.blocking])

    def take(self, results: list[RecipientResult], report: SendReport) -> None:
        """Add a report to the results of the async client, or to those of the blocking one."""
        results.extend(report)
        if report.cost is not None:
            self.cost = (self.cost or 0) + int(report.cost)


class View(Protocol):
    """Where the demo shows what happens."""

    def started(self, urls: Mapping[str, str]) -> None:
        """The sandbox is there; ``urls`` are its base URLs by provider."""

    def sending(self, plan: Plan) -> Callable[[int], None]:
        """A provider's turn; what is returned is called with how many more are through."""
        ...

    def waiting(self) -> None:
        """All is sent; the sandbox's clock goes on, and the statuses with it."""

    def finished(self, sent: list[Sent], fates: list[Fate], told: list[Told], problems: list[str]) -> None:
        """All is known."""


async def run_demo(view: View) -> bool:
    """Whether every number added up with what the sandbox received."""
    with tempfile.TemporaryDirectory() as folder:
        recipients = Path(folder) / "recipients.csv"
        await in_thread(write_recipients, recipients, PLANS[-1].count)
        began = clock.time()
        async with Sandbox(clock=lambda: began) as box:  # it stands still: a slow machine shows the same statuses
            view.started({plan.provider: box.url(plan.provider) for plan in PLANS})
            sent, fates = await _send_all(box, recipients, view)
            problems = check(sent, box)
            told = await tell_apart(box, [(plan.provider, plan.sender) for plan in PLANS])
            problems += problems_of(told)
            view.finished(sent, fates, told, problems)
    return not problems


async def _send_all(box: Sandbox, recipients: Path, view: View) -> tuple[list[Sent], list[Fate]]:
    fates: list[Fate] = []
    sent: list[Sent] = []
    for plan in PLANS:
        async with registry.load(plan.provider, "async_client")(
            TOKEN, sender=plan.sender, base_url=box.url(plan.provider)
        ) as client:
            one = Sent(plan, box.credit(plan.provider, TOKEN))
            await _send(client, one, recipients, fates, view.sending(plan))
        one.take(one.blocking, await in_thread(_send_blocking, plan, box.url(plan.provider)))
        sent.append(one)
    view.waiting()
    box.advance(MOMENT)
    for one in sent:
        one.last_statuses = await _statuses(one, box)
        one.credit_after = box.credit(one.plan.provider, TOKEN)
    return sent, fates


async def _send(client: Any, sent: Sent, recipients: Path, fates: list[Fate], progress: Callable[[int], None]) -> None:
    plan = sent.plan

    def on_batch(event: BatchEvent) -> None:
        if event.state == "done":
            sent.requests += 1
            progress(len(event.recipients))

    began = clock.monotonic()
    if plan is PLANS[-1]:
        rows, repeats = distinct(await in_thread(read_rows, recipients))
        stream = client.send_stream([row.number for row in rows], TEXT, on_batch=on_batch)
        # Reports come as their batches end; the rows are in the order of the offsets.
        for report in sorted([report async for report in stream], key=lambda report: report.offset):
            sent.take(sent.results, report)
        fates.extend(repeats + odd_fates(rows, sent.results))
    else:
        sent.take(sent.results, await client.send(numbers(plan.count), TEXT, on_batch=on_batch))
    sent.seconds = clock.monotonic() - began
    sent.first_statuses = await _ask(client, sent)


def _send_blocking(plan: Plan, url: str) -> SendReport:
    with registry.load(plan.provider, "client")(TOKEN, sender=plan.sender, base_url=url) as client:
        report: SendReport = client.send("09121234567", BLOCKING_TEXT)
    return report


async def _statuses(sent: Sent, box: Sandbox) -> Counter[DeliveryStatus] | None:
    provider = sent.plan.provider
    async with registry.load(provider, "async_client")(TOKEN, base_url=box.url(provider)) as client:
        return await _ask(client, sent)


async def _ask(client: Any, sent: Sent) -> Counter[DeliveryStatus] | None:
    """How many messages have each delivery status; None where the client has no call that tells."""
    ids = [result.message_id for result in sent.results if result.message_id is not None]
    if hasattr(client, "status"):
        found: list[MessageStatus] = await client.status(ids)
        return Counter(status.status for status in found)
    if hasattr(client, "recipients"):  # of one bulk message, whose id all of its results have
        return Counter([one.status for id_ in dict.fromkeys(ids) async for one in client.recipients(id_)])
    return None


def check(sent: Iterable[Sent], box: Sandbox) -> list[str]:
    """Where what the clients were told differs from what the sandbox holds; empty if nothing does."""
    problems: list[str] = []
    for one in sent:
        provider = one.plan.provider
        said = _accepted(one.results, TEXT) + _accepted(one.blocking, BLOCKING_TEXT)
        held = Counter((m.recipient, m.message_id, m.text) for m in box.messages if m.provider == provider)
        if said != held:
            problems.append(f"{provider}: {said.total()} accepted, and {held.total()} received, are not the same")
        if one.outcomes[Outcome.ACCEPTED] != one.plan.count + len(one.blocking):
            problems.append(f"{provider}: {one.outcomes[Outcome.ACCEPTED]} accepted of {one.plan.count} good numbers")
        if one.outcomes[Outcome.UNKNOWN] or one.outcomes[Outcome.REJECTED]:
            problems.append(f"{provider}: some were rejected, or their outcome is unknown")
        charged = one.credit_before - one.credit_after
        if one.cost is not None and one.cost != charged:
            problems.append(f"{provider}: it said a cost of {one.cost}, and charged {charged}")
    return problems


def _accepted(results: Iterable[RecipientResult], text: str) -> Counter[tuple[str, int | None, str]]:
    return Counter((r.recipient, r.message_id, text) for r in results if r.outcome is Outcome.ACCEPTED)


def numbers(count: int) -> list[str]:
    """So many mobile numbers, all different."""
    return [f"0912{number:07}" for number in range(count)]


def write_recipients(path: Path, count: int) -> None:
    """A CSV with so many different mobile numbers, and the odd ones among them."""
    good = numbers(count - 1)  # Persian digits make a good one too
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["name", "number"])
        rows = [*good[:500], *ODD_NUMBERS, *good[500:]]
        writer.writerows([f"مشترک {place}", number] for place, number in enumerate(rows, 1))


def read_rows(path: Path) -> list[Row]:
    """The rows of a CSV with a column ``number``."""
    with path.open(newline="", encoding="utf-8") as file:
        return [Row(place, fields["number"]) for place, fields in enumerate(csv.DictReader(file), 1)]


def distinct(rows: Iterable[Row]) -> tuple[list[Row], list[Fate]]:
    """The rows with each number once, however it is spelled, and what became of the others."""
    first: dict[str, Row] = {}
    repeats: list[Fate] = []
    for row in rows:
        earlier = first.setdefault(local_form(row.number) or row.number, row)
        if earlier is not row:
            repeats.append(Fate(row, f"left out by the demo: row {earlier.place} has the same number"))
    return list(first.values()), repeats


def odd_fates(rows: Iterable[Row], results: Iterable[RecipientResult]) -> list[Fate]:
    """What became of the rows whose number is no mobile one, or is not in ASCII digits."""
    fates: list[Fate] = []
    for row, result in zip(rows, results, strict=True):
        if isinstance(result.error, InvalidNumber):
            fates.append(Fate(row, "not sent: it is no Iranian mobile number"))
        elif not row.number.isascii():
            fates.append(Fate(row, f"{result.outcome.value} as {result.recipient}"))
    return fates
