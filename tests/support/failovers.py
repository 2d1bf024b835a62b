"""Failovers in front of providers in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from attrs import define, field
from faultserver import Books, Received, Reply
from network import Event, Network, through

from ippanel_sms import AsyncIPPanel
from najva_sms import AsyncNajva
from sepahan_sms import AsyncSepahan
from smscore import AsyncFailover, RetryPolicy

LINES: Final = {AsyncSepahan: "50003300", AsyncIPPanel: "+983000505", AsyncNajva: "90000123"}

NO_CONNECTION: Final = Event("never", "no connection")
TOO_MANY: Final = Event("never", "429 with Retry-After")
GOOD: Final = Event("now", "the answer")
LOST: Final = Event("now", "nothing")
NO_TOKEN: Final = Event("never", "401")


@define
class Saying(Books):
    """A provider that answers as it is told."""

    say: Callable[[Received], Reply] = field(kw_only=True)

    def answer(self, request: Received) -> Reply:
        return self.say(request)


@define
class Line:
    """A failover, and the providers behind it in its order."""

    failover: AsyncFailover
    networks: Sequence[Network]

    @property
    def taken(self) -> list[int]:
        """How many messages each provider took."""
        return [network.books.taken for network in self.networks]

    @property
    def requests(self) -> list[int]:
        """How many requests were made to each."""
        return [network.begun for network in self.networks]

    def script(self, *scripts: Sequence[Event]) -> None:
        """What happens to the next requests to each provider; with nothing left all goes well."""
        for network, script in zip(self.networks, scripts, strict=False):
            network.script = [*script]


def new_line(
    *kinds: type[Any],
    rest: float = 30,
    options: Sequence[dict[str, Any]] = (),
    batch_size: int | None = 2,
    **common: Any,
) -> Line:
    """A failover whose clients, one of each kind, repeat nothing and send one batch at a time."""
    networks = [Network(Books()) for _ in kinds]
    given = [*options, *[{}] * (len(kinds) - len(options))]
    defaults = {"retry": RetryPolicy.none(), "max_concurrency": 1, "batch_size": batch_size, **common}
    clients = [
        through(kind("token", **{"sender": LINES[kind], **defaults, **own}), network)
        for kind, network, own in zip(kinds, networks, given, strict=True)
    ]
    return Line(AsyncFailover(*clients, rest=rest), networks)
