"""The emulations of the providers that are installed."""

from __future__ import annotations

from typing import Any

from smscore import registry
from smscore.sandbox.emulation import Emulation

__all__ = ["installed_emulations"]


def installed_emulations() -> dict[str, Emulation]:
    """A new emulation of every installed provider, by name; one that is unusable is left out, with a warning."""
    found: dict[str, Emulation] = {}
    for name, kind in registry.load_all("sandbox").items():
        try:
            problem = _problem(name, kind)
            if not problem:
                found[name] = kind()
        except Exception as error:  # another distribution's class: whatever it raises must not stop the other providers
            problem = f"making its sandbox raised {type(error).__name__}"
        if problem:
            registry.warn_unusable(name, problem)
    return found


def _problem(name: str, kind: Any) -> str | None:
    """Why a class cannot emulate the provider of this name, or None."""
    if not (isinstance(kind, type) and issubclass(kind, Emulation)):
        return "its sandbox is not a subclass of Emulation"
    missing = [attribute for attribute in Emulation.__annotations__ if not hasattr(kind, attribute)]
    if missing:
        return f"its sandbox has no {', '.join(missing)}"
    return None if kind.name == name else f"its sandbox calls itself {kind.name}"
