"""What ``send`` and ``p2p`` were asked to do."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from attrs import evolve, frozen


@frozen(kw_only=True)
class Order:
    """A send's options, text and provider left out."""

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
    """Whether ``out`` is of an earlier run."""
    rejected_too: bool
    """Whether a resume sends again what was rejected."""
    options: dict[str, Any]
    """For the provider's call; None where one was not given."""
    settings: dict[str, Any]
    """For the client, likewise."""
    recalled: tuple[str, ...] = ()
    """The flags that a resume took from its journal."""

    @property
    def to_remember(self) -> dict[str, Any]:
        """What a resume takes from here where it is not given it, by the names of the command's flags."""
        found = {name: getattr(self, name) for name in _REMEMBERED} | self.settings
        return {name: value for name, value in found.items() if value}

    def with_remembered(self, remembered: Mapping[str, Any]) -> Order:
        """The same with what it is not given taken from an earlier run."""
        missing = {name: value for name, value in remembered.items() if name not in self.to_remember}
        settings = self.settings | {name: missing[name] for name in self.settings if name in missing}
        own = {name: missing[name] for name in _REMEMBERED if name in missing}
        flags = tuple(_flag(name, missing[name]) for name in (*own, *self.settings) if name in missing)
        return evolve(self, **own, settings=settings, recalled=flags)


_REMEMBERED: Final = ("column", "sheet", "encoding", "hidden_too", "skip_bad")
_FLAGS: Final = {"max_concurrency": "--concurrency"}


def _flag(name: str, value: object) -> str:
    flag = _FLAGS.get(name, "--" + name.replace("_", "-"))
    return flag if value is True else f"{flag} {value}"
