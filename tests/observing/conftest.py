"""An observer that keeps what it is told, and a sandbox with a client for each face."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from smscore import RetryPolicy
from smscore.observing import Event
from smscore.sandbox import Sandbox


class Seen:
    """Keeps every event, in the order they come."""

    def __init__(self) -> None:
        self.events: list[tuple[str, Any]] = []

    def start(self, event: Event) -> None:
        self.events.append(("start", event))

    def request(self, event: Event) -> None:
        self.events.append(("request", event))

    def batch(self, event: Event) -> None:
        self.events.append(("batch", event))

    def call(self, event: Event) -> None:
        self.events.append(("call", event))

    @property
    def kinds(self) -> list[str]:
        return [kind for kind, _ in self.events]

    def of(self, kind: str) -> list[Any]:
        return [event for each, event in self.events if each == kind]

    def one(self, kind: str) -> Any:
        (event,) = self.of(kind)
        return event


def counted(event: Any) -> dict[str, int]:
    """The outcomes that an event counts, zeros left out."""
    return {outcome.value: count for outcome, count in event.counts.items() if count}


@pytest.fixture
def seen() -> Seen:
    return Seen()


@pytest.fixture
def box() -> Iterator[Sandbox]:
    with Sandbox() as box:
        yield box


@pytest.fixture
def opened(box: Sandbox) -> Iterator[Callable[..., Any]]:
    """``opened(Sepahan, observers=[…])``: a blocking client at the sandbox, closed after the test."""
    made: list[Any] = []

    def make(kind: type[Any], **options: Any) -> Any:
        url = box.url(kind.__name__.lower())
        made.append(kind("any token", sender="3000505", base_url=url, **{"retry": RetryPolicy.none()} | options))
        return made[-1]

    yield make
    for client in made:
        client.close()
