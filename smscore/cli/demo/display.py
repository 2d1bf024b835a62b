"""What the demo prints: bars and tables on a terminal, or JSON for scripts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Final

from attrs import asdict
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table

from smscore.cli.demo.failover import ShownFailover
from smscore.cli.demo.followed import FollowedMessage
from smscore.cli.demo.outcomes import CheckedOutcome
from smscore.cli.demo.recipients import OddRow
from smscore.cli.demo.run import ProviderResults
from smscore.cli.output import DONE_OF_ALL, Output
from smscore.outcomes import OUTCOME_WORDS, Outcome
from smscore.profile import Profile

NEXT: Final = """
Try it yourself; still nothing leaves this machine:

  payamak sandbox          a sandbox to keep; its page shows every message

In another shell, after pasting the export lines that it prints:

  echo 09123456789 | payamak send -p {provider} --text 'سلام' --out results.csv -
  payamak status --results results.csv

And for real, with a token and a line of yours: payamak send --help"""


class Display:
    """Progress bars and tables."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console()
        self._progress = Progress(
            TextColumn("{task.description:<8}"),
            BarColumn(),
            TextColumn(DONE_OF_ALL),
            console=self._console,
        )

    def started(self, urls: Mapping[str, str]) -> None:
        """Print where the sandbox is."""
        self._console.print("A sandbox stands in for the providers on this machine; no SMS is sent.")
        for provider, url in urls.items():
            self._console.print(f"  {provider:<8} {url}")
        self._progress.start()

    def sending(self, profile: Profile) -> Callable[[int], None]:
        """A bar for one provider's messages."""
        task = self._progress.add_task(profile.name, total=profile.demo.recipients)
        return lambda more: self._progress.advance(task, more)

    def waiting(self) -> None:
        """Remove the bars."""
        self._progress.stop()
        self._console.print("The sandbox's clock is moved on, so that the messages are delivered.")

    def finished(
        self,
        sent: list[ProviderResults],
        checked: list[CheckedOutcome],
        problems: list[str],
        failover: ShownFailover | None = None,
        followed: FollowedMessage | None = None,
    ) -> None:
        """Print the tables, whether they add up, and what to try next."""
        for table in (
            outcomes_table(sent),
            money_table(sent),
            statuses_table(sent),
            odd_rows_table(_odd_rows(sent)),
            checked_table(checked),
            *([failover_table(failover)] if failover else []),
            *([followed_table(followed)] if followed else []),
        ):
            self._console.print(table)
        for problem in problems:
            self._console.print(f"[red]✗[/] {problem}")
        if not problems:
            self._console.print(f"[green]✓[/] Every number adds up: the sandbox received {total(sent):,} messages.")
        if sent:
            self._console.print(NEXT.format(provider=sent[0].provider), markup=False, highlight=False, soft_wrap=True)


class Records:
    """JSON, one object a line."""

    def __init__(self, output: Output) -> None:
        self._output = output

    def started(self, urls: Mapping[str, str]) -> None:
        """Print where the sandbox is."""
        self._output.record("sandbox", {"urls": urls}, "")

    def sending(self, profile: Profile) -> Callable[[int], None]:
        """Print nothing while sending."""
        return lambda more: None

    def waiting(self) -> None:
        """Print nothing while sending."""

    def finished(
        self,
        sent: list[ProviderResults],
        checked: list[CheckedOutcome],
        problems: list[str],
        failover: ShownFailover | None = None,
        followed: FollowedMessage | None = None,
    ) -> None:
        """Print each provider's numbers, and whether they add up."""
        for one in sent:
            self._output.record("provider", provider_fields(one), "")
        odd = [{"row": odd.row.place, "number": odd.row.number, "fate": odd.words} for odd in _odd_rows(sent)]
        apart = [asdict(one) for one in checked]
        numbers = {"adds_up": not problems, "messages": total(sent)}
        tried = [{"provider": provider, "said": words} for provider, words in failover.tried] if failover else []
        seen = followed.statuses if followed else []
        shown = {"odd_rows": odd, "told_apart": apart, "failover": tried, "followed": seen}
        summary = {**numbers, **shown, "problems": problems}
        self._output.record("summary", summary, "")


def _odd_rows(sent: list[ProviderResults]) -> list[OddRow]:
    return [odd for one in sent for odd in one.odd_rows]


def provider_fields(one: ProviderResults) -> dict[str, Any]:
    """One provider's numbers, for scripts; money is in Rials."""
    return {
        "provider": one.provider,
        "requests": one.requests + len(one.blocking),
        **{outcome.value: one.outcomes[outcome] for outcome in Outcome},
        "seconds": round(one.seconds, 3),
        "cost": one.cost,
        "charged": one.credit_before - one.credit_after,
        "credit_left": one.credit_after,
        "first_statuses": one.first_statuses,
        "last_statuses": one.last_statuses,
    }


def total(sent: list[ProviderResults]) -> int:
    """How many messages were accepted."""
    return sum(one.outcomes[Outcome.ACCEPTED] for one in sent)


def outcomes_table(sent: list[ProviderResults]) -> Table:
    """How many messages have each outcome, by provider."""
    table = _table("Outcomes: by the async clients, and one message each by the blocking ones", "provider")
    for heading in ("requests", *OUTCOME_WORDS.values(), "seconds"):
        table.add_column(heading, justify="right")
    for one in sent:
        counts = [f"{one.outcomes[outcome]:,}" for outcome in Outcome]
        table.add_row(one.provider, f"{one.requests + len(one.blocking):,}", *counts, f"{one.seconds:.2f}")
    return table


def money_table(sent: list[ProviderResults]) -> Table:
    """The cost that each provider reports, what it charged and the credit left, in Rials."""
    table = _table("Money, in Rials", "provider")
    for heading in ("reported cost", "charged", "credit left"):
        table.add_column(heading, justify="right")
    for one in sent:
        cost = "not reported" if one.cost is None else f"{one.cost:,}"
        charged = one.credit_before - one.credit_after
        table.add_row(one.provider, cost, f"{charged:,}", f"{one.credit_after:,}")
    return table


def _table(title: str, *headings: str) -> Table:
    return Table(*headings, title=title, title_justify="left", box=SIMPLE_HEAD)


def statuses_table(sent: list[ProviderResults]) -> Table:
    """The delivery statuses right after the send and a little later, where the provider reports them."""
    table = _table("Delivery statuses", "provider", "at once", "later")
    for one in sent:
        table.add_row(one.provider, _counts(one.first_statuses), _counts(one.last_statuses))
    return table


def _counts(statuses: Counter[str] | None) -> str:
    if statuses is None:
        return "not reported"
    return ", ".join(f"{count:,} {status}" for status, count in statuses.most_common())


def odd_rows_table(odd_rows: list[OddRow]) -> Table:
    """What happened to the odd rows of the CSV."""
    table = _table("Odd rows of the CSV", "row", "as given", "what happened")
    for odd in sorted(odd_rows, key=lambda odd: odd.row.place):
        table.add_row(str(odd.row.place), odd.row.number, odd.words)
    return table


def checked_table(checked: list[CheckedOutcome]) -> Table:
    """What the clients reported for single recipients, and what happened."""
    table = _table("Told apart: accepted, rejected and unknown", "provider", "recipient", "outcome")
    table.add_column("received")
    table.add_column("what it means", ratio=1)
    for one in checked:
        received = "yes" if one.received else "no"
        table.add_row(one.provider, one.recipient, one.outcome.value, received, one.words)
    return table


def failover_table(shown: ShownFailover) -> Table:
    """Which providers were tried for one message, in turn, and what each said."""
    table = _table("Failover: one message through all providers in turn, the first without credit", "provider")
    table.add_column("what it said", ratio=1)
    for provider, words in shown.tried:
        table.add_row(provider, words)
    return table


def followed_table(shown: FollowedMessage) -> Table:
    """How the status of one message changed, as ``track`` saw it."""
    table = _table("Followed: one message until its end", "provider", "statuses as they were seen")
    table.add_row(shown.provider, " → ".join(shown.statuses))
    return table
