"""The calls that make the recorded requests of Kabutar's document, by the ``call`` of each sample."""

from __future__ import annotations

from typing import Any, Final

CALLS: Final[dict[str, Any]] = {
    "send": lambda client: client.send(["09123456789", "09123456780"], "سلام"),
    "status": lambda client: client.status([700000001, 700000002]),
    "credit": lambda client: client.credit(),
}
