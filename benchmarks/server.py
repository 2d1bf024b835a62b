"""The providers' answers, made beforehand, from a process of its own: the clients are measured, and not the server.

The first part of a path says how many entries the answer has: ``/10000/v2/sms/send``.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from functools import cache

TEXT = "سلام! این یک پیام آزمایشی است."
FIRST_ID = 8792343


def recipients(count: int) -> list[str]:
    return [f"0912{number:07}" for number in range(count)]


def najva_send(count: int, first_id: int = FIRST_ID) -> object:
    entries = [
        {
            "messageid": first_id + place,
            "message": TEXT,
            "status": 1,
            "statustext": "در صف ارسال",
            "sender": "90000123",
            "receptor": number,
            "date": 1356619709,
            "cost": 120,
        }
        for place, number in enumerate(recipients(count))
    ]
    return {"return": {"status": 200, "message": "تایید شد"}, "entries": entries}


def najva_status(count: int) -> object:
    entries = [{"messageid": FIRST_ID + place, "status": 10, "statustext": "رسیده"} for place in range(count)]
    return {"return": {"status": 200, "message": "تایید شد"}, "entries": entries}


def sepahan(value: object) -> object:
    return {"isSuccess": True, "error": None, "value": value}


def sepahan_send(count: int, first_id: int = FIRST_ID) -> object:
    ids = [first_id + place for place in range(count)]
    return sepahan({"ids": ids, "smsCount": 1, "totalPrice": 120 * count})


def sepahan_status(count: int) -> object:
    return sepahan([2] * count)


def ippanel_send(_: int) -> object:
    meta = {"status": True, "message": "انجام شد", "message_parameters": [], "message_code": "200-1"}
    return {"data": {"message_outbox_ids": [1123544244]}, "meta": meta}


ANSWERS: dict[str, Callable[[int], object]] = {
    "/v2/sms/send": najva_send,
    "/v2/sms/send-p2p": najva_send,
    "/v2/sms/status": najva_status,
    "/api/Sms/Send": sepahan_send,
    "/api/SmsReport/status": sepahan_status,
    "/api/send": ippanel_send,
}


@cache
def answer(path: str) -> bytes:
    _, count, rest = path.split("/", 2)
    body = json.dumps(ANSWERS["/" + rest](int(count)), ensure_ascii=False, separators=(",", ":")).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


class Connection(asyncio.Protocol):
    """Reads requests, keeps nothing of them, and answers."""

    def __init__(self) -> None:
        self.head = b""
        self.missing = -1  # bytes of the body that are still to come; below 0 while the head is read
        self.path = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        if self.missing < 0:
            self.head += data
            head, found, rest = self.head.partition(b"\r\n\r\n")
            if not found:
                return
            self.begin(head.decode("latin-1"))
            data, self.head = rest, b""
        self.missing -= len(data)
        if self.missing <= 0:
            self.missing = -1
            self.respond()

    def respond(self) -> None:
        self.transport.write(answer(self.path))

    def begin(self, head: str) -> None:
        first, *lines = head.split("\r\n")
        self.path = first.split(" ")[1]
        headers = dict(line.lower().split(": ", 1) for line in lines)
        self.missing = int(headers.get("content-length", "0"))
        if headers.get("expect"):
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")


async def main() -> None:
    server = await asyncio.get_running_loop().create_server(Connection, "127.0.0.1", 0, backlog=1024)
    for path in sys.argv[1:]:
        answer(path)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
