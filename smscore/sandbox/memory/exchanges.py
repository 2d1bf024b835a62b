"""A request to a provider and its response, as they are kept for inspection."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Mapping
from typing import Final

from attrs import define

from smscore.sandbox.fault_kinds import ActiveFault
from smscore.sandbox.memory.masks import Mask

__all__ = ["MAX_BODY", "BodyBudget", "Exchange", "received"]

OK: Final = 200
MAX_BODY: Final = 64 * 1024  # bytes of a body that are kept
MAX_BYTES: Final = 128 * 1024 * 1024  # of all bodies and headers together

# Headers that are left out whole: cookies, and what a proxy adds, may be secrets that the token's mask does not find.
_SECRET: Final = re.compile(r"auth|cookie|token|key|secret", re.IGNORECASE)


@define(repr=False, eq=False)
class Exchange:
    """A request and its response, shared by the messages that it sent; ``status`` is None if no response went out.

    ``headers`` are lines, without headers that could hold a secret. ``first`` and ``last`` are the places of its
    messages, 0 while it has none. ``number`` is its place among the failed requests, 0 if it is none of them. ``at``
    is when it was answered, in seconds since the epoch.
    """

    provider: str
    call: str
    method: str
    path: str
    headers: str
    body: bytes
    body_cut: bool
    status: int | None = None
    answer: bytes = b""
    answer_cut: bool = False
    first: int = 0
    last: int = 0
    fault: ActiveFault | None = None
    number: int = 0
    at: float = 0.0

    @property
    def failed(self) -> bool:
        """Whether it was refused, or met a fault."""
        return self.fault is not None or self.status != OK

    def answered(self, status: int | None, body: bytes, *, is_cut: bool) -> None:
        """Keep the response, from which the token is hidden already."""
        self.status, self.answer, self.answer_cut = status, body, is_cut

    def size(self) -> int:
        """The bytes of headers and bodies together."""
        return len(self.headers) + len(self.body) + len(self.answer)

    def drop_bodies(self) -> None:
        """Drop bodies and headers, which may be long."""
        self.headers, self.body, self.answer = "", b"", b""
        self.body_cut = self.answer_cut = True


def received(
    provider: str, call: str, method: str, path: str, headers: Mapping[str, str], body: bytes, mask: Mask
) -> Exchange:
    """A request that has no response yet; ``mask`` hides its token wherever it appears."""
    lines = (f"{name}: {value}" for name, value in headers.items() if not _SECRET.search(name))
    return Exchange(
        provider=provider,
        call=call,
        method=method,
        path=mask.text(path),
        headers=mask.text("\n".join(lines)),
        body=mask.beginning(body, MAX_BODY),
        body_cut=len(body) > MAX_BODY,
    )


class BodyBudget:
    """Keeps the bodies of all exchanges together below ``MAX_BYTES``, by dropping those of the oldest exchanges."""

    def __init__(self) -> None:
        self._kept: deque[tuple[Exchange, int]] = deque()
        self._bytes = 0

    def add(self, exchange: Exchange, oldest: int) -> None:
        """Count an answered exchange; ``oldest`` is the place of the oldest message that is kept."""
        self._kept.append((exchange, exchange.size()))
        self._bytes += exchange.size()
        while self._bytes > MAX_BYTES or self._kept[0][0].last < oldest:
            dropped, size = self._kept.popleft()
            self._bytes -= size
            dropped.drop_bodies()
            if not self._kept:
                break
