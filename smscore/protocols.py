"""What a client can do, as types: ``isinstance(client, TellsCredit)`` is true if its provider declares that.

There are two of each, ``Sends`` for blocking objects and ``AsyncSends`` for async ones. What a provider can do is in
its profile, and ``client.capabilities`` has it; the names of methods decide nothing. An object that is not a client,
such as one that passes messages on to several, derives from :class:`Capable` or :class:`AsyncCapable` and gives its own
``capabilities``. No provider is imported here.
"""

from __future__ import annotations

from abc import ABCMeta
from collections.abc import AsyncGenerator, AsyncIterable, Generator, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, Protocol, runtime_checkable

from smscore.messages import InboundMessage
from smscore.numbers import Recipient
from smscore.profile import AsyncCapable, Capability, Capable
from smscore.results import SendReport
from smscore.sending.one_recipient import PatternValue
from smscore.sending.outgoing import AnyMessage, Messages, Recipients
from smscore.sending.send_call import OnBatch
from smscore.statuses import Delivery
from smscore.text import Text
from smscore.tracking.given import Results

__all__ = [
    "AsyncCapable",
    "AsyncReceivesMessages",
    "AsyncReportsDeliveries",
    "AsyncSends",
    "AsyncSendsP2P",
    "AsyncSendsPatterns",
    "AsyncTellsCredit",
    "Capability",
    "Capable",
    "ReceivesMessages",
    "ReportsDeliveries",
    "Sends",
    "SendsP2P",
    "SendsPatterns",
    "TellsCredit",
]

if TYPE_CHECKING:
    _ProtocolMeta = ABCMeta
else:
    _ProtocolMeta = type(Protocol)


class _Declared(_ProtocolMeta):
    """Protocols that an object satisfies by its declaration, not by the names of its methods."""

    def __instancecheck__(self, instance: Any) -> bool:
        declared = _DECLARED.get(self)
        if declared is None:  # somebody's own protocol or class that derives from one of these
            return super().__instancecheck__(instance)
        face, capability = declared
        return isinstance(instance, face) and capability in instance.capabilities


@runtime_checkable
class AsyncSends(Protocol, metaclass=_Declared):
    """Sends one text to one recipient or many."""

    async def send(
        self, to: Recipients, text: Text, *, sender: str | None = None, on_batch: OnBatch | None = None
    ) -> SendReport:
        """Send one text, and report each recipient's outcome."""
        ...

    def send_stream(
        self,
        to: Recipients | AsyncIterable[Recipient],
        text: Text,
        *,
        sender: str | None = None,
        on_batch: OnBatch | None = None,
    ) -> AsyncGenerator[SendReport, None]:
        """One report per batch, for a source of any length."""
        ...


@runtime_checkable
class Sends(Protocol, metaclass=_Declared):
    """Sends one text to one recipient or many."""

    def send(
        self, to: Recipients, text: Text, *, sender: str | None = None, on_batch: OnBatch | None = None
    ) -> SendReport:
        """Send one text, and report each recipient's outcome."""
        ...

    def send_stream(
        self, to: Recipients, text: Text, *, sender: str | None = None, on_batch: OnBatch | None = None
    ) -> Generator[SendReport, None, None]:
        """One report per batch, for an iterable of any length."""
        ...


@runtime_checkable
class AsyncSendsP2P(Protocol, metaclass=_Declared):
    """Sends each recipient their own text."""

    async def send_p2p(
        self, messages: Messages, *, sender: str | None = None, on_batch: OnBatch | None = None
    ) -> SendReport:
        """Send each recipient their own text, and report each outcome."""
        ...

    def send_p2p_stream(
        self,
        messages: Messages | AsyncIterable[AnyMessage],
        *,
        sender: str | None = None,
        on_batch: OnBatch | None = None,
    ) -> AsyncGenerator[SendReport, None]:
        """One report per batch, for a source of any length."""
        ...


@runtime_checkable
class SendsP2P(Protocol, metaclass=_Declared):
    """Sends each recipient their own text."""

    def send_p2p(self, messages: Messages, *, sender: str | None = None, on_batch: OnBatch | None = None) -> SendReport:
        """Send each recipient their own text, and report each outcome."""
        ...

    def send_p2p_stream(
        self, messages: Messages, *, sender: str | None = None, on_batch: OnBatch | None = None
    ) -> Generator[SendReport, None, None]:
        """One report per batch, for an iterable of any length."""
        ...


@runtime_checkable
class AsyncSendsPatterns(Protocol, metaclass=_Declared):
    """Sends a text that the provider has approved, to one recipient."""

    async def send_pattern(
        self,
        to: Recipient,
        code: str,
        params: Mapping[str, PatternValue],
        /,
        *,
        sender: str | None = None,
        on_batch: OnBatch | None = None,
    ) -> SendReport:
        """Send the approved text of this code, with these values in it."""
        ...


@runtime_checkable
class SendsPatterns(Protocol, metaclass=_Declared):
    """Sends a text that the provider has approved, to one recipient."""

    def send_pattern(
        self,
        to: Recipient,
        code: str,
        params: Mapping[str, PatternValue],
        /,
        *,
        sender: str | None = None,
        on_batch: OnBatch | None = None,
    ) -> SendReport:
        """Send the approved text of this code, with these values in it."""
        ...


@runtime_checkable
class AsyncReportsDeliveries(Protocol, metaclass=_Declared):
    """Reports delivery statuses."""

    async def deliveries(self, results: Results) -> list[Delivery]:
        """The delivery status of each of these messages, in the order given."""
        ...


@runtime_checkable
class ReportsDeliveries(Protocol, metaclass=_Declared):
    """Reports delivery statuses."""

    def deliveries(self, results: Results) -> list[Delivery]:
        """The delivery status of each of these messages, in the order given."""
        ...


@runtime_checkable
class AsyncReceivesMessages(Protocol, metaclass=_Declared):
    """Receives the messages that people sent to your lines."""

    def incoming(self, *, after: int | None = None) -> AsyncGenerator[InboundMessage, None]:
        """The messages, oldest first; ``after`` is the id of the last one that you have."""
        ...


@runtime_checkable
class ReceivesMessages(Protocol, metaclass=_Declared):
    """Receives the messages that people sent to your lines."""

    def incoming(self, *, after: int | None = None) -> Generator[InboundMessage, None, None]:
        """The messages, oldest first; ``after`` is the id of the last one that you have."""
        ...


@runtime_checkable
class AsyncTellsCredit(Protocol, metaclass=_Declared):
    """Tells the remaining credit."""

    async def credit(self) -> int | Decimal:
        """The remaining credit, in Rials."""
        ...


@runtime_checkable
class TellsCredit(Protocol, metaclass=_Declared):
    """Tells the remaining credit."""

    def credit(self) -> int | Decimal:
        """The remaining credit, in Rials."""
        ...


_DECLARED: Final[dict[type, tuple[type[AsyncCapable | Capable], Capability]]] = {
    AsyncSends: (AsyncCapable, Capability.SENDS),
    AsyncSendsP2P: (AsyncCapable, Capability.SENDS_P2P),
    AsyncSendsPatterns: (AsyncCapable, Capability.SENDS_PATTERNS),
    AsyncReportsDeliveries: (AsyncCapable, Capability.REPORTS_DELIVERIES),
    AsyncReceivesMessages: (AsyncCapable, Capability.RECEIVES_MESSAGES),
    AsyncTellsCredit: (AsyncCapable, Capability.TELLS_CREDIT),
    Sends: (Capable, Capability.SENDS),
    SendsP2P: (Capable, Capability.SENDS_P2P),
    SendsPatterns: (Capable, Capability.SENDS_PATTERNS),
    ReportsDeliveries: (Capable, Capability.REPORTS_DELIVERIES),
    ReceivesMessages: (Capable, Capability.RECEIVES_MESSAGES),
    TellsCredit: (Capable, Capability.TELLS_CREDIT),
}
