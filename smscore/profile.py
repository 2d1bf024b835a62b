"""What Payamak knows of a provider before any of its code is imported."""

from __future__ import annotations

from abc import ABC, abstractmethod
from enum import StrEnum

from attrs import field, frozen

__all__ = ["AsyncCapable", "Capability", "Capable", "DemoPlan", "Profile"]


class Capability(StrEnum):
    """What a provider's clients can do, by the names of the protocols that say how."""

    SENDS = "Sends"
    SENDS_P2P = "SendsP2P"
    SENDS_PATTERNS = "SendsPatterns"
    REPORTS_DELIVERIES = "ReportsDeliveries"
    RECEIVES_MESSAGES = "ReceivesMessages"
    TELLS_CREDIT = "TellsCredit"


class Capable(ABC):
    """A blocking object that says what it can do, so that ``isinstance(it, smscore.protocols.TellsCredit)`` is true."""

    @property
    @abstractmethod
    def capabilities(self) -> frozenset[Capability]:
        """What it can do."""


class AsyncCapable(ABC):
    """The same of an async object, for ``AsyncTellsCredit`` and its like."""

    @property
    @abstractmethod
    def capabilities(self) -> frozenset[Capability]:
        """What it can do."""


@frozen
class DemoPlan:
    """What ``payamak demo`` sends through a provider: to how many numbers, and whether streamed from a CSV."""

    recipients: int
    from_file: bool = False


@frozen
class Profile:
    """A provider's entry in Payamak: the value that an entry point of the group ``payamak.providers`` names.

    ::

        PROFILE = Profile(
            "nobody",
            "Nobody SMS",
            async_client="nobody_sms.client:AsyncNobody",
            client="nobody_sms.blocking:Nobody",
            sandbox="nobody_sms.sandbox:NobodySandbox",
            senders=("3000505",),
            capabilities=frozenset({Capability.SENDS, Capability.TELLS_CREDIT}),
            samples="tests/samples",
            demo=DemoPlan(recipients=500),
            doctor="nobody_sms.doctor:DOCTOR",
        )

    ``async_client``, ``client`` and ``sandbox`` are import strings, so that a list of providers imports none of them.
    ``senders`` are lines of the right form, the first one the sandbox's own. ``samples`` is the folder of the
    document's recorded samples, from the root of the project that has them.
    """

    name: str
    """The provider's name in settings, options and results: lower-case letters and digits."""
    title: str
    """Its name as people write it."""
    async_client: str
    client: str
    sandbox: str
    senders: tuple[str, ...]
    capabilities: frozenset[Capability]
    samples: str
    demo: DemoPlan = field(default=DemoPlan(recipients=100))
    own_calls: frozenset[str] = frozenset()
    """The methods, besides those of its capabilities, that a command of the command line has a use for."""
    doctor: str | None = None
    """An import string of its ``smscore.wire.Doctor``, what it adds to ``payamak doctor``."""
    webhook: str | None = None
    """An import string of its ``parse_webhook(*, body, query, content_type)``, where it calls a webhook."""
