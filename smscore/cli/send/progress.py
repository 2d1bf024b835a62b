"""A send's progress: a bar on a terminal, elsewhere a line from time to time."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Final, TypeAlias, cast

from smscore import clock
from smscore.cli.output import DONE_OF_ALL, tell
from smscore.cli.streams import DroppingStream
from smscore.outcomes import Outcome

if TYPE_CHECKING:
    from rich.console import Console

Advance: TypeAlias = Callable[[Sequence[str]], None]

_INTERVAL: Final = 10.0  # seconds between two lines


@contextmanager
def progress(total: int, *, quiet: bool) -> Generator[Advance]:
    """Show on standard error how many of ``total`` are done; call what it yields with the outcomes of each batch."""
    if quiet or not total:
        yield lambda outcomes: None
    elif sys.stderr.isatty():
        with _bar(total) as advance:
            yield advance
    else:
        yield _Lines(total).advance


@contextmanager
def _bar(total: int) -> Generator[Advance]:
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("sending"),
        BarColumn(),
        TextColumn(DONE_OF_ALL),
        TextColumn("{task.fields[bad]}"),
    )
    with Progress(*columns, TimeRemainingColumn(), console=_console()) as shown:
        task = shown.add_task("", total=total, bad="")
        failed = 0

        def advance(outcomes: Sequence[str]) -> None:
            nonlocal failed
            failed += len(outcomes) - outcomes.count(Outcome.ACCEPTED.value)
            shown.update(task, advance=len(outcomes), bad=f"{failed:,} not accepted" if failed else "")

        yield advance


def _console() -> Console:
    from rich.console import Console

    return Console(file=cast("IO[str]", DroppingStream(sys.stderr)))


class _Lines:
    def __init__(self, total: int) -> None:
        self._total = total
        self._done = self._accepted = 0
        self._told = clock.monotonic()

    def advance(self, outcomes: Sequence[str]) -> None:
        self._done += len(outcomes)
        self._accepted += outcomes.count(Outcome.ACCEPTED.value)
        if clock.monotonic() - self._told >= _INTERVAL or self._done == self._total:
            self._told = clock.monotonic()
            tell(f"{self._done:,} of {self._total:,} done, {self._accepted:,} accepted")
