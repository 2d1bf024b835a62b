"""httpx and pydantic, written the usual way."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import httpx
from pydantic import BaseModel

AT_ONCE = 8


class NajvaEntry(BaseModel):
    messageid: int
    message: str
    status: int
    statustext: str
    sender: str
    receptor: str
    date: int
    cost: int


class NajvaAnswer(BaseModel):
    entries: list[NajvaEntry]


class StatusEntry(BaseModel):
    messageid: int
    status: int
    statustext: str


class StatusAnswer(BaseModel):
    entries: list[StatusEntry]


class SepahanValue(BaseModel):
    ids: list[int]
    smsCount: int
    totalPrice: int


class SepahanAnswer(BaseModel):
    isSuccess: bool
    value: SepahanValue


class IPPanelData(BaseModel):
    message_outbox_ids: list[int]


class IPPanelMeta(BaseModel):
    status: bool
    message: str
    message_parameters: list[str]
    message_code: str


class IPPanelAnswer(BaseModel):
    data: IPPanelData
    meta: IPPanelMeta


class Result(BaseModel):
    recipient: str
    message_id: int


def session() -> httpx.AsyncClient:
    return httpx.AsyncClient(headers={"Authorization": "token"})


async def each(count: int, work: Callable[[int], Awaitable[None]]) -> None:
    room = asyncio.Semaphore(AT_ONCE)

    async def one(number: int) -> None:
        async with room:
            await work(number)

    await asyncio.gather(*(one(number) for number in range(count)))


async def najva_bulk(url: str, to: list[str], text: str) -> int:
    results: list[Result] = []
    async with session() as http:

        async def send(number: int) -> None:
            piece = to[number * 10_000 : (number + 1) * 10_000]
            body = {"message": text, "sender": "90000123", "receivers": piece}
            response = await http.post(f"{url}/v2/sms/send", json=body)
            response.raise_for_status()
            entries = NajvaAnswer.model_validate(response.json()).entries
            results.extend(Result(recipient=entry.receptor, message_id=entry.messageid) for entry in entries)

        await each(len(to) // 10_000, send)
    return len(results)


async def sepahan_bulk(url: str, to: list[str], text: str) -> int:
    results: list[Result] = []
    async with session() as http:

        async def send(number: int) -> None:
            piece = to[number * 100 : (number + 1) * 100]
            body = {"senderNumbers": ["50003300"], "reciverNumbers": piece, "smsTexts": [text]}
            response = await http.post(f"{url}/api/Sms/Send", json=body, headers={"requestId": f"campaign-{number}"})
            response.raise_for_status()
            ids = SepahanAnswer.model_validate(response.json()).value.ids
            results.extend(Result(recipient=to_, message_id=id_) for to_, id_ in zip(piece, ids, strict=True))

        await each(len(to) // 100, send)
    return len(results)


async def one_code(http: httpx.AsyncClient, url: str, to: str, text: str) -> int:
    body = {"sending_type": "webservice", "from_number": "+983000505", "message": text, "params": {"recipients": [to]}}
    response = await http.post(f"{url}/api/send", json=body)
    response.raise_for_status()
    return IPPanelAnswer.model_validate(response.json()).data.message_outbox_ids[0]


async def codes_one_by_one(url: str, to: list[str], text: str) -> int:
    async with session() as http:
        return sum([await one_code(http, url, number, text) > 0 for number in to])


async def codes_at_once(url: str, to: list[str], text: str) -> int:
    async with session() as http:
        return sum(id_ > 0 for id_ in await asyncio.gather(*(one_code(http, url, number, text) for number in to)))


async def najva_status(url: str, ids: list[int], _: str) -> int:
    codes: list[int] = []
    async with session() as http:

        async def ask(number: int) -> None:
            piece = ids[number * 1_000 : (number + 1) * 1_000]
            response = await http.post(f"{url}/v2/sms/status", json={"messageids": piece})
            response.raise_for_status()
            codes.extend(entry.status for entry in StatusAnswer.model_validate(response.json()).entries)

        await each(len(ids) // 1_000, ask)
    return codes.count(10)
