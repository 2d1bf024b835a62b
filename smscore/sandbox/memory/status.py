"""What a message's status code means at a moment."""

from __future__ import annotations

from attrs import frozen

from smscore.sandbox.emulation import Emulation
from smscore.sandbox.memory.messages import Outbound
from smscore.sandbox.memory.stages import Stage, stage_of
from smscore.statuses import DeliveryStatus

__all__ = ["ShownStatus", "status_of"]


@frozen
class ShownStatus:
    """The provider's code, what it means, and a description of it."""

    code: int
    meaning: DeliveryStatus | None
    description: str | None

    @property
    def value(self) -> str | None:
        """The meaning as it is written in JSON."""
        return self.meaning and self.meaning.value

    @property
    def is_final(self) -> bool:
        """Whether the status never changes again."""
        return self.meaning is not None and self.meaning.is_final


def status_of(message: Outbound, emulation: Emulation, now: float) -> ShownStatus:
    """A message's status at ``now``, in seconds since the epoch.

    A message that is scheduled or cancelled is shown as such even where the provider has no code for that.
    """
    code = emulation.code(message, now)
    status = ShownStatus(code, emulation.statuses.get(code), emulation.codes.get(code))
    waits = _why_unsent(message, now)
    if waits is None or status.is_final or status.meaning is waits:
        return status
    return ShownStatus(code, waits, f"{waits.value}; the provider's own report says {status.description!r}")


def _why_unsent(message: Outbound, now: float) -> DeliveryStatus | None:
    if message.cancelled:
        return DeliveryStatus.CANCELLED
    is_due = message.settled is not None or stage_of(message.starts_at, now) is not Stage.SCHEDULED
    return None if is_due else DeliveryStatus.SCHEDULED
