"""Recipients that always end the same way, whatever the provider: for tests that need no setup."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from attrs import frozen

from smscore.sandbox.fault_kinds import FaultKind
from smscore.sandbox.memory.stages import Stage
from smscore.statuses import DeliveryStatus

__all__ = ["SPECIAL_RECIPIENTS", "Scenario"]


@frozen
class Scenario:
    """What happens to every message to a recipient.

    The message advances no further than ``last``. Its final status is the first of ``ends`` that the provider has a
    code for; with ``at_once`` it has that status from the start. ``is_refused`` means that the recipient is not
    accepted, where the provider can refuse single recipients. ``fault`` is what every request to it meets instead.
    """

    description: str
    ends: tuple[DeliveryStatus, ...] = (DeliveryStatus.DELIVERED,)
    last: Stage = Stage.DELIVERED
    at_once: bool = False
    is_refused: bool = False
    fault: FaultKind | None = None
    seconds: float | None = None


_UNDELIVERED: Final = (DeliveryStatus.UNDELIVERED,)
_FAILED: Final = (DeliveryStatus.FAILED, *_UNDELIVERED)

# In this order: a recipient's last two digits are the place of its scenario.
_SCENARIOS: Final = (
    Scenario("Delivered."),
    Scenario("Not delivered.", ends=_UNDELIVERED),
    Scenario("Blocked by the recipient; refunded where the provider refunds it.", ends=(DeliveryStatus.BLOCKED,)),
    Scenario("Fails before the operator; not delivered where the provider has no code for that.", ends=_FAILED),
    Scenario(
        "Refused alone while the others are accepted; failed at once where the provider refuses no single recipient.",
        ends=_FAILED,
        at_once=True,
        is_refused=True,
    ),
    Scenario("Never leaves the queue.", last=Stage.QUEUED),
    Scenario("Sent to the operator, with no further report.", last=Stage.SENT),
    Scenario("The request gets HTTP 500 and is not accepted.", fault="server_error"),
    Scenario("The request gets HTTP 429 with Retry-After: 1 and is not accepted.", fault="rate_limit", seconds=1.0),
    Scenario("The request gets an HTML page with HTTP 200 and is not accepted.", fault="html"),
    Scenario("The request is accepted, but the connection closes without a response.", fault="drop_after"),
    Scenario("The connection closes without a response, and the request is not accepted.", fault="drop_before"),
    Scenario("The request is accepted, but only half of the response arrives.", fault="cut"),
    Scenario("The request is accepted, and answered 10 seconds later.", fault="delay", seconds=10.0),
)

SPECIAL_RECIPIENTS: Final[Mapping[str, Scenario]] = {
    f"+9899900000{place:02}": scenario for place, scenario in enumerate(_SCENARIOS, 1)
}
