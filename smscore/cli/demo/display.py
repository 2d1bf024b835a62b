"""What the demo looks like on a terminal, and to a script."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Final

from attrs import asdict
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table

from smscore.cli.demo.outcomes import Told
from smscore.cli.demo.run import Fate, Plan, Sent
from smscore.cli.output import DONE_OF_ALL, Output
from smscore.outcomes import Outcome
from smscore.statuses import DeliveryStatus

NEXT: Final = """
Try it yourself; still nothing leaves this machine:

  payamak sandbox          a sandbox to keep; its page shows every message

In another shell, after pasting the export lines that it prints:

  echo 09123456789 | payamak send -p sepahan --text 'سلام' --out results.csv -
  payamak status -p sepahan --results results.csv

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
        """Say where the sandbox is."""
        self._console.print("A sandbox speaks for the providers on this machine; nothing is sent to anybody.")
        for provider, url in urls.items():
            self._console.print(f"  {provider:<8} {url}")
        self._progress.start()

    def sending(self, plan: Plan) -> Callable[[int], None]:
        """A bar for one provider's messages."""
        task = self._progress.add_task(plan.provider, total=plan.count)
        return lambda more: self._progress.advance(task, more)

    def waiting(self) -> None:
        """End the bars."""
        self._progress.stop()
        self._console.print("The sandbox's clock goes on, and the messages reach their handsets.")

    def finished(self, sent: list[Sent], fates: list[Fate], told: list[Told], problems: list[str]) -> None:
        """Show all that is known, and what to try next."""
        tables = (outcomes_table(sent), money_table(sent), statuses_table(sent), fates_table(fates), told_table(told))
        for table in tables:
            self._console.print(table)
        for problem in problems:
            self._console.print(f"[red]✗[/] {problem}")
        if not problems:
            self._console.print(f"[green]✓[/] Every number adds up: the sandbox received {total(sent):,} messages.")
        self._console.print(NEXT, markup=False, highlight=False, soft_wrap=True)


class Records:
    """JSON, one object a line."""

    def __init__(self, output: Output) -> None:
        self._output = output

    def started(self, urls: Mapping[str, str]) -> None:
        """Print where the sandbox is."""
        self._output.record("sandbox", {"urls": urls}, "")

    def sending(self, plan: Plan) -> Callable[[int], None]:
        """Nothing is printed on the way."""
        return lambda more: None

    def waiting(self) -> None:
        """Nothing is printed on the way."""

    def finished(self, sent: list[Sent], fates: list[Fate], told: list[Told], problems: list[str]) -> None:
        """Print each provider's numbers, and whether they add up."""
        for one in sent:
            self._output.record("provider", provider_fields(one), "")
        odd = [{"row": fate.row.place, "number": fate.row.number, "fate": fate.words} for fate in fates]
        apart = [asdict(one) for one in told]
        numbers = {"adds_up": not problems, "messages": total(sent)}
        summary = {**numbers, "odd_rows": odd, "told_apart": apart, "problems": problems}
        self._output.record("summary", summary, "")


def provider_fields(one: Sent) -> dict[str, Any]:
    """What became of one provider's messages, for scripts; money is in Rials."""
    return {
        "provider": one.plan.provider,
        "requests": one.requests + len(one.blocking),
        **{outcome.value: one.outcomes[outcome] for outcome in Outcome},
        "seconds": round(one.seconds, 3),
        "cost": one.cost,
        "charged": one.credit_before - one.credit_after,
        "credit_left": one.credit_after,
        "first_statuses": one.first_statuses,
        "last_statuses": one.last_statuses,
    }


def total(sent: list[Sent]) -> int:
    """How many messages were accepted."""
    return sum(one.outcomes[Outcome.ACCEPTED] for one in sent)


def outcomes_table(sent: list[Sent]) -> Table:
    """What became of the messages, by provider."""
    table = _table("Outcomes, by the async clients and one each by the blocking ones", "provider")
    for heading in ("requests", *(outcome.value.replace("_", " ") for outcome in Outcome), "seconds"):
        table.add_column(heading, justify="right")
    for one in sent:
        counts = [f"{one.outcomes[outcome]:,}" for outcome in Outcome]
        table.add_row(one.plan.provider, f"{one.requests + len(one.blocking):,}", *counts, f"{one.seconds:.2f}")
    return table


def money_table(sent: list[Sent]) -> Table:
    """What each provider said that it costs, and the credit that is left, in Rials."""
    table = _table("Money, in Rials", "provider")
    for heading in ("cost, as the provider says", "charged", "credit left"):
        table.add_column(heading, justify="right")
    for one in sent:
        cost = "it does not say" if one.cost is None else f"{one.cost:,}"
        charged = one.credit_before - one.credit_after
        table.add_row(one.plan.provider, cost, f"{charged:,}", f"{one.credit_after:,}")
    return table


def _table(title: str, *headings: str) -> Table:
    return Table(*headings, title=title, title_justify="left", box=SIMPLE_HEAD)


def statuses_table(sent: list[Sent]) -> Table:
    """The delivery statuses at once and after a moment, of the providers that tell."""
    table = _table("Delivery statuses", "provider", "at once", "after a moment")
    for one in sent:
        table.add_row(one.plan.provider, _counts(one.first_statuses), _counts(one.last_statuses))
    return table


def _counts(statuses: Counter[DeliveryStatus] | None) -> str:
    if statuses is None:
        return "no call that tells"
    return ", ".join(f"{count:,} {status.value}" for status, count in statuses.most_common())


def fates_table(fates: list[Fate]) -> Table:
    """What became of the odd rows of the CSV."""
    table = _table("Odd rows of the CSV", "row", "as given", "what became of it")
    for fate in sorted(fates, key=lambda fate: fate.row.place):
        table.add_row(str(fate.row.place), fate.row.number, fate.words)
    return table


def told_table(told: list[Told]) -> Table:
    """What the clients were told of single recipients, and what was true."""
    table = _table("Told apart: taken, refused, and nobody knows", "provider", "recipient", "outcome")
    table.add_column("arrived")
    table.add_column("what it means", ratio=1)
    for one in told:
        received = "yes" if one.received else "no"
        table.add_row(one.provider, one.recipient, one.outcome.value, received, one.words)
    return table
