"""Reading a request's body in bounded pieces, also if it is compressed: 2 MB of gzip can hold 2 GB."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Iterator
from typing import Final

from aiohttp import web

__all__ = ["BrokenBody", "TooLargeBody", "read_body"]

PIECE: Final = 256 * 1024  # bytes that are decompressed at once, about a millisecond's work


class BrokenBody(Exception):
    """The body did not arrive whole, or is not in its declared encoding."""


class TooLargeBody(Exception):
    """The body is larger than the server reads."""


async def read_body(request: web.Request, most: int) -> bytes:
    """The body, decompressed. The event loop runs between two pieces.

    Raises:
        BrokenBody: it did not arrive whole, or is not in its declared encoding.
        TooLargeBody: it has over ``most`` bytes, before or after decompression.
    """
    decoder = _decoder(request.headers.get("Content-Encoding", "identity").strip().lower())
    body, came = bytearray(), 0
    try:
        async for data in request.content.iter_any():
            came += len(data)
            for piece in decoder.decoded(data):
                body += piece
                if max(came, len(body)) > most:
                    raise TooLargeBody
                await asyncio.sleep(0)
    except (web.RequestPayloadError, OSError, zlib.error):
        raise BrokenBody from None
    if not decoder.is_whole:
        raise BrokenBody
    return bytes(body)


def _decoder(encoding: str) -> _Identity | _Inflater:
    if encoding == "identity":
        return _Identity()
    if encoding in ("gzip", "x-gzip", "deflate"):
        return _Inflater(is_gzip=encoding != "deflate")
    raise BrokenBody


class _Identity:
    """Leaves the body as it is."""

    is_whole = True

    def decoded(self, data: bytes) -> Iterator[bytes]:
        yield data


class _Inflater:
    """Decompresses the body, piece by piece."""

    def __init__(self, *, is_gzip: bool) -> None:
        self._is_gzip = is_gzip
        self._stream: zlib._Decompress | None = None

    @property
    def is_whole(self) -> bool:
        return self._stream is None

    def decoded(self, data: bytes) -> Iterator[bytes]:
        while data:
            self._stream = self._stream or zlib.decompressobj(self._window_bits(data))
            yield self._stream.decompress(data, PIECE)
            data = self._stream.unconsumed_tail
            if self._stream.eof:  # a gzip body may have several members
                data, self._stream = self._stream.unused_data, None

    def _window_bits(self, data: bytes) -> int:
        if self._is_gzip:
            return 16 + zlib.MAX_WBITS
        has_header = data[0] & 0x0F == zlib.DEFLATED  # some clients send "deflate" without zlib's header
        return zlib.MAX_WBITS if has_header else -zlib.MAX_WBITS
