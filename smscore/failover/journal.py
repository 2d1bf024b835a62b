"""``on_batch`` of a call that several clients make together: its batches are counted over all of them."""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Iterator
from typing import Any

from attrs import define, evolve, field

from smscore.calls.stop import StopRule
from smscore.sending.send_call import BatchEvent, OnBatch, check_on_batch

__all__ = ["Journal", "on_batch_of"]


@define(eq=False)
class Journal:
    """Tells ``on_batch`` of every batch, in whatever client; once that raised, no further batch starts."""

    on_batch: OnBatch
    _indexes: Iterator[int] = field(factory=itertools.count, init=False)
    _error: Exception | None = field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        check_on_batch(self.on_batch)

    def of_client(self) -> OnBatch:
        """The ``on_batch`` of one client's part of the call."""
        known: dict[int, int] = {}

        async def on_client_batch(event: BatchEvent) -> None:
            if event.index not in known:
                known[event.index] = next(self._indexes)
            try:
                returned: Any = self.on_batch(evolve(event, index=known[event.index]))
                if inspect.isawaitable(returned):
                    await returned
            except Exception as error:
                self._error = self._error or error
                raise

        return on_client_batch

    def check(self, rule: StopRule) -> None:
        """Stop the rule if ``on_batch`` has raised, in this part of the call or in another."""
        if self._error is not None:
            rule.stop(f"on_batch raised {type(self._error).__name__}", self._error)


def on_batch_of(journal: Journal | None) -> OnBatch | None:
    """The ``on_batch`` of one client's part of a call, where the call has one."""
    return None if journal is None else journal.of_client()
