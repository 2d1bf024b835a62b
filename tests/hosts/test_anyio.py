"""Clients inside anyio's task groups, cancel scopes and threads, as the users of FastAPI and Starlette run them."""

from __future__ import annotations

import asyncio
import io
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any

import anyio
import anyio.lowlevel
import anyio.to_thread
import faultserver as fs
import pytest
from faultserver import FaultServer
from recipients import numbers

from ippanel_sms import AsyncIPPanel
from najva_sms import AsyncNajva
from sepahan_sms import AsyncSepahan, Sepahan
from smscore import ClientClosed, Outcome, SendReport
from smscore.sandbox import Sandbox

TEXT = "سلام"
AT_ONCE = 16  # files that are read at once
ASYNC_CLIENTS = {"sepahan": AsyncSepahan, "ippanel": AsyncIPPanel, "najva": AsyncNajva}


@pytest.fixture
async def box() -> AsyncIterator[Sandbox]:
    async with Sandbox() as running:
        yield running


async def until(condition: Callable[[], object]) -> None:
    with anyio.fail_after(60):
        while not condition():  # noqa: ASYNC110  # it comes from another thread
            await anyio.sleep(0.001)


@pytest.mark.parametrize("provider", ASYNC_CLIENTS)
async def test_sends_of_a_task_group_are_all_accepted(provider: str, box: Sandbox, new_client: Any) -> None:
    client = new_client(ASYNC_CLIENTS[provider], base_url=box.url(provider))
    reports: list[SendReport] = []

    async def send(number: str) -> None:
        reports.append(await client.send(number, TEXT))

    async with anyio.create_task_group() as group:
        for number in numbers(20):
            group.start_soon(send, number)
    assert [report.ok for report in reports] == [True] * 20
    assert len(box.messages) == 20


@pytest.mark.parametrize("count", [1, 250], ids=["one batch", "several batches"])
async def test_a_cancelled_scope_ends_a_send_at_once(count: int, new_client: Any) -> None:
    with FaultServer(fs.STALL) as server:
        client = new_client(AsyncSepahan, base_url=server.url, max_concurrency=2)
        went_on = False

        async def send() -> None:
            nonlocal went_on
            await client.send(numbers(count), TEXT)
            went_on = True

        with anyio.fail_after(60):
            async with anyio.create_task_group() as group:
                group.start_soon(send)
                await until(lambda: server.count() >= min(count, 2))
                group.cancel_scope.cancel()
        assert group.cancel_scope.cancelled_caught
        assert not went_on


async def test_fail_after_is_a_timeout_and_the_client_goes_on(new_client: Any) -> None:
    with FaultServer([fs.STALL]) as server:
        client = new_client(AsyncSepahan, base_url=server.url)
        with pytest.raises(TimeoutError):  # noqa: PT012  # the scope raises at its end
            with anyio.fail_after(60) as scope:
                async with anyio.create_task_group() as group:
                    group.start_soon(client.send, numbers(1), TEXT)
                    await until(server.count)
                    scope.deadline = anyio.current_time()
        assert (await client.send(numbers(1), TEXT)).ok


async def test_a_shielded_send_outlives_the_cancel_around_it(box: Sandbox, new_client: Any) -> None:
    client = new_client(AsyncSepahan, base_url=box.url("sepahan"))
    reports: list[SendReport] = []
    with anyio.CancelScope() as outer:
        outer.cancel()
        with anyio.CancelScope(shield=True):
            reports.append(await client.send(numbers(3), TEXT))
        await anyio.lowlevel.checkpoint()
    assert outer.cancelled_caught
    assert reports[0].ok


async def test_a_stream_in_a_cancelled_scope_leaves_the_client_usable(box: Sandbox, new_client: Any) -> None:
    client = new_client(AsyncSepahan, base_url=box.url("sepahan"))
    with anyio.CancelScope() as scope:
        async for report in client.send_stream(numbers(1_000), TEXT):
            assert report.ok
            scope.cancel()
    assert scope.cancelled_caught
    assert (await client.send("09123456789", TEXT)).ok


async def test_closing_in_a_task_group_is_an_error_with_a_report_and_no_cancel(new_client: Any) -> None:
    errors: list[BaseException] = []
    with FaultServer(fs.STALL) as server:
        client = new_client(AsyncSepahan, base_url=server.url)

        async def send() -> None:
            try:
                await client.send(numbers(3), TEXT)
            except BaseException as error:
                errors.append(error)

        async with anyio.create_task_group() as group:
            group.start_soon(send)
            await until(server.count)
            await client.aclose()
        (error,) = errors
        assert isinstance(error, Exception)
        assert [result.outcome for result in error.report] == [Outcome.UNKNOWN] * 3  # type: ignore[attr-defined]
        with pytest.raises(ClientClosed):
            await client.send(numbers(1), TEXT)


async def test_a_blocking_client_works_in_the_threads_of_anyio(box: Sandbox) -> None:
    client = Sepahan("a token", sender="50003300", base_url=box.url("sepahan"))

    async def send(number: str) -> None:
        await anyio.to_thread.run_sync(client.send, number, TEXT)

    async with anyio.create_task_group() as group:
        for number in numbers(5):
            group.start_soon(send, number)
    await anyio.to_thread.run_sync(client.close)
    assert len(box.messages) == 5


class _File(io.BytesIO):
    """A file whose content is read only after a release; it counts the reads that are under way at once."""

    lock = threading.Lock()

    def __init__(self, released: threading.Event, counts: dict[str, int]) -> None:
        super().__init__(b"x" * 1_000)
        self._released, self._counts = released, counts

    def read(self, size: int | None = -1, /) -> bytes:
        with self.lock:
            self._counts["now"] += 1
            self._counts["most"] = max(self._counts["most"], self._counts["now"])
        self._released.wait(60)
        with self.lock:
            self._counts["now"] -= 1
        return super().read(size)


async def test_many_uploads_at_once_read_a_limited_number_of_files_at_once(box: Sandbox, new_client: Any) -> None:
    client = new_client(AsyncNajva, base_url=box.url("najva"))
    released, counts = threading.Event(), {"now": 0, "most": 0}
    count = AT_ONCE + 10
    uploads = [asyncio.create_task(client.upload_file(_File(released, counts), filename="a.png")) for _ in range(count)]
    await until(lambda: counts["now"] >= AT_ONCE)
    for _ in range(2_000):
        await asyncio.sleep(0)
    released.set()
    assert len(set(await asyncio.gather(*uploads))) == count
    assert counts["most"] == AT_ONCE
