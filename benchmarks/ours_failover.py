"""Payamak's clients behind a failover whose first provider works."""

from __future__ import annotations

from ours import AT_ONCE, ippanel

from najva_sms import AsyncNajva
from sepahan_sms import AsyncSepahan
from smscore import AsyncFailover


def sepahan(url: str) -> AsyncSepahan:
    return AsyncSepahan("token", sender="50003300", base_url=url)


async def codes_one_by_one(url: str, to: list[str], text: str) -> int:
    async with AsyncFailover(ippanel(url), sepahan(url)) as sms:
        return sum([(await sms.send(number, text)).ok for number in to])


async def najva_bulk(url: str, to: list[str], text: str) -> int:
    first = AsyncNajva("token", sender="90000123", base_url=url, max_concurrency=AT_ONCE)
    async with AsyncFailover(first, sepahan(url)) as sms:
        return len((await sms.send(to, text)).accepted)


async def najva_stream(url: str, to: list[str], text: str) -> int:
    first = AsyncNajva("token", sender="90000123", base_url=url, max_concurrency=AT_ONCE)
    async with AsyncFailover(first, sepahan(url)) as sms:
        return sum([len(report.accepted) async for report in sms.send_stream(to, text)])
