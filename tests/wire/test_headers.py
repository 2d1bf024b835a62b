"""What a request says besides its body: every header of every endpoint, and the names of files."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import aiohttp
import faultserver as fs
import pytest
from faultserver import FaultServer, Received

from ippanel_sms import AsyncIPPanel, CountrySegment, PostalCodeSegment, Slice
from najva_sms import AsyncNajva
from sepahan_sms import AsyncSepahan
from smscore import InvalidRequest, RetryPolicy, SMSError
from smscore.calls.bodies import escaped_filename
from smscore.wire.endpoint import Endpoint

NUMBER: Final = "09123456789"
TEXT: Final = "سلام"

ALWAYS: Final = {"host", "authorization", "accept", "accept-encoding", "user-agent"}
JSON: Final = ALWAYS | {"content-type", "content-length"}
EMPTY: Final = ALWAYS | {"content-length"}  # a POST without a body says so
KEYED: Final = JSON | {"requestid", "request-id"}

# provider: (client, sender, modules of its endpoints, {endpoint: (call, headers)})
PROVIDERS: Final[dict[str, tuple[type, str, list[str], dict[str, tuple[Callable[[Any], Any], set[str]]]]]] = {
    "sepahan": (
        AsyncSepahan,
        "50003300",
        ["sepahan_sms.wire"],
        {
            "send": (lambda c: c.send(NUMBER, TEXT), KEYED),
            "send_p2p": (lambda c: c.send_p2p([(NUMBER, TEXT)]), KEYED),
            "check_request_id": (lambda c: c.check_request_id("order-7"), ALWAYS),
            "status": (lambda c: c.status([1]), JSON),
            "old_status": (lambda c: c.old_status([1]), JSON),
            "credit": (lambda c: c.credit(), ALWAYS),
            "receive": (lambda c: c.receive(), JSON),
        },
    ),
    "ippanel": (
        AsyncIPPanel,
        "+983000505",
        ["ippanel_sms.wire", "ippanel_sms.wire_account", "ippanel_sms.wire_reports"],
        {
            "send": (lambda c: c.send(NUMBER, TEXT), JSON),
            "send_p2p": (lambda c: c.send_p2p([(NUMBER, TEXT)]), JSON),
            "send_pattern": (lambda c: c.send_pattern(NUMBER, "code", {"a": "1"}), JSON),
            "send_votp": (lambda c: c.send_votp(NUMBER, "1234"), JSON),
            "send_country": (lambda c: c.send_country(CountrySegment(912, 8, mci=Slice(0, 1)), TEXT), JSON),
            "send_postal_code": (lambda c: c.send_postal_code(PostalCodeSegment(131, mci=Slice(0, 1)), TEXT), JSON),
            "cancel": (lambda c: c.cancel(1), JSON),
            "price": (lambda c: c.price(TEXT), JSON),
            "credit": (lambda c: c.credit(), ALWAYS),
            "outbox": (lambda c: c.outbox(), JSON),
            "outbox_message": (lambda c: c.outbox_message(1), ALWAYS),
            "recipients": (lambda c: anext(c.recipients(1)), ALWAYS),
            "stats": (lambda c: c.stats(1), ALWAYS),
            "inbox": (lambda c: anext(c.inbox()), JSON),
            "provinces": (lambda c: c.provinces(), ALWAYS),
            "counties": (lambda c: c.counties(1), ALWAYS),
            "cities": (lambda c: c.cities(1), ALWAYS),
            "count": (lambda c: c.count(CountrySegment(912, 8, mci=Slice(0, 1))), ALWAYS),
            "lines": (lambda c: c.lines(), ALWAYS),
            "account": (lambda c: c.account(), EMPTY),
        },
    ),
    "najva": (
        AsyncNajva,
        "90000123",
        ["najva_sms.wire"],
        {
            "send": (lambda c: c.send(NUMBER, TEXT), JSON),
            "send_p2p": (lambda c: c.send_p2p([(NUMBER, TEXT)]), JSON),
            "send_pattern": (lambda c: c.send_pattern(NUMBER, "login", {"token": "1"}), ALWAYS - {"authorization"}),
            "upload_file": (lambda c: c.upload_file(b"x", filename="a.png"), JSON),
            "status": (lambda c: c.status([1]), JSON),
            "outbox": (lambda c: c.outbox(), ALWAYS),
        },
    ),
}
EACH: Final = [(provider, name) for provider, (_, _, _, calls) in PROVIDERS.items() for name in calls]


async def received(provider: str, name: str, **options: Any) -> Received:
    """The one request of this call, as the server got it."""
    kind, sender, _, calls = PROVIDERS[provider]
    with FaultServer(fs.says("400", fs.http(400, b""), takes=False)) as server:
        async with kind("token", sender=sender, base_url=server.url, retry=RetryPolicy.none(), **options) as client:
            with pytest.raises(SMSError):
                await calls[name][0](client)
        (request,) = server.requests
    return request


@pytest.mark.parametrize("provider", PROVIDERS)
def test_the_table_holds_every_endpoint(provider: str) -> None:
    _, _, modules, calls = PROVIDERS[provider]
    endpoints = [value for name in modules for value in vars(importlib.import_module(name)).values()]
    assert {endpoint.name for endpoint in endpoints if isinstance(endpoint, Endpoint)} == set(calls)


@pytest.mark.parametrize(("provider", "name"), EACH)
async def test_a_request_carries_these_headers_and_no_other(provider: str, name: str) -> None:
    assert set((await received(provider, name)).headers) == PROVIDERS[provider][3][name][1]


@pytest.mark.parametrize(("provider", "name"), EACH)
async def test_a_request_on_a_borrowed_session_carries_the_same(provider: str, name: str) -> None:
    async with aiohttp.ClientSession() as session:
        request = await received(provider, name, session=session)
    assert set(request.headers) == PROVIDERS[provider][3][name][1]


async def test_a_get_has_no_body_and_leaves_the_connection_to_the_next() -> None:
    with FaultServer() as server:
        async with AsyncSepahan("token", base_url=server.url) as client:
            assert [await client.credit(), await client.credit()] == [1000, 1000]
        assert [(request.method, request.body) for request in server.requests] == [("GET", b"")] * 2


# The names of files

NAMES: Final = {
    "my card.png": "my card.png",
    "کارت دعوت.png": "کارت دعوت.png",
    "کارت\u200cها.png": "کارت\u200cها.png",  # with a half-space
    "50% تخفیف.png": "50% تخفیف.png",
    'the "best".png': "the %22best%22.png",
    "back\\slash.png": "back\\slash.png",
    "a;b='c'.png": "a;b='c'.png",
    "👋.png": "👋.png",
}


async def uploaded(file: Any, **options: Any) -> bytes:
    """The body of an upload."""
    with FaultServer() as server:
        async with AsyncNajva("token", base_url=server.url) as client:
            assert await client.upload_file(file, **options) == "f-1"
        (request,) = server.requests
    assert request.headers["content-type"].startswith("multipart/form-data; boundary=")
    return request.body


def disposition(body: bytes) -> str:
    return body.decode().split("\r\n")[1]


@pytest.mark.parametrize(("name", "sent"), NAMES.items(), ids=range(len(NAMES)))
async def test_a_file_keeps_its_name_as_in_a_browser(name: str, sent: str) -> None:
    body = await uploaded(b"x", filename=name)
    assert disposition(body) == f'Content-Disposition: form-data; name="file"; filename="{sent}"'


async def test_a_path_gives_its_name(tmp_path: Path) -> None:
    (tmp_path / "کارت من.png").write_bytes(b"x")
    assert 'filename="کارت من.png"' in disposition(await uploaded(tmp_path / "کارت من.png"))


@pytest.mark.parametrize("mark", ["\r", "\n", "\0", "\x1b", "\x7f", "\x85", "\ud800"], ids=ascii)
async def test_a_name_with_a_control_character_is_refused(mark: str) -> None:
    async with AsyncNajva("token") as client:
        with pytest.raises(InvalidRequest, match="control characters"):
            await client.upload_file(b"x", filename=f"a{mark}b.png")


def test_what_would_end_the_name_is_escaped() -> None:
    assert escaped_filename('a"\r\nb.png') == "a%22%0D%0Ab.png"
