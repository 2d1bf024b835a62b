"""Every provider that is installed keeps what each must."""

from __future__ import annotations

from smscore import registry
from smscore.testing.conformance import ProviderConformance

# One class a provider of the registry, so that a new one is not forgotten.
for _name in registry.names():
    _class = f"Test{_name.capitalize()}"
    globals()[_class] = type(_class, (ProviderConformance,), {"profile": registry.profile(_name)})
del ProviderConformance
