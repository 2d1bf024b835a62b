"""What a tracker follows, and when it polls which of it. Pure: it is told the time."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from itertools import compress
from operator import not_
from types import MappingProxyType
from typing import Final

from attrs import define, field

from smscore.config import Polling
from smscore.errors import SMSError
from smscore.tracking.followed import Followed
from smscore.tracking.schedule import wait_after

_SLACK: Final = 0.1  # of a wait: what is due so soon is polled together with what is due now


@define(eq=False)
class Watch:
    """Messages that are polled together: when they are ``due``, after so many ``polls`` that were answered.

    ``refusal`` is that of an account which may know them, where no other says anything of them.
    """

    followed: Followed
    began: float
    due: float
    polls: int = 0
    refusal: SMSError | None = None

    @property
    def provider(self) -> str:
        """The provider that is asked."""
        return self.followed.provider


@define(eq=False)
class Watches:
    """All that a tracker follows. ``keeps_rows``: somebody reads the rows at the end, so that none is dropped.

    A hundred sends a second must not be a hundred requests a second. So what is followed shortly after something else
    is polled with it, and between two polls there is a gap.
    """

    polling: Polling
    keeps_rows: bool = False
    _failures: Counter[str] = field(factory=Counter[str], init=False)  # by provider: polls in a row without an answer
    _waiting: list[Watch] = field(factory=list[Watch], init=False)
    _under_way: list[Watch] = field(factory=list[Watch], init=False)
    _next_look: float = field(default=-math.inf, init=False)

    def __iter__(self) -> Iterator[Followed]:
        return (watch.followed for watch in [*self._waiting, *self._under_way])

    @property
    def left(self) -> int:
        """How many messages may still change."""
        return sum(followed.left for followed in self)

    def failures_of(self, provider: str) -> int:
        """How many polls in a row a provider has not answered."""
        return self._failures[provider]

    def add(self, followed: Followed, now: float) -> None:
        """Follow these messages too."""
        due = now + self.polling.first
        last = self._waiting[-1] if self._waiting else None
        if last is not None and self._is_joined(last, followed, now):
            last.followed.absorb(followed)
            last.due = due
        elif followed.left:
            self._waiting.append(Watch(followed, now, due))

    def _is_joined(self, last: Watch, followed: Followed, now: float) -> bool:
        is_new = last.polls == 0 and now - last.began < self._gap
        return is_new and not self.keeps_rows and last.provider == followed.provider

    @property
    def _gap(self) -> float:
        return self.polling.first * _SLACK

    def wakes_in(self, now: float) -> float:
        """The seconds until the next poll; infinite if there is nothing to poll."""
        return max(min((watch.due for watch in self._waiting), default=math.inf), self._next_look) - now

    def begin_poll(self, now: float, *, everything: bool = False) -> list[Followed]:
        """What is polled now: ``everything``, or what is due."""
        self._next_look = now + self._gap
        chosen = [everything or watch.due <= now + self._slack(watch) for watch in self._waiting]
        self._under_way = [*compress(self._waiting, chosen)]
        self._waiting = [*compress(self._waiting, map(not_, chosen))]
        return [watch.followed for watch in self._under_way]

    def _slack(self, watch: Watch) -> float:
        return wait_after(self.polling, watch.polls) * _SLACK if watch.polls else 0.0

    def end_poll(
        self,
        now: float,
        opens_in: Mapping[Followed, float],
        *,
        failed: Collection[str] = (),
        asked: Mapping[str, float] = MappingProxyType({}),
        refused: Mapping[str, SMSError] = MappingProxyType({}),
        refusals: Mapping[Followed, SMSError] = MappingProxyType({}),
    ) -> None:
        """Set when each is polled again.

        ``opens_in`` has the seconds until each can be asked, ``failed`` the providers that gave no answer, ``asked``
        the seconds that a provider asks to wait, ``refused`` the providers that refuse, and ``refusals`` the messages
        of which only an account that refuses can know.
        """
        for provider in {watch.provider for watch in self._under_way}:
            self._failures[provider] = self._failures[provider] + 1 if provider in failed else 0
        looked, self._under_way = self._under_way, []
        for watch in looked:
            opens = opens_in.get(watch.followed, math.inf)
            watch.polls += watch.provider not in failed and opens == 0
            wait = wait_after(self.polling, watch.polls, self._failures[watch.provider], asked.get(watch.provider, 0.0))
            watch.due = now + max(wait, opens)
            watch.refusal = refusals.get(watch.followed) if opens == 0 else watch.refusal
            if watch.followed.left:
                self._put_back(watch)
        for watch in self._waiting:
            watch.refusal = refused.get(watch.provider, watch.refusal)

    @property
    def refusal(self) -> SMSError | None:
        """An account's refusal, if it is all that is left: nothing can be said of any message before it ends."""
        refusals = [watch.refusal for watch in self._waiting if watch.due < math.inf]
        return refusals[0] if refusals and all(refusals) else None

    def _put_back(self, watch: Watch) -> None:
        if not self.keeps_rows:
            for other in self._waiting:
                if (other.provider, other.due) == (watch.provider, watch.due):
                    other.followed.absorb(watch.followed)
                    other.polls = max(other.polls, watch.polls)
                    other.refusal = other.refusal and watch.refusal
                    return
            if watch.followed.left < len(watch.followed) / 2:
                watch.followed = watch.followed.compacted()
        self._waiting.append(watch)
