"""The sandbox as a whole: starting and stopping, what it remembers, what it never shows."""

import ast
import asyncio
import gzip
import http.client
import inspect
import json
import logging
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest

import ippanel_sms.sandbox
import najva_sms.sandbox
import sepahan_sms.sandbox
from smscore.sandbox import Call, Sandbox, SandboxMessage, Stage, emulation, server
from smscore.sandbox.memory import messages
from smscore.sandbox.memory.stages import AT_OPERATOR_FOR, QUEUED_FOR, STARTS, stage_of, steps_taken

NAJVA_SEND = {"message": "a secret text", "sender": "90000123", "receivers": ["09123456789"]}
SEPAHAN_SEND = {"senderNumbers": "90000123", "reciverNumbers": ["09123456789"], "smsTexts": "a secret text"}
PROVIDERS = ("sepahan", "ippanel", "najva")


def post(url: str, body: object, token: str = "Bearer token") -> tuple[int, Any]:
    """A blocking POST without a loop."""
    where = urlsplit(url)
    connection = http.client.HTTPConnection(where.hostname or "", where.port or 0, timeout=10)
    try:
        connection.request("POST", where.path, json.dumps(body).encode(), {"Authorization": token})
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


# Running


def test_with_serves_without_a_loop() -> None:
    with Sandbox() as box:
        assert post(box.url("najva") + "/v2/sms/send", NAJVA_SEND)[0] == 200
        assert [message.recipient for message in box.messages] == ["+989123456789"]


def serving() -> set[threading.Thread]:
    """The threads of all sandboxes: the tests' plugin has one for a whole run."""
    return {thread for thread in threading.enumerate() if thread.name == "payamak-sandbox"}


def test_its_thread_ends_with_the_block() -> None:
    others = serving()
    with Sandbox() as box:
        [thread] = serving() - others
        assert thread.daemon
    assert not thread.is_alive()
    with pytest.raises(RuntimeError, match="not running"):
        box.url("najva")


def test_what_it_remembers_outlives_the_block_and_a_second_one_goes_on() -> None:
    box = Sandbox()
    for count in (1, 2):
        with box:
            post(box.url("najva") + "/v2/sms/send", NAJVA_SEND)
        assert len(box.messages) == count
    assert len({message.message_id for message in box.messages}) == 2


async def test_async_with_serves_in_the_running_loop(session: aiohttp.ClientSession) -> None:
    others = serving()
    async with Sandbox() as box, session.post(box.url("ippanel") + "/api/send", json={}) as answer:
        assert answer.status == 401
        assert serving() <= others


async def test_it_stops_at_once_though_a_client_keeps_its_connection(
    session: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "GRACE", 60)
    async with Sandbox() as box:
        async with session.get(box.url("ippanel")) as answer:
            assert answer.status == 404
        start = time.perf_counter()
    assert time.perf_counter() - start < 30  # of the minute that requests in flight would have


async def test_a_client_that_reads_nothing_holds_up_the_stop_for_one_grace_period(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(server, "GRACE", 8.0)  # aiohttp waits twice for each handler
    async with Sandbox() as box:
        for _ in range(1000):
            box.feed("sepahan", sender="09123456789", number="50003300", text="م" * 10_000)
        where = urlsplit(box.url("sepahan"))
        reader, writer = await asyncio.open_connection(where.hostname, where.port, limit=1)
        writer.write(b"GET /api/messages?limit=1000 HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert await reader.readexactly(1) == b"H"  # the response has begun, and is far from its end
        start = time.perf_counter()
    assert time.perf_counter() - start < 15  # where two would take 16
    writer.close()


async def test_it_starts_once_and_may_be_stopped_twice() -> None:
    async with Sandbox() as box:
        with pytest.raises(RuntimeError, match="already running"):
            await box.start()
        with pytest.raises(RuntimeError, match="already running"):
            box.__enter__()
        await box.stop()
        await box.stop()


def test_leaving_a_block_never_entered_does_nothing() -> None:
    Sandbox().__exit__(None, None, None)


def test_a_taken_port_is_an_error_of_the_one_who_starts() -> None:
    others = serving()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(OSError, match="in use"), Sandbox(port=taken.getsockname()[1]):
            pass
    assert serving() <= others


async def test_a_given_port_is_used() -> None:
    async with Sandbox() as other:
        port = int(other.url("najva").split(":")[2].split("/")[0])
    async with Sandbox(port) as box:
        assert [box.url(provider) for provider in PROVIDERS] == [
            f"http://127.0.0.1:{port}/{provider}" for provider in PROVIDERS
        ]


@pytest.mark.parametrize(("host", "origin"), [("0.0.0.0", "http://127.0.0.1:"), ("localhost", "http://localhost:")])
async def test_the_url_is_one_that_a_client_can_reach(host: str, origin: str) -> None:
    async with Sandbox(host=host) as box:
        assert box.url("najva").startswith(origin)


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="no IPv6 on this machine")
async def test_an_ipv6_host_is_bracketed(session: aiohttp.ClientSession) -> None:
    async with Sandbox(host="::1") as box, session.get(box.url("najva")) as answer:
        assert box.url("najva").startswith("http://[::1]:")
        assert answer.status == 404


def test_a_script_that_never_leaves_its_block_still_ends() -> None:
    script = "from smscore.sandbox import Sandbox; box = Sandbox().__enter__(); print(box.url('najva'))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, timeout=20, check=True)
    assert done.stdout.startswith(b"http://127.0.0.1:")
    assert done.stderr == b""


async def test_its_providers_come_from_the_entry_points(box: Sandbox) -> None:
    with pytest.raises(ValueError, match=r"ippanel.*najva.*sepahan"):
        box.url("kavenegar")


# State


async def test_messages_of_all_providers_are_in_order(sepahan: Any, najva: Any, box: Sandbox) -> None:
    await najva("POST", "/v2/sms/send", NAJVA_SEND)
    await sepahan("POST", "/api/Sms/Send", SEPAHAN_SEND)
    assert [message.provider for message in box.messages] == ["najva", "sepahan"]


async def test_messages_are_as_they_were_when_read(najva: Any, box: Sandbox) -> None:
    await najva("POST", "/v2/sms/send", NAJVA_SEND)
    before = box.messages
    box.advance(5)
    assert (before[0].code, box.messages[0].code) == (1, 10)


@pytest.mark.parametrize(
    ("waited", "stage"),
    [
        (-0.1, Stage.SCHEDULED),
        (0, Stage.QUEUED),
        (QUEUED_FOR - 0.1, Stage.QUEUED),
        (QUEUED_FOR, Stage.SENT),
        (QUEUED_FOR + AT_OPERATOR_FOR, Stage.DELIVERED),
    ],
)
def test_a_stage_follows_from_the_time_waited(waited: float, stage: Stage) -> None:
    assert stage_of(1000.0, 1000.0 + waited) is stage


def test_a_step_is_taken_at_the_very_moment_it_is_due() -> None:
    starts = [1_760_000_000 + place / 997 for place in range(1000)]
    taken = [[steps_taken(start, start + seconds) for seconds in STARTS] for start in starts]
    assert taken == [[1, 2, 3]] * 1000


async def test_clear_forgets_all_but_the_ids(najva: Any, sepahan: Any, box: Sandbox) -> None:
    await najva("POST", "/v2/sms/send", NAJVA_SEND)
    box.feed("sepahan", sender="09126900023", number="50003300", text="a")
    [first] = box.messages
    box.clear()
    assert (box.messages, najva.credit) == ([], box.credit("najva", "another"))
    assert (await sepahan("POST", "/api/SmsReport/Receive", {})).body["value"] == []
    await najva("POST", "/v2/sms/send", NAJVA_SEND)
    assert box.messages[0].message_id > first.message_id


def test_an_account_opens_with_the_given_credit() -> None:
    assert Sandbox(credit=5).credit("sepahan", "token") == 5


@pytest.mark.parametrize("token", ["", " ", "Bearer token", " token"])
def test_a_token_that_no_header_could_carry_is_refused(token: str) -> None:
    with pytest.raises(ValueError, match="token"):
        Sandbox().credit("najva", token)


@pytest.mark.parametrize("seconds", [-1, float("inf"), float("nan"), 1e12])
def test_the_clock_only_goes_forward_within_the_calendar(seconds: float) -> None:
    box = Sandbox(clock=lambda: 1000.0)
    with pytest.raises(ValueError, match=r"forward|year"):
        box.advance(seconds)
    box.advance(5)


def test_settling_wants_a_known_code_and_message() -> None:
    box = Sandbox()
    with pytest.raises(ValueError, match="no status 99"):
        box.settle("sepahan", 1, 99)
    with pytest.raises(KeyError):
        box.settle("sepahan", 1, 5)


def test_what_comes_in_must_be_able_to_go_out() -> None:
    with pytest.raises(ValueError, match="surrogates"):
        Sandbox().feed("sepahan", sender="0912", number="5000", text="\ud800")


def test_many_threads_lose_neither_a_message_nor_a_rial() -> None:
    with Sandbox() as box:
        before, url = box.credit("najva", "token"), box.url("najva") + "/v2/sms/send"
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: (post(url, NAJVA_SEND)[0], len(box.messages)), range(200)))
        assert {status for status, _ in answers} == {200}
        assert len({message.message_id for message in box.messages}) == 200
        assert before - box.credit("najva", "token") == 200 * najva_sms.sandbox.PRICE


# What it shows


async def test_no_repr_shows_a_number_a_text_or_a_token(najva: Any, box: Sandbox) -> None:
    await najva("POST", "/v2/sms/send", NAJVA_SEND, authorization="Bearer very-secret")
    box.feed("sepahan", sender="09123456789", number="90000123", text="secret")
    memory = box._state
    account = memory.account("najva", "very-secret")
    shown = repr([box, box.messages, memory, memory.messages, memory.inbox, account])
    assert "…6789" in shown
    for hidden in ("9123456789", "90000123", "secret"):
        assert hidden not in shown


@pytest.mark.parametrize("number", ["", "1", "12", "123", "90000123", "+989123456789"])
def test_at_most_a_third_of_a_number_is_shown(number: str) -> None:
    shown = messages.last_digits(number).removeprefix("…")
    assert number.endswith(shown)
    assert len(shown) <= min(4, len(number) / 3)


async def exchange(box: Sandbox, request: bytes) -> bytes:
    where = urlsplit(box.url("najva"))
    reader, writer = await asyncio.open_connection(where.hostname, where.port)
    writer.write(request)
    await writer.drain()
    try:
        return await asyncio.wait_for(reader.read(100_000), 30)
    finally:
        writer.close()
        await writer.wait_closed()


HEAD = b"POST /najva/v2/sms/send HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer very-secret\r\n"
BROKEN_HTTP = [
    b"very-secret\r\n\r\n",
    HEAD + b"X: very-secret\x00\r\n\r\n",
    HEAD + b"Content-Length: very-secret\r\n\r\n",
    HEAD + b"Transfer-Encoding: chunked\r\n\r\nvery-secret\r\n",
]


@pytest.mark.parametrize("request_bytes", BROKEN_HTTP)
async def test_invalid_http_leaves_no_secret_and_no_traceback_in_the_log(
    box: Sandbox, caplog: pytest.LogCaptureFixture, request_bytes: bytes
) -> None:
    caplog.set_level(logging.DEBUG)
    assert b" 400 " in await exchange(box, request_bytes)
    assert "very-secret" not in caplog.text
    assert "Traceback" not in caplog.text


async def test_requests_are_not_logged(najva: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    await najva("POST", "/v2/sms/send", NAJVA_SEND)
    assert caplog.records == []


async def test_a_mistake_of_an_emulation_shows_as_500_with_its_place_alone(
    box: Sandbox,
    session: aiohttp.ClientSession,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(_: Call) -> Any:
        raise KeyError("very-secret")

    monkeypatch.setattr(najva_sms.sandbox.NajvaSandbox, "routes", (emulation.Route("POST", "/broken", broken),))
    async with (
        Sandbox() as other,
        session.post(other.url("najva") + "/broken", headers={"Authorization": "Bearer t"}) as answer,
    ):
        assert answer.status == 500
    assert "KeyError in broken:" in caplog.text
    assert "very-secret" not in caplog.text


# Bodies


async def test_a_body_in_a_broken_encoding_is_refused_in_the_envelope(najva: Any, sepahan: Any, ippanel: Any) -> None:
    headers = {"Content-Encoding": "gzip"}
    for api, path, status in (
        (najva, "/v2/sms/send", 400),
        (sepahan, "/api/Sms/Send", 401),
        (ippanel, "/api/send", 422),
        (najva, "/upload-file/bale", 400),
    ):
        assert (await api("POST", path, data=b"no gzip", headers=headers)).status == status


async def test_a_compressed_body_is_read(najva: Any) -> None:
    data = gzip.compress(json.dumps(NAJVA_SEND).encode())
    answer = await najva("POST", "/v2/sms/send", data=data, headers={"Content-Encoding": "gzip"})
    assert answer.status == 200


async def test_a_body_above_the_cap_is_refused_in_the_envelope(
    session: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "LARGEST_BODY", 1000)
    async with Sandbox() as box:
        url = box.url("najva") + "/v2/sms/send"
        async with session.post(url, data=b"x" * 1001, headers={"Authorization": "Bearer t"}) as answer:
            assert (await answer.json())["return"]["status"] == answer.status == 413


async def test_10_000_long_texts_fit(najva: Any) -> None:
    """Ten parts each, every character escaped: 40 MB of JSON."""
    messages = [{"message": "\\u0633" * 670, "receiver": f"0912{index:07}"} for index in range(10_000)]
    data = json.dumps({"messages": messages}).replace("\\\\u", "\\u").encode()
    assert len(data) > 40_000_000
    with pytest.warns(ResourceWarning, match="large body"):
        answer = await najva("POST", "/v2/sms/send-p2p", data=data)
    assert answer.body["entries"][0]["cost"] == 10 * najva_sms.sandbox.PRICE


async def test_a_client_that_hangs_up_leaves_no_trace(box: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    where = urlsplit(box.url("najva"))
    _, writer = await asyncio.open_connection(where.hostname, where.port)
    writer.write(HEAD + b"Content-Length: 100\r\n\r\n{")
    await writer.drain()
    await asyncio.sleep(0.05)
    writer.close()
    await writer.wait_closed()
    await asyncio.sleep(0.05)
    assert (box.messages, caplog.records) == ([], [])


# What it is made of

PROVIDER_MODULES = (sepahan_sms.sandbox, ippanel_sms.sandbox, najva_sms.sandbox)


def imported(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        if isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            yield from (f"smscore.{name.name}" for name in node.names) if module == "smscore" else (module,)


@pytest.mark.parametrize("module", PROVIDER_MODULES)
def test_an_emulation_shares_nothing_with_the_clients(module: ModuleType) -> None:
    path = Path(inspect.getfile(module))
    files = path.parent.glob("*.py") if path.stem == "__init__" else [path]  # a package, or one module
    names = {name for file in files for name in imported(file.read_text("utf-8"))}
    ours = {name for name in names if "sms" in name or name.startswith(".")}
    assert {name for name in ours if not f"{name}.".startswith(f"{module.__name__}.")} == {
        "smscore.sandbox",
        "smscore.DeliveryStatus",
        "smscore.count_parts",
    }


def test_the_shell_imports_no_provider_and_of_the_core_only_what_knows_no_wire() -> None:
    names = ("auth", "characters", "clock", "numbers", "private_files", "profile", "registry", "statuses", "text")
    names += ("loops.concurrency", "loops.forks", "loops.logs", "loops.threads")
    shared = {f"smscore.{name}" for name in names}
    for path in Path(inspect.getfile(server)).parent.rglob("*.py"):
        ours = {name for name in imported(path.read_text("utf-8")) if "sms" in name or name.startswith(".")}
        assert all(name.startswith("smscore.sandbox") for name in ours - shared)


def test_a_message_says_what_it_holds() -> None:
    names = [field.name for field in SandboxMessage.__attrs_attrs__]
    assert names == ["provider", "recipient", "sender", "text", "message_id", "code", "received_at"]
