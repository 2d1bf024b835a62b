"""What a request carries, as aiohttp takes it: each body notes when it is written."""

from __future__ import annotations

import asyncio
import secrets
from abc import abstractmethod
from collections.abc import Awaitable
from typing import Any, Final, Self, cast

from aiohttp.abc import AbstractStreamWriter
from aiohttp.payload import Payload

from smscore.calls.connections import RequestProgress, has_unread
from smscore.loops.threads import read_in_thread
from smscore.wire.endpoint import FileContent

_AT_ONCE: Final = 16 * 1024  # bytes, which the buffer of a connection takes in any case
_PIECE: Final = 256 * 1024  # bytes: a large body goes in pieces, so that it does not hold up the loop
_MOCKED: Final = object()  # for the transport of a writer without one, as tests that mock aiohttp have it


class _Body(Payload):
    """A body that notes when it is written, which works on a borrowed session too."""

    def __init__(self, progress: RequestProgress, size: int, content_type: str) -> None:
        super().__init__(None, content_type=content_type)
        self._size = size
        self._progress = progress

    def __deepcopy__(self, _: object) -> Self:
        return self  # tests that mock aiohttp copy what a request is given, and a request under way has no copy

    async def write(self, writer: AbstractStreamWriter) -> None:
        await self.write_with_length(writer, None)

    async def write_with_length(self, writer: AbstractStreamWriter, content_length: int | None) -> None:
        progress = self._progress
        transport: Any = getattr(writer, "transport", _MOCKED)
        if transport is _MOCKED:
            progress.left = True
        else:
            progress.begin(transport)
        await self._write(writer)
        progress.finish()

    async def _write_last(self, writer: AbstractStreamWriter, piece: bytes) -> None:
        """Write the last piece once everything before it has left, so that a dropped request is never complete."""
        transport = self._progress.transport
        if transport is not None and transport.get_write_buffer_size():
            transport.set_write_buffer_limits(high=0)
            await writer.drain()
            transport.set_write_buffer_limits()
        # If the buffers took everything at once, the event loop has not run, and cannot have seen an answer.
        if transport is not None and has_unread(cast("asyncio.Transport", transport)):
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        if self._progress.is_answered_early:
            await asyncio.Event().wait()  # aiohttp ends the writing when it has read that answer
        await writer.write(piece)

    @abstractmethod
    def _write(self, writer: AbstractStreamWriter) -> Awaitable[None]: ...


class _Bytes(_Body):
    def __init__(self, value: bytes, progress: RequestProgress) -> None:
        super().__init__(progress, len(value), "application/json")
        self._bytes = value

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        return self._bytes.decode(encoding, errors)

    def _write(self, writer: AbstractStreamWriter) -> Awaitable[None]:
        return writer.write(self._bytes) if len(self._bytes) <= _AT_ONCE else self._write_pieces(writer)

    async def _write_pieces(self, writer: AbstractStreamWriter) -> None:
        for start in range(0, len(self._bytes) - 1, _PIECE):
            await writer.write(self._bytes[start : min(start + _PIECE, len(self._bytes) - 1)])
        await self._write_last(writer, self._bytes[-1:])


class _Form(_Body):
    """A form with one file; the file is read while it is sent, and stays open."""

    def __init__(self, content: FileContent, progress: RequestProgress) -> None:
        boundary = secrets.token_hex(16)
        self._head = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="{content.name}"; '
            f'filename="{escaped_filename(content.filename)}"\r\nContent-Type: application/octet-stream\r\n\r\n'
        ).encode()
        self._end = f"\r\n--{boundary}--\r\n".encode()
        self._content = content
        size = len(self._head) + content.size + len(self._end)
        super().__init__(progress, size, f"multipart/form-data; boundary={boundary}")

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        raise TypeError("A file is sent as it is.")

    async def _write(self, writer: AbstractStreamWriter) -> None:
        content, place = self._content, 0
        await writer.write(self._head)
        while place < content.size:
            piece = await read_in_thread(content.read, place, min(content.size - place, _PIECE))
            if not piece:
                raise OSError("the file became shorter while it was sent")
            place += len(piece)
            await writer.write(piece)
        await self._write_last(writer, self._end)


def body_of(content: bytes | FileContent | None, progress: RequestProgress) -> Payload:
    """The body to send. A request without one gets an empty one, whose writing shows that the request leaves."""
    return _Form(content, progress) if isinstance(content, FileContent) else _Bytes(content or b"", progress)


_ESCAPED: Final = str.maketrans({'"': "%22", "\r": "%0D", "\n": "%0A"})


def escaped_filename(name: str) -> str:
    """The name as browsers put it into a form: in UTF-8 as it is, but for what would end it."""
    return name.translate(_ESCAPED)
