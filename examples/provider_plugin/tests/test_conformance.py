"""Kabutar keeps what every provider of Payamak must."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from kabutar_sms.profile import PROFILE

from smscore.testing.conformance import ProviderConformance, SampleCall


class TestKabutar(ProviderConformance):
    """All the tests that Payamak has for a provider, and its document's samples."""

    profile = PROFILE
    sample_calls: ClassVar[Mapping[str, SampleCall]] = {
        "send": lambda client: client.send(["09123456789", "09123456780"], "سلام"),
        "status": lambda client: client.status([700000001, 700000002]),
        "credit": lambda client: client.credit(),
    }
