"""Every provider that is installed keeps what each must."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from smscore import registry
from smscore.testing.conformance import ProviderConformance

# One class a provider of the registry, so that a new one is not forgotten.
for _name in registry.names():
    _class = f"Test{_name.capitalize()}"
    globals()[_class] = type(_class, (ProviderConformance,), {"profile": registry.profile(_name)})
del ProviderConformance


@pytest.mark.parametrize("name", [name for name in registry.names() if registry.profile(name).webhook])
def test_a_plugin_that_returns_the_reports_of_another_provider_is_told(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    load = registry.load

    def load_with_reports_of_another(provider: str, part: Any) -> Any:
        found = load(provider, part)
        return (lambda **request: SimpleNamespace(provider="another")) if part == "webhook" else found

    monkeypatch.setattr(registry, "load", load_with_reports_of_another)
    own = globals()[f"Test{name.capitalize()}"]()
    with pytest.raises(AssertionError, match=rf"a report of another, which .* with provider = '{name}'"):
        own.test_a_report_names_its_provider_and_its_message()
