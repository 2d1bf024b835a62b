"""The demo: messages through every provider into a sandbox, counted on both sides.

How many a provider takes, and whether they come from a CSV file, is in its profile.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

from attrs import define, field

from smscore import clock, registry
from smscore.cli.demo.failover import ShownFailover, failover_problems, show_failover
from smscore.cli.demo.followed import FollowedMessage, follow_one, follow_problems
from smscore.cli.demo.outcomes import CheckedOutcome, check_outcomes, problems_of
from smscore.cli.demo.recipients import OddRow, distinct, numbers, odd_rows, read_rows, write_recipients
from smscore.loops.threads import in_thread
from smscore.outcomes import Outcome
from smscore.profile import Capability, Profile
from smscore.results import RecipientResult, SendReport
from smscore.sandbox import Sandbox
from smscore.sending.send_call import BatchEvent

TEXT: Final = "سلام! این یک پیام آزمایشی پیامک است."
BLOCKING_TEXT: Final = "یک پیام از کلاینت همگام"
TOKEN: Final = "demo"  # noqa: S105  # the sandbox accepts any token
DELIVERY_TIME: Final = 2.5  # seconds on the sandbox's clock, enough for it to deliver every message


@define
class ProviderResults:
    """What one provider's clients reported, and its statuses by name."""

    profile: Profile
    credit_before: int
    results: list[RecipientResult] = field(factory=list[RecipientResult])
    blocking: list[RecipientResult] = field(factory=list[RecipientResult])
    odd_rows: list[OddRow] = field(factory=list[OddRow])
    requests: int = 0
    cost: int | None = None
    seconds: float = 0.0
    first_statuses: Counter[str] | None = None
    last_statuses: Counter[str] | None = None
    credit_after: int = 0

    @property
    def provider(self) -> str:
        """The provider's name."""
        return self.profile.name

    @property
    def outcomes(self) -> Counter[Outcome]:
        """How many results have each outcome."""
        return Counter(result.outcome for result in [*self.results, *self.blocking])

    def add(self, results: list[RecipientResult], report: SendReport) -> None:
        """Add a report to the results of the async client, or to those of the blocking one."""
        results.extend(report)
        if report.cost is not None:
            self.cost = (self.cost or 0) + int(report.cost)


class View(Protocol):
    """Where the demo shows what happens."""

    def started(self, urls: Mapping[str, str]) -> None:
        """The sandbox is running; ``urls`` are its base URLs by provider."""

    def sending(self, profile: Profile) -> Callable[[int], None]:
        """A provider's turn; call what is returned with how many more recipients are done."""
        ...

    def waiting(self) -> None:
        """All is sent; the sandbox's clock is moved on, so that statuses change."""

    def finished(
        self,
        sent: list[ProviderResults],
        checked: list[CheckedOutcome],
        problems: list[str],
        failover: ShownFailover | None = None,
        followed: FollowedMessage | None = None,
    ) -> None:
        """Everything is known."""


async def run_demo(view: View) -> bool:
    """Whether every number matches what the sandbox received."""
    with tempfile.TemporaryDirectory() as folder:
        began = clock.time()
        async with Sandbox(clock=lambda: began) as box:  # it stands still: a slow machine shows the same statuses
            profiles = usable_profiles(box)
            view.started({profile.name: box.url(profile.name) for profile in profiles})
            sent = await _send_all(box, profiles, Path(folder), view)
            problems = check(sent, box)
            checked = await check_outcomes(box, profiles)
            problems += problems_of(checked)
            failover = await show_failover(box, profiles)
            problems += failover_problems(failover)
            followed = await follow_one(box, profiles)
            problems += follow_problems(followed)
            view.finished(sent, checked, problems, failover, followed)
    return not problems


def usable_profiles(box: Sandbox) -> list[Profile]:
    """The profiles of the providers that can send, on both faces and in the sandbox."""
    usable = {*registry.load_all("async_client")} & {*registry.load_all("client")} & {*box.providers}
    return [
        profile
        for name, profile in registry.profiles().items()
        if name in usable and Capability.SENDS in profile.capabilities
    ]


async def _send_all(box: Sandbox, profiles: Sequence[Profile], folder: Path, view: View) -> list[ProviderResults]:
    sent: list[ProviderResults] = []
    for profile in profiles:
        one = ProviderResults(profile, box.credit(profile.name, TOKEN))
        async with _client(profile, box) as client:
            await _send(client, one, folder / f"{profile.name}.csv", view.sending(profile))
        one.add(one.blocking, await in_thread(_send_blocking, profile, box.url(profile.name)))
        sent.append(one)
    view.waiting()
    box.advance(DELIVERY_TIME)
    for one in sent:
        async with _client(one.profile, box) as client:
            one.last_statuses = await count_statuses(client, one)
        one.credit_after = box.credit(one.provider, TOKEN)
    return sent


def _client(profile: Profile, box: Sandbox) -> Any:
    kind = registry.load(profile.name, "async_client")
    return kind(TOKEN, sender=profile.senders[0], base_url=box.url(profile.name))


async def _send(client: Any, sent: ProviderResults, csv_file: Path, progress: Callable[[int], None]) -> None:
    def on_batch(event: BatchEvent) -> None:
        if event.state == "done":
            sent.requests += 1
            progress(len(event.recipients))

    plan, began = sent.profile.demo, clock.monotonic()
    if plan.from_file:
        await in_thread(write_recipients, csv_file, plan.recipients)
        rows, duplicates = distinct(await in_thread(read_rows, csv_file))
        stream = client.send_stream([row.number for row in rows], TEXT, on_batch=on_batch)
        # Reports arrive as their batches end; the rows are in the order of the offsets.
        for report in sorted([report async for report in stream], key=lambda report: report.offset):
            sent.add(sent.results, report)
        sent.odd_rows = [*duplicates, *odd_rows(rows, sent.results)]
    else:
        sent.add(sent.results, await client.send(numbers(plan.recipients), TEXT, on_batch=on_batch))
    sent.seconds = clock.monotonic() - began
    sent.first_statuses = await count_statuses(client, sent)


def _send_blocking(profile: Profile, url: str) -> SendReport:
    with registry.load(profile.name, "client")(TOKEN, sender=profile.senders[0], base_url=url) as client:
        report: SendReport = client.send("09121234567", BLOCKING_TEXT)
    return report


async def count_statuses(client: Any, sent: ProviderResults) -> Counter[str] | None:
    """How many messages have each delivery status; None where the provider reports no deliveries."""
    if Capability.REPORTS_DELIVERIES not in sent.profile.capabilities:
        return None
    found = await client.deliveries(sent.results)
    return Counter(delivery.status.value for delivery in found if delivery.status is not None)


def check(sent: Iterable[ProviderResults], box: Sandbox) -> list[str]:
    """Where the clients' reports differ from what the sandbox holds; empty if they match."""
    problems: list[str] = []
    for one in sent:
        provider, wanted = one.provider, one.profile.demo.recipients
        reported = _accepted(one.results, TEXT) + _accepted(one.blocking, BLOCKING_TEXT)
        held = Counter((m.recipient, m.message_id, m.text) for m in box.messages if m.provider == provider)
        if reported != held:
            problems.append(f"{provider}: {reported.total()} accepted do not match {held.total()} received")
        if one.outcomes[Outcome.ACCEPTED] != wanted + len(one.blocking):
            problems.append(f"{provider}: {one.outcomes[Outcome.ACCEPTED]} accepted of {wanted} valid numbers")
        if one.outcomes[Outcome.UNKNOWN] or one.outcomes[Outcome.REJECTED]:
            problems.append(f"{provider}: some were rejected, or their outcome is unknown")
        charged = one.credit_before - one.credit_after
        if one.cost is not None and one.cost != charged:
            problems.append(f"{provider}: reported a cost of {one.cost}, and charged {charged}")
    return problems


def _accepted(results: Iterable[RecipientResult], text: str) -> Counter[tuple[str, int | None, str]]:
    return Counter((r.recipient, r.message_id, text) for r in results if r.outcome is Outcome.ACCEPTED)
