"""Sends with gaps drawn around a server's idle limit."""

import asyncio
import random
import ssl

from idleserver import IdleServer, idle_server

from sepahan_sms import AsyncSepahan
from smscore import OutcomeUnknown, RetryPolicy

NUMBER = "09121234567"


async def send_with_gaps(
    server: IdleServer, count: int, tls: tuple[ssl.SSLContext, ssl.SSLContext] | tuple[None, None] = (None, None)
) -> tuple[int, int]:
    """How many of so many sends ended unknown, and how many connections they took."""
    draw = random.Random(7)
    unknown = 0
    async with (
        idle_server(server, tls[0]),
        AsyncSepahan("token", sender="5000", base_url=server.url, ssl=tls[1], retry=RetryPolicy.none()) as client,
    ):
        for _ in range(count):
            try:
                await client.send(NUMBER, "سلام")
            except OutcomeUnknown:
                unknown += 1
            await asyncio.sleep(max(0.0, draw.gauss(server.limit, server.limit / 10)))
    return unknown, server.connections
