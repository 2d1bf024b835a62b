"""When messages take their next step on the way to the handset."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterable, Iterator

from attrs import frozen

from smscore.sandbox.memory.messages import Outbound
from smscore.sandbox.memory.stages import STARTS, steps_taken

__all__ = ["Schedule", "Step"]

_SLACK = 1000  # planned steps beyond which those of forgotten messages are looked for


@frozen(order=True)
class Step:
    """A step that the messages from place ``first`` to ``last`` take together, at ``due`` in seconds since the epoch.

    ``number`` is the step's place in ``STARTS``.
    """

    due: float
    number: int
    first: int
    last: int


class Schedule:
    """The next step of every message, soonest first.

    Messages that start together are one entry, so that a send of 10,000 recipients costs one step of the heap.
    """

    def __init__(self) -> None:
        self._steps: list[Step] = []

    def __len__(self) -> int:
        return len(self._steps)

    def add(self, messages: Iterable[Outbound], now: float) -> None:
        """Plan the steps that messages, in order, take after ``now``."""
        for starts_at, group in itertools.groupby(messages, key=lambda message: message.starts_at):
            seqs = [message.seq for message in group]
            number = steps_taken(starts_at, now)
            if number < len(STARTS):
                heapq.heappush(self._steps, Step(starts_at + STARTS[number], number, seqs[0], seqs[-1]))

    def take_due(self, now: float) -> Iterator[Step]:
        """Take the steps that are due, each at its turn, and plan the ones that follow them."""
        while self._steps and self._steps[0].due <= now:
            step = heapq.heappop(self._steps)
            yield step
            if step.number + 1 < len(STARTS):
                wait = STARTS[step.number + 1] - STARTS[step.number]
                heapq.heappush(self._steps, Step(step.due + wait, step.number + 1, step.first, step.last))

    def forget_before(self, first: int, kept: int) -> None:
        """Forget the steps of messages before place ``first``, once they may outnumber the ``kept`` messages.

        Messages that are scheduled for years ahead and forgotten meanwhile would fill the heap otherwise.
        """
        if len(self._steps) > _SLACK + 2 * kept:
            self._steps = [step for step in self._steps if step.last >= first]
            heapq.heapify(self._steps)
