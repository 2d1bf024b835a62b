"""The options of ``send`` and ``p2p``, and which of them a resume takes over."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from attrs import evolve, frozen


@frozen(kw_only=True)
class SendOptions:
    """A send's options, except for its text and its provider."""

    recipients: str
    column: str | None
    sheet: str | None
    encoding: str | None
    hidden_too: bool
    sender: str | None
    skip_bad: bool
    dry_run: bool
    yes: bool
    out: Path | None
    resuming: bool
    """Whether ``out`` was begun by an earlier run."""
    rejected_too: bool
    """Whether a resume sends to rejected recipients again."""
    options: dict[str, Any]
    """For the provider's call; None for one that was not given."""
    settings: dict[str, Any]
    """For the client, likewise."""
    restored: tuple[str, ...] = ()
    """The flags that a resume took over from its queue."""

    @property
    def to_remember(self) -> dict[str, Any]:
        """The options that a resume takes over unless it is given them, by name."""
        found = {name: getattr(self, name) for name in _REMEMBERED} | self.settings
        return {name: value for name, value in found.items() if value}

    def with_remembered(self, remembered: Mapping[str, Any]) -> SendOptions:
        """A copy that takes over, from an earlier run, the options that it was not given."""
        missing = {name: value for name, value in remembered.items() if name not in self.to_remember}
        settings = self.settings | {name: missing[name] for name in self.settings if name in missing}
        own = {name: missing[name] for name in _REMEMBERED if name in missing}
        flags = tuple(_flag(name, missing[name]) for name in (*own, *self.settings) if name in missing)
        return evolve(self, **own, settings=settings, restored=flags)


_REMEMBERED: Final = ("column", "sheet", "encoding", "hidden_too", "skip_bad")
_FLAGS: Final = {"max_concurrency": "--concurrency"}


def _flag(name: str, value: object) -> str:
    flag = _FLAGS.get(name, "--" + name.replace("_", "-"))
    if value is True:
        return flag
    is_whole = isinstance(value, float) and value.is_integer()
    return f"{flag} {value:.0f}" if is_whole else f"{flag} {value}"
