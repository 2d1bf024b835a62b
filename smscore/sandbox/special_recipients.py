"""Recipients that always end the same way, whatever the provider: for tests that set nothing up."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import attrs

from smscore.sandbox.memory.stages import Stage
from smscore.statuses import DeliveryStatus

if TYPE_CHECKING:
    from smscore.sandbox.faults import FaultKind

__all__ = ["SPECIAL_RECIPIENTS", "Scenario"]


@attrs.frozen
class Scenario:
    """What becomes of every message to a recipient.

    It goes as far as ``last``, and its end is the first of ``ends`` that the provider has a code for; ``at_once``
    is without any way there. ``is_refused``: not accepted, where the provider refuses single recipients.
    ``fault`` names what every request to it meets instead.
    """

    words: str
    ends: tuple[DeliveryStatus, ...] = (DeliveryStatus.DELIVERED,)
    last: Stage = Stage.DELIVERED
    at_once: bool = False
    is_refused: bool = False
    fault: "FaultKind | None" = None
    seconds: float | None = None


_UNDELIVERED: Final = (DeliveryStatus.UNDELIVERED,)
_FAILED: Final = (DeliveryStatus.FAILED, *_UNDELIVERED)

_SCENARIOS: Final = (
    Scenario("Delivered."),
    Scenario("Not delivered.", ends=_UNDELIVERED),
    Scenario("Blocked; Najva pays the cost back.", ends=(DeliveryStatus.BLOCKED,)),
    Scenario("Fails on the way to the operator; not delivered, where the provider has no code for that.", ends=_FAILED),
    Scenario(
        "Refused alone, in an answer that accepts the others; failed at once, where the provider refuses nobody alone.",
        ends=_FAILED,
        at_once=True,
        is_refused=True,
    ),
    Scenario("Never leaves the queue.", last=Stage.QUEUED),
    Scenario("Sent to the operator, and never heard of again.", last=Stage.SENT),
    Scenario("The request is answered 500, and not accepted.", fault="server_error"),
    Scenario("The request is answered 429 with Retry-After: 1, and not accepted.", fault="rate_limit", seconds=1.0),
    Scenario("The request is answered with an HTML page and a 200, and not accepted.", fault="html"),
    Scenario("The request is accepted; the connection closes without an answer.", fault="drop_after"),
    Scenario("The connection closes without an answer; the request is not accepted.", fault="drop_before"),
    Scenario("The request is accepted; the answer breaks off in the middle.", fault="cut"),
    Scenario("The request is accepted; the answer comes 10 seconds later.", fault="delay", seconds=10.0),
)

SPECIAL_RECIPIENTS: Final[Mapping[str, Scenario]] = {
    f"+9899900000{place:02}": scenario for place, scenario in enumerate(_SCENARIOS, 1)
}
