"""Kabutar keeps what every provider of Payamak must."""

from __future__ import annotations

from kabutar_sms.profile import PROFILE

from smscore.testing.conformance import ProviderConformance


class TestKabutar(ProviderConformance):
    """All the tests that Payamak has for a provider, and its document's samples."""

    profile = PROFILE
