"""One request of a provider's client and the answer it got, as the sandbox keeps them to be looked at."""

import re
from collections import deque
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import attrs

from smscore.sandbox.memory.masks import Mask

if TYPE_CHECKING:
    from smscore.sandbox.faults import ActiveFault

__all__ = ["Exchange", "RawMemory"]

OK: Final = 200
CUT_AT: Final = 64 * 1024  # bytes of a body that are kept
MOST_RAW: Final = 128 * 1024 * 1024  # bytes of all bodies and headers together

# Left out whole, whatever they hold: cookies, and what a proxy adds, may be secrets that no token tells.
_SECRET: Final = re.compile(r"auth|cookie|token|key|secret", re.IGNORECASE)


@attrs.define(repr=False, eq=False)
class Exchange:
    """A request and its answer, shared by the messages it sent; ``status`` is None where no answer went out.

    ``headers`` are lines without those that could hold a secret. ``first`` and ``last`` are the places of its
    messages, 0 while it has none. ``number`` is its place among those that failed, 0 where it did not; ``at`` is when
    it was answered, in seconds since the epoch.
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
    fault: "ActiveFault | None" = None
    number: int = 0
    at: float = 0.0

    @property
    def failed(self) -> bool:
        """Whether it was refused, or met a fault."""
        return self.fault is not None or self.status != OK

    def answered(self, status: int | None, body: bytes, *, is_cut: bool) -> None:
        """Note what was answered, its token hidden."""
        self.status, self.answer, self.answer_cut = status, body, is_cut

    def size(self) -> int:
        """Bytes that may be long, together."""
        return len(self.headers) + len(self.body) + len(self.answer)

    def cut(self) -> None:
        """Let go of everything that may be long."""
        self.headers, self.body, self.answer = "", b"", b""
        self.body_cut = self.answer_cut = True


def exchange(
    provider: str, call: str, method: str, path: str, headers: Mapping[str, str], body: bytes, mask: Mask
) -> Exchange:
    """A request that has no answer yet. The mask of its token hides that wherever it stands."""
    lines = (f"{name}: {value}" for name, value in headers.items() if not _SECRET.search(name))
    return Exchange(
        provider=provider,
        call=call,
        method=method,
        path=mask.text(path),
        headers=mask.text("\n".join(lines)),
        body=mask.beginning(body, CUT_AT),
        body_cut=len(body) > CUT_AT,
    )


class RawMemory:
    """Holds all exchanges together below a number of bytes: the oldest are cut first."""

    def __init__(self) -> None:
        self._kept: deque[tuple[Exchange, int]] = deque()
        self._bytes = 0

    def add(self, exchange: Exchange, oldest: int) -> None:
        """Count an exchange that is answered; ``oldest`` is the place of the oldest message that is kept."""
        self._kept.append((exchange, exchange.size()))
        self._bytes += exchange.size()
        while self._bytes > MOST_RAW or self._kept[0][0].last < oldest:
            gone, size = self._kept.popleft()
            self._bytes -= size
            gone.cut()
            if not self._kept:
                break
