"""Every provider that is installed keeps what each must."""

from __future__ import annotations

from typing import Any, cast

import pytest

from najva_sms import DeliveryReport
from smscore import registry
from smscore.testing.conformance import ProviderConformance

# One class a provider of the registry, so that a new one is not forgotten.
for _name in registry.names():
    _class = f"Test{_name.capitalize()}"
    globals()[_class] = type(_class, (ProviderConformance,), {"profile": registry.profile(_name)})
del ProviderConformance


def test_a_plugin_that_returns_the_reports_of_another_provider_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DeliveryReport, "provider", "another")
    own = cast("Any", globals()["TestNajva"])()
    with pytest.raises(AssertionError, match=r"a report of another, which .* with provider = 'najva'"):
        own.test_a_report_names_its_provider_and_its_message()
