"""The floor: what an expert would write for one job with aiohttp and msgspec, without a check."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp
import msgspec

AT_ONCE = 8
CONNECTIONS = 100  # the default limit of aiohttp and of Payamak
MANY_CONNECTIONS = 200


class NajvaEntry(msgspec.Struct):
    messageid: int
    receptor: str
    status: int
    cost: int


class NajvaAnswer(msgspec.Struct):
    entries: list[NajvaEntry]


class StatusEntry(msgspec.Struct):
    messageid: int
    status: int


class StatusAnswer(msgspec.Struct):
    entries: list[StatusEntry]


class SepahanValue(msgspec.Struct):
    ids: list[int]


class SepahanAnswer(msgspec.Struct):
    isSuccess: bool
    value: SepahanValue


class IPPanelData(msgspec.Struct):
    message_outbox_ids: list[int]


class IPPanelAnswer(msgspec.Struct):
    data: IPPanelData


encode = msgspec.json.Encoder().encode
najva_answer = msgspec.json.Decoder(NajvaAnswer).decode
status_answer = msgspec.json.Decoder(StatusAnswer).decode
sepahan_answer = msgspec.json.Decoder(SepahanAnswer).decode
ippanel_answer = msgspec.json.Decoder(IPPanelAnswer).decode


@asynccontextmanager
async def session(connections: int = CONNECTIONS) -> AsyncIterator[aiohttp.ClientSession]:
    headers = {"Authorization": "token", "Content-Type": "application/json"}
    connector = aiohttp.TCPConnector(limit=connections)
    async with aiohttp.ClientSession(headers=headers, connector=connector) as opened:
        yield opened


async def each(count: int, work: Callable[[int], Awaitable[None]], at_once: int = AT_ONCE) -> None:
    numbers = iter(range(count))

    async def worker() -> None:
        for number in numbers:
            await work(number)

    await asyncio.gather(*(worker() for _ in range(min(at_once, count))))


async def najva_bulk(url: str, to: list[str], text: str) -> int:
    size = 10_000
    ids: list[int] = [0] * len(to)
    async with session() as http:

        async def send(number: int) -> None:
            piece = slice(number * size, (number + 1) * size)
            body = encode({"message": text, "sender": "90000123", "receivers": to[piece]})
            async with http.post(f"{url}/v2/sms/send", data=body) as response:
                entries = najva_answer(await response.read()).entries
            ids[piece] = [entry.messageid for entry in entries]

        await each(len(to) // size, send)
    return len(ids) - ids.count(0)


async def sepahan_bulk(url: str, to: list[str], text: str) -> int:
    size = 100
    ids: list[int] = [0] * len(to)
    async with session() as http:

        async def send(number: int) -> None:
            piece = slice(number * size, (number + 1) * size)
            body = encode({"senderNumbers": ["50003300"], "reciverNumbers": to[piece], "smsTexts": [text]})
            headers = {"requestId": f"campaign-{number}"}
            async with http.post(f"{url}/api/Sms/Send", data=body, headers=headers) as response:
                ids[piece] = sepahan_answer(await response.read()).value.ids

        await each(len(to) // size, send)
    return len(ids) - ids.count(0)


async def one_code(http: aiohttp.ClientSession, url: str, to: str, text: str) -> int:
    body = encode(
        {"sending_type": "webservice", "from_number": "+983000505", "message": text, "params": {"recipients": [to]}}
    )
    async with http.post(f"{url}/api/send", data=body) as response:
        return ippanel_answer(await response.read()).data.message_outbox_ids[0]


async def codes_one_by_one(url: str, to: list[str], text: str) -> int:
    async with session() as http:
        return sum([await one_code(http, url, number, text) > 0 for number in to])


async def codes_at_once(url: str, to: list[str], text: str, connections: int = CONNECTIONS) -> int:
    async with session(connections) as http:
        return sum(id_ > 0 for id_ in await asyncio.gather(*(one_code(http, url, number, text) for number in to)))


async def codes_on_new_connections(url: str, to: list[str], text: str) -> int:
    return await codes_at_once(url, to, text, MANY_CONNECTIONS)


async def najva_status(url: str, ids: list[int], _: str) -> int:
    size = 1_000
    codes = [0] * len(ids)
    async with session() as http:

        async def ask(number: int) -> None:
            piece = slice(number * size, (number + 1) * size)
            async with http.post(f"{url}/v2/sms/status", data=encode({"messageids": ids[piece]})) as response:
                codes[piece] = [entry.status for entry in status_answer(await response.read()).entries]

        await each(len(ids) // size, ask)
    return codes.count(10)
