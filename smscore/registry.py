"""The providers that are installed: Payamak's own, and those that other distributions bring.

Each is an entry point of the group ``payamak.providers``. Listing their names imports nothing.
"""

from __future__ import annotations

import importlib
import logging
import re
import sys
import warnings
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from importlib.metadata import Distribution, EntryPoint, distributions
from typing import Any, Final, Literal

from smscore.errors import ConfigurationError
from smscore.profile import Profile

__all__ = ["Part", "ProviderWarning", "load", "load_all", "names", "profile", "profiles", "warn_unusable"]

Part = Literal["async_client", "client", "sandbox", "doctor", "webhook"]

GROUP: Final = "payamak.providers"
OWN: Final = "payamak"

logger: Final = logging.getLogger("smscore.registry")

# Whatever another distribution's module may raise on import; a script may exit.
IMPORT_ERRORS: Final = (Exception, SystemExit)

_NAME: Final = re.compile(r"[a-z][a-z0-9]*", re.ASCII)


class ProviderWarning(UserWarning):
    """A provider of another distribution cannot be used; the others can."""


def names() -> list[str]:
    """The providers' names: Payamak's own first, then the others', both in alphabetical order."""
    return list(_entries())


def profile(name: str) -> Profile:
    """A provider's profile. Raises ``ConfigurationError`` if it is not installed or cannot be imported."""
    entry = _entries().get(name)
    if entry is None:
        raise ConfigurationError(f"Unknown provider. The installed ones: {', '.join(names())}.")
    found, problem = _load(entry)
    if found is None:
        raise ConfigurationError(_unusable(entry, problem))
    return found


def profiles() -> dict[str, Profile]:
    """Every provider's profile by name; one that cannot be imported is left out, with a ``ProviderWarning``."""
    loaded = {name: (entry, *_load(entry)) for name, entry in _entries().items()}
    for entry, found, problem in loaded.values():
        if found is None:
            _warn(_unusable(entry, problem))
    return {name: found for name, (_, found, _) in loaded.items() if found is not None}


def load(name: str, part: Part) -> Any:
    """The object that a profile's import string names. Raises ``ConfigurationError`` if it cannot be imported."""
    found, problem = _imported(getattr(profile(name), part))
    if problem:
        raise ConfigurationError(_unusable(_entries()[name], problem), provider=name)
    return found


def load_all(part: Part) -> dict[str, Any]:
    """The same for every provider, by name; one that cannot be imported is left out, with a ``ProviderWarning``."""
    found = {name: _imported(getattr(one, part)) for name, one in profiles().items()}
    for name, (_, problem) in found.items():
        if problem:
            warn_unusable(name, problem)
    return {name: value for name, (value, problem) in found.items() if not problem}


def _imported(path: str) -> tuple[Any, str]:
    """What an import string such as ``nobody_sms.client:AsyncNobody`` names, or None and what is wrong."""
    module, _, attribute = path.partition(":")
    try:
        return getattr(importlib.import_module(module), attribute), ""
    except IMPORT_ERRORS as error:
        return None, f"importing {path} raised {type(error).__name__}"


def warn_unusable(name: str, problem: str) -> None:
    """Warn that a provider cannot be used, and which distribution brings it."""
    _warn(_unusable(_entries()[name], problem))


def _entries() -> Mapping[str, EntryPoint]:
    return _found_on(tuple(sys.path))


@lru_cache(4)  # the metadata of everything installed is read again only if the path has changed
def _found_on(_: tuple[str, ...]) -> Mapping[str, EntryPoint]:
    chosen, problems = choose(_every_entry())
    for problem in problems:
        _warn(problem)
    return chosen


def _every_entry() -> Iterator[EntryPoint]:
    """The group's entry points; a distribution that is on the path twice counts once, as for an import."""
    seen: set[str] = set()
    for distribution in distributions():
        name = _name(distribution)
        if name in seen:
            continue
        seen.add(name)
        try:
            entries = [entry for entry in distribution.entry_points if entry.group == GROUP]
        except Exception:
            _warn(f"The entry points of {name} cannot be read: its providers are ignored. Update or uninstall it.")
            continue
        yield from entries


def choose(entries: Iterable[EntryPoint]) -> tuple[dict[str, EntryPoint], list[str]]:
    """One entry point per name, and what is wrong with the others.

    Payamak's own providers always win. If two others have the same name, neither is used: it is not known which one a
    send is meant for.
    """
    every = list(entries)
    own = sorted((entry for entry in every if _distribution(entry) == OWN), key=lambda entry: entry.name)
    chosen = {entry.name: entry for entry in own}
    rivals: dict[str, list[EntryPoint]] = {}
    for entry in sorted(every, key=lambda entry: (entry.name, _distribution(entry))):
        if _distribution(entry) != OWN:
            rivals.setdefault(entry.name, []).append(entry)
    problems: list[str] = []
    for name, brought in rivals.items():
        problem = _problem(name, brought, is_own=name in chosen)
        if problem is None:
            chosen[name] = brought[0]
        else:
            problems.append(problem)
    return chosen, problems


def _problem(name: str, brought: list[EntryPoint], *, is_own: bool) -> str | None:
    """Why what other distributions bring under this name is not used."""
    who = " and ".join(_distribution(entry) for entry in brought)
    if is_own:
        return (
            f"{who} brings a provider named {name}, which is Payamak's own: it is ignored. "
            "Uninstall that distribution, or ask its authors for another name."
        )
    if not _NAME.fullmatch(name):
        return f"{who} brings a provider whose name is not lower-case letters and digits: it is ignored."
    if len(brought) > 1:
        return f"{who} bring a provider named {name} each: neither is used. Uninstall one of them."
    return None


def _load(entry: EntryPoint) -> tuple[Profile | None, str]:
    """The profile, or None and what is wrong. Whatever the module raises must not stop the other providers."""
    try:
        found = entry.load()
    except IMPORT_ERRORS as error:
        return None, f"importing it raised {type(error).__name__}"
    if not isinstance(found, Profile):
        return None, f"{entry.value} is {type(found).__name__}, not smscore.profile.Profile"
    if found.name != entry.name:
        return None, f"its profile is named {found.name}"
    return found, ""


def _unusable(entry: EntryPoint, problem: str) -> str:
    return f"The provider {entry.name} of {_distribution(entry)} cannot be used: {problem}."


def _distribution(entry: EntryPoint) -> str:
    return _name(entry.dist) if entry.dist is not None else "an unknown distribution"


def _name(distribution: Distribution) -> str:
    try:
        name: str | None = distribution.metadata["Name"]
    except Exception:  # there is no metadata, or it is unreadable
        name = None
    return re.sub(r"[-_.]+", "-", name or "an unknown distribution").lower()


def _warn(message: str) -> None:
    try:
        warnings.warn(message, ProviderWarning, stacklevel=4)
    except ProviderWarning:  # warnings are errors here: another distribution must break nothing all the same
        logger.warning("%s", message)
