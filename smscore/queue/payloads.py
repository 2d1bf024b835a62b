"""What the recipients of a batch are kept as until they are sent: one compressed value for the whole batch.

A row for each recipient at this point would take twice the room and three to four times the time.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec
from attrs import define, field

from smscore.errors import InvalidRequest
from smscore.masking import MaskedState
from smscore.text import can_be_encoded

_LEVEL: Final = 1
_HASH_BYTES: Final = 16
_MODULUS: Final = 1 << (8 * _HASH_BYTES)


class Payload(MaskedState, array_like=True, omit_defaults=True, eq=True):
    """The recipients of a batch, in order; ``numbers`` are local forms (bad ones: as given).

    ``texts`` and ``refs`` have one entry each or are None; ``places`` are the recipients' positions counted from the
    batch's ``first``, None where they follow one another.
    """

    numbers: list[str]
    texts: list[str] | None = None
    refs: list[Any] | None = None
    places: list[int] | None = None

    def __len__(self) -> int:
        return len(self.numbers)

    def __repr__(self) -> str:
        return f"<Payload of {len(self.numbers)}>"  # numbers and texts are in it

    def part(self, start: int, stop: int) -> Payload:
        """Some of the recipients, with their places."""
        return Payload(
            self.numbers[start:stop],
            None if self.texts is None else self.texts[start:stop],
            None if self.refs is None else self.refs[start:stop],
            [*range(start, stop)] if self.places is None else self.places[start:stop],
        )

    def positions(self, first: int) -> Sequence[int]:
        """The positions in the campaign, given the batch's first."""
        if self.places is None:
            return range(first, first + len(self.numbers))
        return [first + place for place in self.places]


# Made here, and not by the first calls: two threads that make one at once would crash the process, in msgspec.
_payload: Final = msgspec.msgpack.Decoder(Payload)
_PLAIN: Final = b"n"  # numbers alone, a line each
_PACKED: Final = b"m"


def pack(payload: Payload) -> bytes:
    """A payload as it is stored."""
    if payload.texts is payload.refs is payload.places is None and not any("\n" in one for one in payload.numbers):
        return _PLAIN + zlib.compress("\n".join(payload.numbers).encode(), _LEVEL)
    return _PACKED + zlib.compress(msgspec.msgpack.encode(payload), _LEVEL)


def unpack(stored: bytes | memoryview) -> Payload:
    """The payload of what :func:`pack` gave."""
    data = bytes(stored)
    plain = zlib.decompress(data[1:])
    if data[:1] == _PLAIN:
        return Payload(plain.decode().split("\n"))
    return _payload.decode(plain)


class _Options(msgspec.Struct, omit_defaults=True):
    """Keyword arguments of a call; times are apart, as JSON has none."""

    values: dict[str, str | int | float | bool] = {}
    times: dict[str, dt.datetime] = {}


_options: Final = msgspec.json.Decoder(_Options)


def pack_options(options: Mapping[str, Any]) -> str | None:
    """More keyword arguments of a provider's call as they are stored: texts, numbers and aware datetimes.

    Raises ``InvalidRequest`` for a text that cannot be encoded.
    """
    for name, value in options.items():
        if isinstance(value, str) and not can_be_encoded(value):
            raise InvalidRequest(f"{name}= contains half of a surrogate pair, which cannot be encoded.")
    times = {name: value for name, value in options.items() if isinstance(value, dt.datetime)}
    values = {name: value for name, value in options.items() if name not in times}
    return msgspec.json.encode(_Options(values, times)).decode() if options else None


def unpack_options(stored: str | None) -> dict[str, Any]:
    """The keyword arguments of what :func:`pack_options` gave."""
    if stored is None:
        return {}
    found = _options.decode(stored)
    return {**found.values, **found.times}


def checked_ref(ref: Any, position: int) -> Any:
    """The ref as JSON gives it back. Raises ``InvalidRequest`` unless it is JSON."""
    try:
        return msgspec.json.decode(msgspec.json.encode(ref))
    except (TypeError, ValueError, RecursionError, msgspec.MsgspecError):
        raise InvalidRequest(
            f"The ref of message {position} cannot be stored: it must be JSON. Give a str, a number, or a dict of them."
        ) from None


@define
class ContentHash:
    """A digest of a campaign's content, in whatever order its recipients come."""

    _head: bytes
    _sum: int = field(default=0, init=False)
    _count: int = field(default=0, init=False)

    def add(self, numbers: Sequence[str], texts: Iterable[str] | None) -> None:
        """Add recipients, each with its own text if they have one."""
        digest, total = hashlib.blake2b, 0
        each = numbers if texts is None else [f"{number}\n{text}" for number, text in zip(numbers, texts, strict=True)]
        for one in each:
            total += int.from_bytes(digest(one.encode(), digest_size=_HASH_BYTES).digest(), "little")
        self._sum = (self._sum + total) % _MODULUS
        self._count += len(numbers)

    def digest(self) -> bytes:
        """The digest of all that was added."""
        whole = self._head + self._count.to_bytes(8, "little") + self._sum.to_bytes(_HASH_BYTES, "little")
        return hashlib.blake2b(whole, digest_size=_HASH_BYTES).digest()


def content_hash(*head: object) -> ContentHash:
    """The hash of a campaign with this account, kind, text, sender and so on; its recipients are added."""
    return ContentHash(msgspec.json.encode(head))
