"""Sepahan Gostar as Payamak lists it."""

from __future__ import annotations

from typing import Final

from smscore.profile import Capability, DemoPlan, Profile

PROFILE: Final = Profile(
    "sepahan",
    "Sepahan Gostar",
    async_client="sepahan_sms.client:AsyncSepahan",
    client="sepahan_sms.blocking:Sepahan",
    sandbox="sepahan_sms.sandbox:SepahanSandbox",
    senders=("50003300",),
    capabilities=frozenset(
        {
            Capability.SENDS,
            Capability.SENDS_P2P,
            Capability.REPORTS_DELIVERIES,
            Capability.RECEIVES_MESSAGES,
            Capability.TELLS_CREDIT,
        }
    ),
    samples="tests/samples/sepahan",
    demo=DemoPlan(recipients=250),
    doctor="sepahan_sms.doctor:DOCTOR",
    own_calls=frozenset({"check_request_id", "old_status", "receive"}),
)
