"""Najva SMS as Payamak lists it."""

from __future__ import annotations

from typing import Final

from smscore.profile import Capability, DemoPlan, Profile

PROFILE: Final = Profile(
    "najva",
    "Najva SMS",
    async_client="najva_sms.client:AsyncNajva",
    client="najva_sms.blocking:Najva",
    sandbox="najva_sms.sandbox:NajvaSandbox",
    senders=("90000123",),
    capabilities=frozenset(
        {
            Capability.SENDS,
            Capability.SENDS_P2P,
            Capability.SENDS_PATTERNS,
            Capability.REPORTS_DELIVERIES,
        }
    ),
    samples="tests/samples/najva",
    demo=DemoPlan(recipients=25_000, from_file=True),
    doctor="najva_sms.doctor:DOCTOR",
    own_calls=frozenset({"upload_file"}),
    webhook="najva_sms.webhook:parse_webhook",
)
