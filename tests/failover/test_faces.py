"""Both faces of a failover: the same methods, parameters and words; and the blocking one from threads and streams."""

from __future__ import annotations

import asyncio
import inspect
import threading
import types
import typing
from collections.abc import AsyncIterable
from typing import Any, Final

import faultserver as fs
import pytest
from faultserver import FaultServer

from najva_sms import AsyncNajva, Najva
from sepahan_sms import AsyncSepahan, Sepahan
from smscore import Approved, AsyncFailover, ConfigurationError, Failover, InvalidRequest, Pattern, RetryPolicy
from smscore.protocols import (
    AsyncReportsDeliveries,
    AsyncSends,
    AsyncSendsP2P,
    AsyncSendsPatterns,
    ReportsDeliveries,
    Sends,
    SendsP2P,
    SendsPatterns,
)

TO: Final = [f"0912000{n:04}" for n in range(5)]
SENDING: Final = ["send", "send_p2p", "send_stream", "send_p2p_stream", "send_pattern"]
METHODS: Final = {*SENDING, "deliveries", "track", "wait_delivered", "tracker", "check"}


def public(kind: type) -> set[str]:
    return {name for name, _ in inspect.getmembers(kind, callable) if not name.startswith("_")}


def parameters(method: Any) -> list[tuple[str, Any, Any]]:
    return [(one.name, one.kind, one.default) for one in list(inspect.signature(method).parameters.values())[1:]]


def test_both_faces_have_the_same_methods() -> None:
    assert public(AsyncFailover) == METHODS | {"aclose"}
    assert public(Failover) == METHODS | {"close"}


@pytest.mark.parametrize("name", sorted(METHODS))
def test_both_faces_take_and_say_the_same(name: str) -> None:
    asynchronous, blocking = getattr(AsyncFailover, name), getattr(Failover, name)
    assert parameters(asynchronous) == parameters(blocking)
    assert inspect.getdoc(asynchronous)
    assert inspect.getdoc(asynchronous) == inspect.getdoc(blocking)


@pytest.mark.parametrize("name", SENDING)
def test_both_faces_take_the_same_types(name: str) -> None:
    asynchronous, blocking = (typing.get_type_hints(getattr(face, name)) for face in (AsyncFailover, Failover))
    taken = set(blocking) - {"return"}
    more = {kind for one in taken for kind in kinds(asynchronous[one]) - kinds(blocking[one])}
    assert [typing.get_origin(kind) for kind in more] == ([AsyncIterable] if "stream" in name else [])


def kinds(annotation: Any) -> set[Any]:
    """The members of a union, or the one type."""
    is_union = typing.get_origin(annotation) in (typing.Union, types.UnionType)
    return set(typing.get_args(annotation)) if is_union else {annotation}


def test_both_faces_are_made_alike() -> None:
    assert parameters(AsyncFailover.__init__) == parameters(Failover.__init__)
    assert AsyncFailover.__doc__
    assert Failover.__doc__
    assert not isinstance(inspect.getattr_static(AsyncFailover, "check"), staticmethod)
    assert not inspect.iscoroutinefunction(AsyncFailover.check)


def test_a_failover_declares_what_its_clients_can_do_of_what_it_passes_on() -> None:
    asynchronous, blocking = AsyncFailover(AsyncNajva("t"), AsyncSepahan("t")), Failover(Najva("t"), Sepahan("t"))
    for protocol in (AsyncSends, AsyncSendsP2P, AsyncReportsDeliveries):
        assert isinstance(asynchronous, protocol)
    for protocol in (Sends, SendsP2P, ReportsDeliveries):
        assert isinstance(blocking, protocol)
    assert not isinstance(asynchronous, AsyncSendsPatterns)  # it takes a Pattern, not a code
    assert not isinstance(blocking, SendsPatterns)


@pytest.mark.parametrize("clients", [(), (5,)])
def test_a_blocking_failover_is_made_of_blocking_clients(clients: tuple[Any, ...]) -> None:
    with pytest.raises(ConfigurationError, match="one or more"):
        Failover(*clients)
    with pytest.raises(ConfigurationError, match="one or more"):
        Failover(AsyncNajva("t"))  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="one or more"):
        AsyncFailover(Najva("t"))  # type: ignore[arg-type]


@pytest.fixture
def blocking() -> Any:
    """A failover whose first provider refuses every connection, and the second one's server."""
    with fs.refusing_port() as nowhere, FaultServer() as good:
        first = Najva("t", sender="90000123", base_url=nowhere.url, retry=RetryPolicy.none())
        with Failover(first, Sepahan("t", sender="50003300", base_url=good.url)) as failover:
            yield failover, good


def test_the_blocking_face_sends_as_the_async_one(blocking: Any) -> None:
    failover, good = blocking
    events: list[tuple[str, str, int]] = []

    def note(event: Any) -> None:
        events.append((event.state, event.provider, threading.get_ident()))

    report = failover.send(iter(TO), "سلام", on_batch=note)
    assert (report.ok, good.books.taken) == (True, 5)
    assert [(state, provider) for state, provider, _ in events] == [
        (state, provider) for provider in ("najva", "sepahan") for state in ("sending", "done")
    ]
    assert {thread for *_, thread in events} == {threading.get_ident()}  # the caller's own
    assert failover.send_p2p((number, "سلام") for number in TO).ok
    assert [report.ok for report in failover.send_stream(iter(TO), "سلام")] == [True]
    assert [report.ok for report in failover.send_p2p_stream((number, "سلام") for number in TO)] == [True]
    assert failover.send_pattern(TO[0], Pattern(sepahan="{code}"), {"code": 5}).ok
    assert [one.provider for one in failover.deliveries(report)] == ["sepahan"] * 5


def test_threads_share_a_blocking_failover_and_what_it_knows(blocking: Any) -> None:
    failover, good = blocking
    threads = [threading.Thread(target=failover.send, args=(number, "سلام")) for number in TO]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert good.books.taken == 5
    assert failover.send(TO[0], "سلام")[0].earlier == ()  # the first one rests by now


def test_a_blocking_failovers_repr_shows_its_clients(blocking: Any) -> None:
    assert repr(blocking[0]).startswith("Failover(Najva(base_url=")


async def test_a_cancel_is_passed_on_at_once_and_leaves_the_failover_usable() -> None:
    with FaultServer([fs.STALL]) as slow, FaultServer() as good:
        first = AsyncNajva("t", sender="90000123", base_url=slow.url, retry=RetryPolicy.none())
        async with AsyncFailover(first, AsyncSepahan("t", sender="5000", base_url=good.url)) as failover:
            task = asyncio.create_task(failover.send(TO, "سلام"))
            while not slow.begun:  # noqa: ASYNC110  # of another thread, which tells by its counts
                await asyncio.sleep(0.005)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert good.count() == 0
            assert (await failover.send(TO[0], "سلام"))[0].provider == "najva"


async def test_a_pattern_that_nobody_takes_is_refused_before_anything_leaves() -> None:
    with FaultServer() as server:
        najva = AsyncNajva("t", sender="90000123", base_url=server.url)
        async with AsyncFailover(najva, AsyncSepahan("t", sender="5000", base_url=server.url)) as failover:
            for pattern, params in [
                (Pattern(), {"code": 1}),
                (Pattern(nobody="{code}"), {"code": 1}),
                (Pattern(najva="{code}", sepahan="{pin}"), {"code": 1}),
                (Pattern(najva="{code}", sepahan=Approved("x")), {"code": 1}),  # it has no approved patterns
                (Pattern(najva="{code}"), {"code": 1.5}),
                (Pattern(najva=Approved("x"), sepahan="{code}"), {"code": 1}),  # it takes tokens alone
                ("{code}", {"code": 1}),
            ]:
                with pytest.raises(InvalidRequest):
                    await failover.send_pattern(TO[0], pattern, params)  # type: ignore[arg-type]
            with pytest.raises(InvalidRequest):
                await failover.send_pattern(TO, Pattern(najva="{code}"), {"code": 1})  # type: ignore[arg-type]
        assert server.count() == 0
