"""Kabutar as Payamak lists it."""

from __future__ import annotations

from typing import Final

from smscore.profile import Capability, DemoPlan, Profile

PROFILE: Final = Profile(
    "kabutar",
    "Kabutar SMS",
    async_client="kabutar_sms.client:AsyncKabutar",
    client="kabutar_sms.blocking:Kabutar",
    sandbox="kabutar_sms.sandbox:KabutarSandbox",
    senders=("3000222",),
    capabilities=frozenset({Capability.SENDS, Capability.REPORTS_DELIVERIES, Capability.TELLS_CREDIT}),
    samples="samples",
    demo=DemoPlan(recipients=500),
    doctor="kabutar_sms.doctor:DOCTOR",
)
