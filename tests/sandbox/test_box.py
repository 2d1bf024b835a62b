"""The sandbox in Python: waiting for a message, and starting anew."""

import asyncio
import socket
import threading
import time
from contextlib import suppress
from typing import Any

import numpy as np
import phonenumbers
import pytest
from sandbox.bodies import E164, NUMBER, najva_send
from yarl import URL

from sepahan_sms import Sepahan
from smscore import RetryPolicy, ServerError
from smscore.sandbox import Sandbox


@pytest.fixture
def threaded() -> Any:
    with Sandbox() as box:
        yield box


def client(box: Sandbox) -> Sepahan:
    return Sepahan("token", sender="50003300", base_url=box.url("sepahan"))


def test_waiting_ends_with_a_message_from_another_thread(threaded: Sandbox) -> None:
    with client(threaded) as sepahan:
        later = threading.Timer(0.1, sepahan.send, (NUMBER, "سلام"))
        later.start()
        assert threaded.wait_for(NUMBER).recipient == E164
        later.join()


def test_the_last_message_that_is_there_is_given_at_once(threaded: Sandbox) -> None:
    with client(threaded) as sepahan:
        for text in ("the first", "the second"):
            sepahan.send(NUMBER, text)
    assert threaded.wait_for("912 345 6789", timeout=0).text == "the second"
    assert threaded.wait_for(NUMBER, text="FIRST", timeout=0).text == "the first"


OBJECTS = [
    phonenumbers.parse("+989123456789"),
    np.int64(9123456789),
    9123456789.0,
    "tel:+98-912-345-6789",
    "+98 (0) 912 345 6789",
]


@pytest.mark.parametrize("number", OBJECTS, ids=lambda number: type(number).__name__)
def test_a_number_is_asked_for_in_every_form_that_clients_take(threaded: Sandbox, number: Any) -> None:
    with client(threaded) as sepahan:
        sepahan.send(number, "کد: ۴۸۲۱")
        assert threaded.wait_for(number, timeout=0).recipient == E164
        assert threaded.last_code(number) == "4821"
        threaded.feed("sepahan", sender=number, number="50003300", text="لغو")
        assert sepahan.receive()[0].text == "لغو"
        threaded.fail("server_error", number=number)
        with pytest.raises(ServerError):
            sepahan.with_options(retry=RetryPolicy.none()).send(NUMBER, "سلام")


def test_waiting_in_vain_is_a_timeout(threaded: Sandbox) -> None:
    start = time.perf_counter()
    with pytest.raises(TimeoutError, match="No such message"):
        threaded.wait_for(NUMBER, timeout=0.1)
    assert 0.1 <= time.perf_counter() - start < 4  # where it waited 5 seconds without being told


async def test_waiting_without_blocking_the_loop(box: Sandbox, najva: Any) -> None:
    waiting = asyncio.create_task(box.wait_for_async(NUMBER))
    await asyncio.sleep(0.02)
    await najva(*najva_send())
    assert (await waiting).provider == "najva"
    with pytest.raises(TimeoutError, match="No such message"):
        await box.wait_for_async("09120000009", timeout=0.05)


async def test_waiting_that_would_block_its_own_server_is_refused(box: Sandbox) -> None:
    with pytest.raises(RuntimeError, match="wait_for_async"):
        box.wait_for(NUMBER)


def test_the_environment_is_what_a_client_reads(threaded: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(threaded.environment) == 9
    for name, value in threaded.environment.items():
        monkeypatch.setenv(name, value)
    with Sepahan() as sepahan:
        assert sepahan.send(NUMBER, "سلام").ok


async def test_a_reset_leaves_nothing_but_the_ids(box: Sandbox, najva: Any, rest: Any) -> None:
    await najva(*najva_send())
    [first] = box.messages
    box.fail("refuse", code=418)
    box.set_webhook("http://127.0.0.1:1/")
    box.advance(100)
    box.reset()
    assert (box.messages, await rest.get("/api/faults")) == ([], [])
    assert (await rest.get("/api/webhook"))["url"] is None
    assert (await rest.get("/api/clock"))["ahead"] == 0
    await najva(*najva_send())
    assert box.messages[0].message_id == first.message_id + 1


@pytest.mark.parametrize("turns", range(6))
def test_a_connection_taken_as_the_sandbox_stops_is_closed_too(turns: int) -> None:
    async def connect_and_stop() -> socket.socket:
        async with Sandbox() as box:
            port = URL(box.url("sepahan")).port
            assert port is not None
            connection = socket.create_connection(("127.0.0.1", port))
            for _ in range(turns):
                await asyncio.sleep(0)
        return connection

    with asyncio.run(connect_and_stop()) as connection:
        connection.settimeout(5)
        with suppress(ConnectionResetError):
            assert connection.recv(1) == b""
