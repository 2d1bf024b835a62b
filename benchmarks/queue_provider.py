"""A provider that answers after a while, from a process of its own: ``python queue_provider.py SECONDS``.

It answers at once to any number of requests, sleeps and computes nothing meanwhile, and gives each message an id of
its own. The first part of a path says how many recipients a request has, as with ``server.py``.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
from functools import cache

from server import Connection, najva_send, sepahan_send

IDS = 6  # digits of an id that tell one answer from another; the other four are the place in the answer
SEND = {"/v2/sms/send": najva_send, "/api/Sms/Send": sepahan_send}
_number = itertools.count(10 ** (IDS - 1))


@cache
def template(path: str) -> tuple[bytes, ...]:
    """An answer, cut where its number belongs."""
    _, count, rest = path.split("/", 2)
    body = json.dumps(SEND["/" + rest](int(count), first_id=7777770000), ensure_ascii=False).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return (head.encode(), *body.split(b"777777"))


class SlowConnection(Connection):
    """Answers each request after the provider's time."""

    def respond(self) -> None:
        asyncio.get_running_loop().call_later(float(sys.argv[1]), self.write, self.path)

    def write(self, path: str) -> None:
        head, *pieces = template(path)
        self.transport.write(head + (b"%d" % next(_number)).join(pieces))


async def main() -> None:
    server = await asyncio.get_running_loop().create_server(SlowConnection, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
