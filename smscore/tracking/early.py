"""What webhooks said of messages that are not followed yet: one may come before the answer to the send."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from attrs import define, field

from smscore.tracking.followed import Changes, Followed
from smscore.tracking.states import State, States

_MAX_KEPT: Final = 100_000  # messages: a webhook also reports what others sent, which is never followed here


@define(eq=False)
class EarlyStates:
    """States by provider and message id, until that is followed; of very many, the oldest are dropped."""

    states: States = field(repr=False)
    _kept: dict[tuple[str, int], int] = field(factory=dict["tuple[str, int]", int], init=False, repr=False)

    def keep(self, provider: str, message_id: int, state: State) -> None:
        """Keep what a webhook said, merged with what was said before."""
        key = provider, message_id
        place = self.states.merged(self._kept.get(key, 0), state)
        if place is None:
            return
        self._kept[key] = place
        if len(self._kept) > _MAX_KEPT:
            del self._kept[next(iter(self._kept))]

    def seen_of(self, followed: Followed) -> Iterator[Changes]:
        """What was said of these messages, which are followed from now on."""
        if not self._kept:
            return
        for message_id in dict.fromkeys(followed.ids):
            place = self._kept.pop((followed.provider, message_id), None)
            if place is not None:
                rows = followed.rows_of(message_id)
                yield followed.see(rows, [self.states[place]] * len(rows))
