"""Payamak's async clients, as the README has them."""

from __future__ import annotations

import asyncio

from floor import AT_ONCE, CONNECTIONS, MANY_CONNECTIONS

from ippanel_sms import AsyncIPPanel
from najva_sms import AsyncNajva
from sepahan_sms import AsyncSepahan
from smscore import RetryPolicy, Timeouts

PATIENT = Timeouts(connect=600, read=600, total=600, idle=600)  # under valgrind, on a busy machine
DELIVERED = 10  # counted as the floor counts it: an enum's attribute costs more than reading the answer


async def najva_bulk(url: str, to: list[str], text: str) -> int:
    async with AsyncNajva("token", sender="90000123", base_url=url, max_concurrency=AT_ONCE) as client:
        return len((await client.send(to, text)).accepted)


async def najva_stream(url: str, to: list[str], text: str) -> int:
    async with AsyncNajva("token", sender="90000123", base_url=url, max_concurrency=AT_ONCE) as client:
        return sum([len(report.accepted) async for report in client.send_stream(to, text)])


async def najva_p2p(url: str, messages: list[tuple[str, str]], _: str) -> int:
    async with AsyncNajva("token", sender="90000123", base_url=url, max_concurrency=AT_ONCE) as client:
        return len((await client.send_p2p(messages)).accepted)


async def sepahan_bulk(url: str, to: list[str], text: str) -> int:
    async with AsyncSepahan("token", sender="50003300", base_url=url, max_concurrency=AT_ONCE) as client:
        return len((await client.send(to, text)).accepted)


def ippanel(url: str, connections: int = CONNECTIONS) -> AsyncIPPanel:
    return AsyncIPPanel(
        "token",
        sender="+983000505",
        base_url=url,
        retry=RetryPolicy.none(),
        timeout=PATIENT,
        max_connections=connections,
    )


async def codes_one_by_one(url: str, to: list[str], text: str) -> int:
    async with ippanel(url) as client:
        return sum([(await client.send(number, text)).ok for number in to])


async def codes_at_once(url: str, to: list[str], text: str, connections: int = CONNECTIONS) -> int:
    async with ippanel(url, connections) as client:
        return sum(report.ok for report in await asyncio.gather(*(client.send(number, text) for number in to)))


async def codes_on_new_connections(url: str, to: list[str], text: str) -> int:
    return await codes_at_once(url, to, text, MANY_CONNECTIONS)


async def najva_status(url: str, ids: list[int], _: str) -> int:
    async with AsyncNajva("token", base_url=url, max_concurrency=AT_ONCE) as client:
        return [one.code for one in await client.status(ids)].count(DELIVERED)
