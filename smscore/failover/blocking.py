"""The blocking face of a failover."""

from __future__ import annotations

import inspect
from collections.abc import Generator, Mapping
from typing import Any, Self

from smscore.blocking import BlockingClient, materialised
from smscore.errors import ConfigurationError
from smscore.failover.client import AsyncFailover
from smscore.failover.health import REST
from smscore.failover.pattern import Pattern
from smscore.loops import background
from smscore.numbers import Recipient
from smscore.profile import Capability, Capable
from smscore.results import SendReport
from smscore.sending.one_recipient import PatternValue
from smscore.sending.outgoing import Messages, Recipients
from smscore.sending.send_call import OnBatch
from smscore.text import Text
from smscore.tracking.blocking import DeliveryCalls
from smscore.tracking.calls import AsyncDeliveryCalls

__all__ = ["Failover"]


class Failover(DeliveryCalls, Capable):
    """Sends through the first of several providers that takes a message, and waits for it.

    ``clients`` are blocking clients, in the order in which they are tried; all else is as in
    :class:`smscore.AsyncFailover`.
    """

    def __init__(self, *clients: BlockingClient[Any], rest: float = REST) -> None:
        background.refuse_gevent()
        if not clients or not all(isinstance(client, BlockingClient) for client in clients):
            raise ConfigurationError("Give Failover one or more blocking clients, in the order to try them.")
        self._clients = clients
        self._failover = AsyncFailover(*(client._client for client in clients), rest=rest)

    def send(
        self, to: Recipients, text: Text, *, sender: str | None = None, on_batch: OnBatch | None = None
    ) -> SendReport:
        return self._run(self._failover.send, materialised(to), text, sender=sender, on_batch=on_batch)

    def send_p2p(self, messages: Messages, *, sender: str | None = None, on_batch: OnBatch | None = None) -> SendReport:
        return self._run(self._failover.send_p2p, materialised(messages), sender=sender, on_batch=on_batch)

    def send_stream(
        self, to: Recipients, text: Text, *, sender: str | None = None, on_batch: OnBatch | None = None
    ) -> Generator[SendReport, None, None]:
        return self._iterate(self._failover.send_stream, to, "to", text, sender=sender, on_batch=on_batch)

    def send_p2p_stream(
        self, messages: Messages, *, sender: str | None = None, on_batch: OnBatch | None = None
    ) -> Generator[SendReport, None, None]:
        return self._iterate(self._failover.send_p2p_stream, messages, "messages", sender=sender, on_batch=on_batch)

    def send_pattern(
        self,
        to: Recipient,
        pattern: Pattern,
        params: Mapping[str, PatternValue],
        *,
        on_batch: OnBatch | None = None,
    ) -> SendReport:
        return self._run(self._failover.send_pattern, to, pattern, params, on_batch=on_batch)

    @property
    def capabilities(self) -> frozenset[Capability]:
        return self._failover.capabilities

    @property
    def _delivery_calls(self) -> AsyncDeliveryCalls:
        return self._failover

    def check(self) -> None:
        self._failover.check()

    def close(self) -> None:
        """Close the clients. Closing twice is fine."""
        for client in self._clients:
            client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def __reduce__(self) -> str:
        return self._failover.__reduce__()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(map(repr, getattr(self, '_clients', ())))})"


# As with the clients, the docstrings of the blocking methods are those of the async ones.
for _name in ("send", "send_p2p", "send_stream", "send_p2p_stream", "send_pattern", "capabilities", "check"):
    getattr(Failover, _name).__doc__ = inspect.getdoc(getattr(AsyncFailover, _name))
