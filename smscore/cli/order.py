"""What ``send`` and ``p2p`` were asked to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from attrs import frozen


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
