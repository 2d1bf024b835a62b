"""Who is answered: this machine's programs and pages, and no page that a stranger's name server sends here."""

import asyncio
import json
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest

from smscore.sandbox import Sandbox
from smscore.sandbox.callers import Callers, host_names

# One of each kind of route, and what no route has.
PATHS = [
    "/",
    "/static/main.js",
    "/events",
    "/api/messages",
    "/api/nothing",
    "/openapi.json",
    "/nothing",
    "/sepahan",
    "/sepahan/api/SmsReport/credit",
    "/ippanel/api/send",
    "/najva/v2/sms/outbox?page=0&pageSize=1",
]

NEAR = [
    *("localhost", "localhost:8025", "LOCALHOST:8025", "localhost.", "localhost.:8025", "shop.localhost", "localhost:"),
    *("127.0.0.1", "127.0.0.1:8025", "127.9.9.9", "192.168.1.20:8025", "0.0.0.0:1"),
    *("[::1]", "[::1]:8025", "[0:0:0:0:0:0:0:1]", "[FE80::1]", "[::ffff:127.0.0.1]"),
]
FAR = [
    *(
        "",
        " ",
        "evil.example",
        "evil.example:8025",
        "EVIL.example.",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
    ),
    *("evil.local", "evil.internal", "evil.test", "xlocalhost", "localhost..", ".localhost", "..", "."),
    *("sandbox", "sandbox:8025", "2130706433", "0x7f000001", "127.1", "::1", "[::1", "[::1]x", "[evil.example]", "[]"),
    *("localhost@evil.example", "evil.example@localhost", "a:b@127.0.0.1", "localhost#evil", "localhost/evil"),
    *(
        "localhost:80:80",
        "localhost:http",
        "localhost evil.example",
        "localhost,evil.example",
        "lοcalhost",
        "%6cocalhost",
    ),
]


async def raw(box: Sandbox, request: str) -> tuple[int, bytes]:
    """The status and body of a request that is written as it stands."""
    where = urlsplit(box.url("najva"))
    reader, writer = await asyncio.open_connection(where.hostname, where.port)
    writer.write(request.encode("utf-8"))
    head = await reader.readuntil(b"\r\n\r\n")
    status, length = int(head.split()[1]), [line for line in head.split(b"\r\n") if line.startswith(b"Content-Length")]
    body = await reader.readexactly(int(length[0].split()[1])) if length else b""
    writer.close()
    await writer.wait_closed()
    return status, body


@pytest.mark.parametrize("host", NEAR)
def test_addresses_and_loopback_names_are_this_machines(host: str) -> None:
    assert Callers().answers_to(host)


@pytest.mark.parametrize("host", FAR)
def test_every_other_name_may_be_a_strangers(host: str) -> None:
    assert not Callers().answers_to(host)


@pytest.mark.parametrize("path", PATHS)
async def test_a_strangers_name_for_this_machine_is_refused_on_every_route(rest: Any, path: str) -> None:
    answer = await rest("GET", path, headers={"Host": "evil.example"})
    assert answer.status == 403
    assert "localhost" in answer.body["error"]
    assert "--allow-host" in answer.body["error"]


async def test_a_strangers_name_sends_nothing(box: Sandbox, session: aiohttp.ClientSession) -> None:
    body = {"message": "a", "sender": "90000123", "receivers": ["09123456789"]}
    headers = {"Authorization": "Bearer token", "Host": "evil.example"}
    async with session.post(box.url("najva") + "/v2/sms/send", json=body, headers=headers) as answer:
        assert answer.status == 403
    assert box.messages == []


@pytest.mark.parametrize("path", PATHS)
async def test_a_name_without_a_dot_is_refused_until_it_is_allowed(session: aiohttp.ClientSession, path: str) -> None:
    seen = {}
    for allowed in ([], ["SMS-Sandbox"]):
        async with Sandbox(allow_hosts=allowed) as box:
            origin = box.url("najva").removesuffix("/najva")
            async with session.get(origin + path, headers={"Host": "sms-sandbox:8025"}) as answer:
                seen[bool(allowed)] = answer.status == 403
    assert seen == {False: True, True: False}


@pytest.mark.parametrize("name", ["sms-sandbox", "SMS-SANDBOX.", "host.docker.internal", "a_b"])
def test_a_name_is_allowed_in_every_spelling(name: str) -> None:
    callers = Callers(host_names([name]))
    assert callers.answers_to(name.removesuffix("."))
    assert callers.answers_to(name.upper().removesuffix(".") + ".:8025")
    assert not callers.answers_to("x" + name)


@pytest.mark.parametrize(
    "name", ["", " ", "http://sandbox", "sandbox:8025", "sandbox/najva", "*", "a b", "a@b", ".", "-a"]
)
def test_an_invalid_host_name_cannot_be_allowed(name: str) -> None:
    with pytest.raises(ValueError, match="host name"):
        Sandbox(allow_hosts=[name])


def test_one_name_in_place_of_a_list_is_refused() -> None:
    with pytest.raises(TypeError, match="list"):
        Sandbox(allow_hosts="sandbox")


def test_the_name_that_it_listens_at_is_its_own() -> None:
    assert Sandbox(host="Sandbox")._callers.answers_to("sandbox:8025")


@pytest.mark.parametrize(
    "head",
    [
        "GET /api/clock HTTP/1.0\r\n",
        "GET /api/clock HTTP/1.1\r\nHost:\r\n",
        "GET /api/clock HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n",
        "GET /api/clock HTTP/1.1\r\nHost: evil.example\r\nHost: localhost\r\n",
        "GET http://evil.example/api/clock HTTP/1.1\r\nHost: localhost\r\n",
    ],
)
async def test_a_request_that_names_no_host_or_two_is_refused(box: Sandbox, head: str) -> None:
    status, body = await raw(box, head + "Connection: close\r\n\r\n")
    assert status in (400, 403)
    assert b'"ahead"' not in body


async def test_http_1_0_with_a_host_is_answered(box: Sandbox) -> None:
    status, body = await raw(box, "GET /api/clock HTTP/1.0\r\nHost: localhost\r\n\r\n")
    assert (status, set(json.loads(body))) == (200, {"now", "ahead"})


async def test_a_page_of_another_origin_sends_nothing(box: Sandbox, session: aiohttp.ClientSession) -> None:
    body = {"message": "a", "sender": "90000123", "receivers": ["09123456789"]}
    headers = {"Authorization": "Bearer token", "Origin": "http://evil.example"}
    async with session.post(box.url("najva") + "/v2/sms/send", json=body, headers=headers) as answer:
        assert answer.status == 403
        assert "origin" in (await answer.json())["error"]
    assert box.messages == []
