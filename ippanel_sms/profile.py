"""IPPanel Edge as Payamak lists it."""

from __future__ import annotations

from typing import Final

from smscore.profile import Capability, DemoPlan, Profile

PROFILE: Final = Profile(
    "ippanel",
    "IPPanel Edge",
    async_client="ippanel_sms.client:AsyncIPPanel",
    client="ippanel_sms.blocking:IPPanel",
    sandbox="ippanel_sms.sandbox:IPPanelSandbox",
    senders=("+983000505",),
    capabilities=frozenset(
        {
            Capability.SENDS,
            Capability.SENDS_P2P,
            Capability.SENDS_PATTERNS,
            Capability.REPORTS_DELIVERIES,
            Capability.RECEIVES_MESSAGES,
            Capability.TELLS_CREDIT,
        }
    ),
    samples="tests/samples/ippanel",
    demo=DemoPlan(recipients=1_000),
    doctor="ippanel_sms.doctor:DOCTOR",
    own_calls=frozenset({"cancel", "inbox", "price", "recipients"}),
)
