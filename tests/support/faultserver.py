"""A provider that fails on purpose, on raw sockets, and keeps count of the complete requests and of the money.

``FaultServer`` runs in a thread of its own, so that async and blocking clients both reach it. Each request takes the
next fault of a script. ``Books`` is the provider behind it: what it does with a request that arrived, and whom it
charges. The places at the end of the file are those that no request ever reaches.
"""

from __future__ import annotations

import asyncio
import fcntl
import gzip
import json
import select
import socket
import ssl
import struct
import termios
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import ExitStack, closing, contextmanager, suppress
from email.utils import formatdate
from typing import Any, Final, Self
from unittest.mock import patch
from urllib.parse import parse_qsl, urlsplit

import trustme
from attrs import define, field, frozen

from smscore import BatchEvent, Outcome

HOST: Final = "127.0.0.1"

# The provider behind the server


@frozen
class Received:
    """A complete request; header names are lower case."""

    method: str
    path: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def request_id(self) -> str | None:
        return self.headers.get("requestid") or self.headers.get("request-id")


Reply = tuple[int, Any]


def international(number: str) -> str:
    return "+98" + number.removeprefix("+98").removeprefix("0")


@define
class Books:
    """What a provider does with a request that arrived, and what it takes for it.

    ``refused`` are numbers in E.164 that it refuses one by one; ``credit`` is how many messages it still sends.
    """

    refused: frozenset[str] = frozenset()
    credit: int | None = None
    charged: Counter[tuple[str | None, str]] = field(factory=Counter)
    """How often each recipient was charged, by request id."""
    bodies: defaultdict[str, set[bytes]] = field(factory=lambda: defaultdict(set))
    """Every body that came with a request id."""
    seen: set[str] = field(factory=set)
    inbox: list[dict[str, str]] = field(factory=lambda: [{"privateNumber": "5000", "messageText": "سلام"}])
    _last_id: int = 1000

    def answer(self, request: Received) -> Reply:
        """What an honest provider does and says."""
        path = request.path.partition("?")[0]
        for ending, handle in _HANDLERS.items():
            if ending in path:
                return handle(self, request)
        return 404, {}

    @property
    def taken(self) -> int:
        """The messages paid for."""
        return self.charged.total()

    def charge(self, numbers: Sequence[str], request_id: str | None = None) -> list[int | None] | None:
        """An id for each number, None for one refused alone; None in all where the credit is too low."""
        good = [number for number in map(international, numbers) if number not in self.refused]
        if self.credit is not None:
            if len(good) > self.credit:
                return None
            self.credit -= len(good)
        self.charged.update((request_id, number) for number in good)
        ids = iter(range(self._last_id + 1, self._last_id + 1 + len(good)))
        self._last_id += len(good)
        return [None if international(number) in self.refused else next(ids) for number in numbers]

    def contradictions(self, results: Iterable[Any]) -> list[str]:
        """Where what the client said of all its recipients differs from what was charged.

        ``results`` need a ``recipient``, an ``outcome``, a ``message_id`` and a ``request_id``.
        """
        known, arrived, unknown = Counter(), Counter(), Counter()
        told: set[tuple[str | None, str]] = set()
        for result in results:
            key = (result.request_id, result.recipient)
            told.add(key)
            if result.outcome is Outcome.ACCEPTED:
                (arrived if result.message_id is None else known)[key] += 1
            elif result.outcome is Outcome.UNKNOWN:
                unknown[key] += 1
        problems = [f"{key}: charged, and told of nowhere" for key in self.charged if key not in told]
        for key in told:
            charged, least = self.charged[key], known[key]
            most = least + arrived[key] + unknown[key]
            if not least <= charged <= most:
                problems.append(f"{key}: charged {charged} times, where {least} to {most} were told of")
            if arrived[key] and key[0] not in self.seen:
                problems.append(f"{key}: accepted without an id, though its request never arrived")
        problems += [
            f"{id_}: different bytes with one request id" for id_, all_ in self.bodies.items() if len(all_) > 1
        ]
        return problems


@frozen
class Told:
    """What a journal says of one recipient, in the form of a result."""

    recipient: str
    outcome: Outcome
    request_id: str | None
    message_id: int | None = None
    provider: str | None = None


def told_by(journal: Iterable[BatchEvent]) -> Iterator[Any]:
    """What a caller knows who was cancelled: a batch told of as sent, and not as done, may have gone."""
    began: dict[int, BatchEvent] = {}
    for event in journal:
        if event.report is None:
            assert event.index not in began
            began[event.index] = event
        else:
            del began[event.index]
            yield from event.report
    for event in began.values():
        yield from (
            Told(number, Outcome.UNKNOWN, event.request_id, provider=event.provider) for number in event.recipients
        )


def _sepahan_send(books: Books, request: Received) -> Reply:
    request_id = request.request_id
    if request_id is not None:
        books.bodies[request_id].add(request.body)
        if request_id in books.seen:
            return sepahan_refusal(-20)
    numbers = request.json["reciverNumbers"]
    if all(international(number) in books.refused for number in numbers):
        return sepahan_refusal(-4)
    ids = books.charge(numbers, request_id)
    if ids is None:
        return sepahan_refusal(-14)
    if request_id is not None:
        books.seen.add(request_id)
    return sepahan_value({"ids": [id_ or -4 for id_ in ids], "smsCount": len(ids), "totalPrice": 10})


def _sepahan_receive(books: Books, request: Received) -> Reply:
    rows = list(books.inbox)
    if request.json.get("markAsRead", True):
        books.inbox.clear()
    return sepahan_value(rows)


def sepahan_value(value: Any) -> Reply:
    return 200, {"isSuccess": True, "value": value, "error": None}


def sepahan_refusal(code: int) -> Reply:
    error = {"code": code, "message": "نه", "details": []}
    return 401, {"isSuccess": False, "value": None, "error": error}


def _ippanel_send(books: Books, request: Received) -> Reply:
    body = request.json
    if body["sending_type"] == "webservice":
        numbers = body["params"]["recipients"]
    elif body["sending_type"] == "pattern":
        numbers = body["recipients"]
    else:
        numbers = [*body.get("other_recipients", ()), "country"]
    ids = books.charge(numbers)
    if ids is None:
        return 402, {"data": None, "meta": {"status": False, "message": "نه", "message_code": "402-1"}}
    return 200, {"data": {"message_outbox_ids": [ids[0]]}, "meta": {"status": True, "message": "بله"}}


def _najva_send(books: Books, request: Received) -> Reply:
    body = request.json
    if "messages" in body:
        pairs = [(message["receiver"], message["message"]) for message in body["messages"]]
    else:
        pairs = [(number, body["message"]) for number in body["receivers"]]
    ids = books.charge([number for number, _ in pairs])
    if ids is None:
        return 418, {"return": {"status": 418, "message": "نه"}, "entries": None}
    rows = [
        {"messageid": id_ or 1, "message": text[:70], "status": 1 if id_ else 14, "receptor": number, "cost": 10}
        for (number, text), id_ in zip(pairs, ids, strict=True)
    ]
    return najva_entries(rows)


def _najva_lookup(books: Books, request: Received) -> Reply:
    fields = dict(parse_qsl(urlsplit(request.path).query))
    ids = books.charge([fields["receptor"]])
    if ids is None:
        return 200, {"return": {"status": 418, "message": "نه"}, "entries": None}
    row = {"messageid": ids[0] or 1, "message": fields["token"], "status": 1 if ids[0] else 14, "cost": 10}
    return najva_entries([row | {"receptor": fields["receptor"]}])


def najva_entries(entries: Any) -> Reply:
    return 200, {"return": {"status": 200, "message": "بله"}, "entries": entries}


_HANDLERS: Final[Mapping[str, Callable[[Books, Received], Reply]]] = {
    "/api/Sms/Send": _sepahan_send,  # SendP2P too
    "/api/SmsReport/credit": lambda _, __: sepahan_value(1000),
    "/api/SmsReport/status": lambda _, request: sepahan_value([1] * len(request.json)),
    "/checkRequestId/": lambda books, request: sepahan_value(
        {"isDuplicate": request.path.rpartition("/")[2] in books.seen}
    ),
    "/api/SmsReport/Receive": _sepahan_receive,
    "/api/send": _ippanel_send,
    "/v2/sms/send": _najva_send,  # send-p2p too
    "/verify/lookup.json": _najva_lookup,
    "/v2/sms/status": lambda _, request: najva_entries(
        [{"messageid": id_, "status": 10} for id_ in request.json["messageids"]]
    ),
    "/v2/sms/outbox": lambda _, __: najva_entries([{"totalMessages": 0, "page": 0}]),
    "/upload-file/bale": lambda _, __: najva_entries({"file_id": "f-1"}),
}


def with_payload(reply: Any, change: Callable[[Any], Any]) -> Any:
    """An answer with its payload changed, under whatever key the provider keeps it, as if it were a success."""
    if "isSuccess" in reply:
        return {"isSuccess": True, "value": change(reply["value"]), "error": None}
    key = "data" if "meta" in reply else "entries"
    return {**reply, key: change(reply[key])}


def scalars_in_lists(payload: Any) -> Any:
    if isinstance(payload, dict):
        return {key: scalars_in_lists(value) for key, value in payload.items()}
    return [scalars_in_lists(value) for value in payload] if isinstance(payload, list) else [payload]


def with_an_entry_less(payload: Any) -> Any:
    """One number fewer in a list of numbers; no entry at all where each entry says whose it is."""
    if isinstance(payload, dict):
        return {key: value[:-1] for key, value in payload.items() if isinstance(value, list)}
    if isinstance(payload, list) and payload and isinstance(payload[0], int):
        return payload[:-1]
    return [] if isinstance(payload, list) and payload and "status" in payload[0] else None


# Answers as bytes


def http(status: int, body: bytes, *headers: str, phrase: str = "Said") -> bytes:
    lines = [f"HTTP/1.1 {status} {phrase}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def as_json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


JSON: Final = "Content-Type: application/json"
HTML: Final = "Content-Type: text/html"
PAGE: Final = b"<html><body>The site is busy.</body></html>"

# Faults


class Connection:
    """One connection, read and written by hand."""

    def __init__(self, server: FaultServer, sock: socket.socket) -> None:
        self.server = server
        self._sock = sock
        self._loop = asyncio.get_running_loop()
        self._buffer = b""
        self.last_answer = b""
        """What an honest provider said to the last request taken."""

    async def arrives(self) -> bool:
        """Wait for the first byte of a request, and leave it unread; False where the client hung up instead."""
        if self._buffer:
            return True
        readable = self._loop.create_future()
        self._loop.add_reader(self._sock, lambda: readable.done() or readable.set_result(None))
        try:
            await readable
        finally:
            self._loop.remove_reader(self._sock)
        return bool(self._sock.recv(1, socket.MSG_PEEK))

    async def read_some(self, size: int) -> None:
        while len(self._buffer) < size:
            await self._more()

    async def read(self) -> Received:
        """The whole request, which then counts."""
        head = await self._until(b"\r\n\r\n")
        request_line, *lines = head.decode().rstrip().split("\r\n")
        pairs = (line.partition(":") for line in lines)
        headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
        if headers.get("transfer-encoding", "").lower() == "chunked":
            body = await self._chunks()
        else:
            body = await self._exactly(int(headers.get("content-length", 0)))
        method, path, _ = request_line.split(" ")
        request = Received(method, path, headers, body)
        self.server.requests.append(request)
        return request

    async def take(self) -> bytes:
        """The whole request, done as asked; the answer that an honest provider gives."""
        status, value = self.server.books.answer(await self.read())
        self.last_answer = http(status, as_json(value), JSON)
        return self.last_answer

    async def send(self, data: bytes) -> None:
        await self._loop.sock_sendall(self._sock, data)

    async def send_unasked(self, data: bytes) -> None:
        """Send this, and return when the client's system has it."""
        await self.send(data)
        while struct.unpack("i", fcntl.ioctl(self._sock, termios.TIOCOUTQ, bytes(4)))[0]:  # noqa: ASYNC110
            await asyncio.sleep(0.001)

    def hang_up(self) -> None:
        """Say that nothing more comes (FIN)."""
        self._sock.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        """Break the connection off (RST)."""
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._sock.close()

    async def stall(self) -> None:
        """Say nothing more until the server ends."""
        self.server.busy.discard(self)
        await asyncio.Event().wait()

    async def discard(self) -> None:
        """Read on until the client hangs up, and make nothing of it."""
        while await self._loop.sock_recv(self._sock, 256 * 1024):
            pass

    async def _until(self, end: bytes) -> bytes:
        while end not in self._buffer:
            await self._more()
        head, _, self._buffer = self._buffer.partition(end)
        return head + end

    async def _exactly(self, size: int) -> bytes:
        await self.read_some(size)
        body, self._buffer = self._buffer[:size], self._buffer[size:]
        return body

    async def _chunks(self) -> bytes:
        body = b""
        while size := int(await self._until(b"\r\n"), 16):
            body += (await self._exactly(size + 2))[:-2]
        await self._until(b"\r\n")
        return body

    async def _more(self) -> None:
        piece = await self._loop.sock_recv(self._sock, 256 * 1024)
        if not piece:
            raise ConnectionResetError
        self._buffer += piece


Play = Callable[[Connection], Awaitable[bool | None]]


@frozen
class Fault:
    """What happens to one request. ``play`` gives True where the connection may carry another one after it."""

    name: str
    play: Play = field(repr=False)
    reads: bool = True
    """Whether the server gets the complete request."""
    takes: bool = False
    """Whether the provider does what it asks for."""
    stalls: bool = False
    retry_after: float | None = None

    def __str__(self) -> str:
        return self.name


async def _good(connection: Connection) -> bool:
    await connection.send(await connection.take())
    return True


async def _trickle(connection: Connection) -> bool:
    answer = await connection.take()
    body = answer.index(b"\r\n\r\n") + 4
    await connection.send(answer[:body])
    for place in range(body, len(answer)):
        await connection.send(answer[place : place + 1])
        await asyncio.sleep(0.0005)
    return True


async def _continue_then_good(connection: Connection) -> bool:
    answer = await connection.take()
    await connection.send(b"HTTP/1.1 100 Continue\r\n\r\n")
    await connection.send(b"HTTP/1.1 102 Processing\r\n\r\n" + answer)
    return True


async def _stall_unread(connection: Connection) -> None:
    await connection.stall()


async def _stall(connection: Connection) -> None:
    await connection.take()
    await connection.stall()


async def _hang_up_unread(connection: Connection) -> None:
    connection.hang_up()
    await connection.stall()


async def _reset_unread(connection: Connection) -> None:
    connection.reset()


async def _hang_up(connection: Connection) -> None:
    await connection.take()
    connection.hang_up()


async def _reset(connection: Connection) -> None:
    await connection.take()
    connection.reset()


def hang_up_after(size: int) -> Fault:
    """FIN when so many bytes of the request were read; the rest is thrown away, as web servers do."""

    async def play(connection: Connection) -> None:
        await connection.read_some(size)
        connection.hang_up()
        await connection.discard()

    return Fault(f"FIN while reading, after {size} bytes", play, reads=False)


def reset_after(size: int) -> Fault:
    """RST when so many bytes of the request were read."""

    async def play(connection: Connection) -> None:
        await connection.read_some(size)
        connection.reset()

    return Fault(f"RST while reading, after {size} bytes", play, reads=False)


def cut(name: str, part: Callable[[bytes], bytes]) -> Fault:
    """The answer of a provider that took the request, of which only a part comes."""

    async def play(connection: Connection) -> None:
        await connection.send(part(await connection.take()))
        connection.hang_up()

    return Fault(name, play, takes=True)


def says(
    name: str, answer: bytes, *, takes: bool = True, hangs_up: bool = False, retry_after: float | None = None
) -> Fault:
    """These bytes, whatever was asked."""

    async def play(connection: Connection) -> bool:
        await (connection.take() if takes else connection.read())
        await connection.send(answer)
        return not hangs_up

    return Fault(name, play, takes=takes, retry_after=retry_after)


def replies(name: str, reply: Reply, *, takes: bool = False) -> Fault:
    """This status and JSON, on a connection that stays open."""

    async def play(connection: Connection) -> bool:
        await (connection.take() if takes else connection.read())
        await connection.send(http(reply[0], as_json(reply[1]), JSON))
        return True

    return Fault(name, play, takes=takes)


def adds_headers(name: str, headers: bytes) -> Fault:
    """An honest answer with these headers too."""

    async def play(connection: Connection) -> bool:
        status_line, end, rest = (await connection.take()).partition(b"\r\n")
        await connection.send(status_line + end + headers + rest)
        return True

    return Fault(name, play, takes=True)


def spoils(name: str, change: Callable[[Any], Any]) -> Fault:
    """A success whose payload is something else."""

    async def play(connection: Connection) -> bool:
        _, value = connection.server.books.answer(await connection.read())
        await connection.send(http(200, as_json(with_payload(value, change)), JSON))
        return True

    return Fault(name, play, takes=True)


def says_twice(name: str, more: Callable[[bytes], bytes]) -> Fault:
    """An honest answer, and more than that at once."""

    async def play(connection: Connection) -> bool:
        answer = await connection.take()
        await connection.send(answer + more(answer))
        return True

    return Fault(name, play, takes=True)


def says_early(name: str, answer: Callable[[Connection], bytes]) -> Fault:
    """An answer when only a part of the request has come; the rest is read, and nothing made of it."""

    async def play(connection: Connection) -> None:
        await connection.read_some(10_000)
        await connection.send(answer(connection))
        await connection.discard()

    return Fault(name, play, reads=False)


async def _continue_early(connection: Connection) -> bool:
    await connection.read_some(10_000)
    await connection.send(b"HTTP/1.1 100 Continue\r\n\r\n")
    await connection.send(await connection.take())
    return True


async def _chunks_with_trailers(connection: Connection) -> bool:
    body = (await connection.take()).partition(b"\r\n\r\n")[2]
    head = f"HTTP/1.1 200 OK\r\n{JSON}\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n{len(body):x}\r\n"
    await connection.send(head.encode() + body + b"\r\n0\r\nX-Sum: 1\r\n\r\n")
    return True


def _cut_chunks(answer: bytes) -> bytes:
    body = answer.partition(b"\r\n\r\n")[2]
    head = f"HTTP/1.1 200 OK\r\n{JSON}\r\nTransfer-Encoding: chunked\r\n\r\n{len(body):x}\r\n".encode()
    return head + body + b"\r\n"


def _zipped(size: int) -> bytes:
    return http(200, gzip.compress(b" " * size, 1), JSON, "Content-Encoding: gzip")


GOOD: Final = Fault("no fault", _good, takes=True)
TRICKLE: Final = Fault("body byte by byte", _trickle, takes=True)
CONTINUE: Final = Fault("100 and 102, then a good answer", _continue_then_good, takes=True)

TRAILERS: Final = Fault("chunks and trailers", _chunks_with_trailers, takes=True)
CONTINUE_EARLY: Final = Fault("100 in the middle of the request", _continue_early, takes=True)

TWICE_AT_ONCE: Final = says_twice("an answer twice at once", lambda answer: answer)
AND_A_HALF: Final = says_twice("an answer and the beginning of another", lambda answer: answer[:20])
AND_GARBAGE: Final = says_twice("an answer and garbage", lambda _: b"bonjour\r\n\r\n")

EARLY_413: Final = says_early("413 in the middle of the request", lambda _: http(413, PAGE, HTML))
EARLY_401: Final = says_early("401 in the middle of the request", lambda _: http(401, PAGE, HTML))
EARLY_SUCCESS: Final = says_early("an old answer in the middle of the request", lambda one: one.last_answer)

# What a server sends on a connection that waits for its next request.
UNASKED: Final[dict[str, Callable[[Connection], bytes]]] = {
    "the last answer again": lambda one: one.last_answer,
    "its beginning": lambda one: one.last_answer[:30],
    "its headers": lambda one: one.last_answer[: one.last_answer.index(b"\r\n\r\n") + 4],
    "all but its last byte": lambda one: one.last_answer[:-1],
    "two answers": lambda one: one.last_answer * 2,
    "a line's end": lambda _: b"\r\n",
    "garbage": lambda _: b"bonjour",
    "408, as servers tire": lambda _: http(408, b""),
}

STALL_UNREAD: Final = Fault("stall before reading", _stall_unread, reads=False, stalls=True)
STALL: Final = Fault("stall after reading", _stall, takes=True, stalls=True)
FIN_UNREAD: Final = Fault("FIN before reading", _hang_up_unread, reads=False)
RST_UNREAD: Final = Fault("RST before reading", _reset_unread, reads=False)
FIN: Final = Fault("FIN after reading", _hang_up, takes=True)
RST: Final = Fault("RST after reading", _reset, takes=True)

CUT_STATUS_LINE: Final = cut("cut status line", lambda answer: answer[:11])
CUT_HEADERS: Final = cut("cut headers", lambda answer: answer[: answer.index(b"\r\n\r\n")])
CUT_BODY: Final = cut("cut body", lambda answer: answer[:-1])
CUT_CHUNKS: Final = cut("chunks without an end", _cut_chunks)
CONTINUE_THEN_FIN: Final = says("100 and then FIN", b"HTTP/1.1 100 Continue\r\n\r\n", hangs_up=True)
GARBAGE: Final = says("garbage", b"\x16\x03\x01\x02\x00bonjour\r\n\r\n")
LONG_HEADER: Final = adds_headers("a header of 60 kB", b"X-Long: " + b"x" * 60_000 + b"\r\n")
MANY_HEADERS: Final = adds_headers("2,000 headers", b"".join(b"X-%d: some words\r\n" % n for n in range(2_000)))
TOO_LONG_HEADER: Final = adds_headers("a header of 70 kB", b"X-Long: " + b"x" * 70_000 + b"\r\n")
TOO_MANY_HEADERS: Final = adds_headers(
    "headers of 70 kB", b"".join(b"X-%d: %s\r\n" % (n, b"x" * 690) for n in range(100))
)
NO_GZIP: Final = says("gzip that is none", http(200, b"abc", JSON, "Content-Encoding: gzip"))

HTML_200: Final = says("HTML with 200", http(200, PAGE, HTML))
NOT_JSON: Final = says("not JSON", http(200, b'{"isSuccess": true', JSON))
EMPTY_200: Final = says("nothing with 200", http(200, b""))
NO_CONTENT: Final = says("204", http(204, b""))
WRONG_PAYLOAD: Final = spoils("a text for a payload", lambda _: "a text")
WRONG_SCALARS: Final = spoils("wrong JSON types", scalars_in_lists)
ENTRY_MISSING: Final = spoils("an entry missing", with_an_entry_less)
NO_PAYLOAD: Final = says("an empty object", http(200, b"{}", JSON))
NESTED: Final = says("200,000 nested brackets", http(200, b"[" * 200_000 + b"]" * 200_000, JSON))
OVER_THE_CAP: Final = says("answer over the cap", http(200, b" " * 2_000_000, JSON))
GZIP_BOMB: Final = says("gzip bomb", _zipped(50_000_000))
SWITCHING: Final = says("101", http(101, b"", "Upgrade: x", "Connection: upgrade"))
STATUS_999: Final = says("999", http(999, PAGE, HTML))

ERROR_500: Final = says("500 with JSON", http(500, as_json({"error": "نه"}), JSON))
ERROR_500_EMPTY: Final = says("500 with nothing", http(500, b""))
ERROR_502: Final = says("502 with HTML", http(502, PAGE, HTML))
ERROR_503: Final = says("503 with nothing", http(503, b""))
ERROR_500_UNDONE: Final = says("500 and nothing done", http(500, b""), takes=False)

ELSEWHERE: Final = "/elsewhere"
REDIRECTS: Final = [
    says(f"{status} to another path", http(status, PAGE, HTML, f"Location: {ELSEWHERE}"), takes=False)
    for status in (301, 302, 307)
]

TOO_MANY_SECONDS: Final = says(
    "429 with seconds", http(429, as_json({"error": "نه"}), JSON, "Retry-After: 7"), takes=False, retry_after=7
)
TOO_MANY: Final = says("429 without Retry-After", http(429, PAGE, HTML), takes=False, retry_after=0)


async def _too_many_until(connection: Connection) -> bool:
    await connection.read()
    moment = formatdate(time.time() + 40, usegmt=True)
    await connection.send(http(429, b"", f"Retry-After: {moment}"))
    return True


TOO_MANY_DATE: Final = Fault("429 with a date", _too_many_until, retry_after=35)


# The server


class FaultServer:
    """A server that meets each request with a fault: the next of a list (and with none after it), or one for all.

    With ``listening=False`` the port refuses connections until :meth:`listen`; with ``greets=False`` every connection
    is closed as soon as it is open.
    """

    def __init__(
        self,
        faults: Fault | Iterable[Fault] = GOOD,
        *,
        books: Books | None = None,
        listening: bool = True,
        greets: bool = True,
    ) -> None:
        self.books = books or Books()
        self.requests: list[Received] = []
        """Every complete request, in the order that they came."""
        self.begun = 0
        """The requests of which at least a byte arrived."""
        self.connections = 0
        self.busy: set[Connection] = set()
        """Those with a request that the server is not yet through with."""
        self._always = faults if isinstance(faults, Fault) else GOOD
        self._script = iter([] if isinstance(faults, Fault) else faults)
        self._listening = listening
        self._greets = greets
        self._idle: dict[asyncio.Task[None], Connection] = {}
        self._ready = threading.Event()
        self._failure: Exception | None = None

    def __enter__(self) -> Self:
        self._sock = socket.socket()
        # Else the system takes megabytes of a large body for a server that reads nothing.
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)
        self._sock.bind((HOST, 0))
        self._sock.setblocking(False)
        self.url = f"http://{HOST}:{self.port}"
        self._thread = threading.Thread(target=self._run_in_thread, daemon=True)
        self._thread.start()
        self._ready.wait()
        if self._listening:
            self.listen()
        return self

    def _run_in_thread(self) -> None:
        # Not the tests' own kind of loop: uvloop loses the connection of an accept that is cancelled.
        with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
            runner.run(self._run())

    def __exit__(self, *exc_info: object) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join()
        self._sock.close()
        if self._failure is not None:
            raise self._failure

    @property
    def port(self) -> int:
        return self._sock.getsockname()[1]

    def count(self, path: str | None = None) -> int:
        """The complete requests, or those with a path that ends so."""
        return sum(path is None or request.path.endswith(path) for request in self.requests)

    async def settled(self, tries: int) -> None:
        """Wait until so many requests have come, and all is done with them: their client may have given up before."""
        with suppress(TimeoutError):  # the counts say what is missing
            async with asyncio.timeout(30):
                while self.begun < tries or self.busy:  # noqa: ASYNC110  # of another thread, which tells by its counts
                    await asyncio.sleep(0.005)

    def listen(self) -> None:
        """Take connections from now on."""
        self._sock.listen(128)
        self._loop.call_soon_threadsafe(self._open.set)

    def refuse(self) -> None:
        """Refuse connections from now on, and close those that wait for their next request."""
        asyncio.run_coroutine_threadsafe(_cancelled([self._accepting]), self._loop).result()
        self._sock.close()
        self.close_idle()

    def close_idle(self) -> None:
        """Close the connections that wait for their next request, and return when they are closed."""
        asyncio.run_coroutine_threadsafe(_cancelled(self._idle), self._loop).result()

    def speak_unasked(self, words: Callable[[Connection], bytes]) -> None:
        """Send something on the connections that wait for their next request, and return when it has arrived."""

        async def speak() -> None:
            for connection in list(self._idle.values()):
                await connection.send_unasked(words(connection))

        asyncio.run_coroutine_threadsafe(speak(), self._loop).result()

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._over, self._open = asyncio.Event(), asyncio.Event()
        serving = asyncio.create_task(self._serve())
        self._ready.set()
        await self._over.wait()
        try:
            await _cancelled([serving])
        except Exception as failure:
            self._failure = failure

    async def _serve(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            self._accepting = tasks.create_task(self._accept(tasks))
            tasks.create_task(self._over.wait())

    async def _accept(self, tasks: asyncio.TaskGroup) -> None:
        await self._open.wait()
        while True:
            sock, _ = await self._loop.sock_accept(self._sock)
            self.connections += 1
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._greets:
                # A task that is cancelled before its first step never comes to close it.
                tasks.create_task(self._connection(sock)).add_done_callback(lambda _, sock=sock: sock.close())
            else:
                sock.close()

    async def _connection(self, sock: socket.socket) -> None:
        task = asyncio.current_task()
        with closing(sock), suppress(OSError):
            connection, goes_on = Connection(self, sock), True
            while goes_on:
                self._idle[task] = connection
                try:
                    if not await connection.arrives():
                        return
                finally:
                    del self._idle[task]
                self.busy.add(connection)
                self.begun += 1
                try:
                    goes_on = await next(self._script, self._always).play(connection)
                finally:
                    self.busy.discard(connection)


async def _cancelled(tasks: Iterable[asyncio.Task[None]]) -> None:
    """Cancel these and wait for their end; one that failed before raises as it did."""
    tasks = [*tasks]
    for task in tasks:
        task.cancel()
    for ended in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(ended, Exception):
            raise ended


# Places that no request reaches


@frozen
class Place:
    """Somewhere to send to: ``count`` says how many complete requests it got."""

    url: str
    count: Callable[[], int] = lambda: 0


@contextmanager
def refusing_port() -> Iterator[Place]:
    """A port that is taken, so that nobody else opens it, and refuses connections."""
    with FaultServer(listening=False) as server:
        yield Place(server.url)


@contextmanager
def no_such_host() -> Iterator[Place]:
    """A name that does not resolve; the machine's own name servers are not asked, since they may take their time."""
    name = "no-such-host.invalid"

    def resolve(host: str, *args: Any, **kwargs: Any) -> Any:
        if host == name:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return real(host, *args, **kwargs)

    real = socket.getaddrinfo
    with patch("socket.getaddrinfo", resolve):
        yield Place(f"https://{name}")


@contextmanager
def silent_tls() -> Iterator[Place]:
    """A port that takes connections and never answers the handshake."""
    with socket.create_server((HOST, 0)) as sock:
        yield Place(f"https://{HOST}:{sock.getsockname()[1]}")


@contextmanager
def talkative(words: bytes) -> Iterator[Place]:
    """A server that sends this as soon as a connection opens, and reads nothing."""
    with socket.create_server((HOST, 0)) as listening, ExitStack() as opened:

        def talk() -> None:
            with suppress(OSError):
                while True:
                    sock = opened.enter_context(listening.accept()[0])
                    sock.sendall(words)

        thread = threading.Thread(target=talk, daemon=True)
        thread.start()
        yield Place(f"http://{HOST}:{listening.getsockname()[1]}")
        listening.shutdown(socket.SHUT_RDWR)
        thread.join()


@contextmanager
def full_backlog() -> Iterator[Place]:
    """A listener that accepts nobody and whose queue is full, so that a connect gets no answer."""
    with ExitStack() as opened:
        sock = opened.enter_context(closing(socket.socket()))
        sock.bind((HOST, 0))
        sock.listen(0)
        waiting = False
        while not waiting:
            other = opened.enter_context(closing(socket.socket()))
            other.setblocking(False)
            other.connect_ex(sock.getsockname())
            waiting = not select.select([], [other], [], 0.05)[1]
        yield Place(f"http://{HOST}:{sock.getsockname()[1]}")


@contextmanager
def tls_server(authority: trustme.CA) -> Iterator[Place]:
    """A good server behind a certificate of this authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(HOST).configure_cert(context)

    with FaultServer() as server:
        inner = (HOST, server.port)

        async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with suppress(OSError):
                while piece := await reader.read(65536):
                    writer.write(piece)
                    await writer.drain()
            writer.close()

        async def join(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            inner_reader, inner_writer = await asyncio.open_connection(*inner)
            await asyncio.gather(pipe(reader, inner_writer), pipe(inner_reader, writer))

        async def serve(started: Future[tuple[int, Callable[[], None]]]) -> None:
            loop, over = asyncio.get_running_loop(), asyncio.Event()
            front = await asyncio.start_server(join, HOST, 0, ssl=context)
            started.set_result((front.sockets[0].getsockname()[1], lambda: loop.call_soon_threadsafe(over.set)))
            await over.wait()
            front.close()

        started: Future[tuple[int, Callable[[], None]]] = Future()
        thread = threading.Thread(target=lambda: asyncio.run(serve(started)), daemon=True)
        thread.start()
        port, stop = started.result()
        yield Place(f"https://{HOST}:{port}", server.count)
        stop()
        thread.join()
