"""The sandbox's server: the providers, its own REST interface, its events and its page."""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Final, Self, cast

import anyio
from aiohttp import web

from smscore import clock
from smscore.loops.threads import in_thread
from smscore.sandbox import page_files
from smscore.sandbox.api.events import EventStream
from smscore.sandbox.api.serving import add_rest_routes, guarding
from smscore.sandbox.callers import Callers
from smscore.sandbox.memory.state import State
from smscore.sandbox.memory.store import StoreError
from smscore.sandbox.shell import Shell
from smscore.sandbox.webhook import Reporter

__all__ = ["Server"]

# Room for 10,000 long Persian texts, each different, with every character written as \uXXXX.
LARGEST_BODY: Final = 128 * 1024 * 1024
BACKLOG: Final = 128  # connections that wait to be accepted
ACCEPT_TURNS: Final = 3  # turns of the loop until an accepted connection is known to the server
TICK: Final = 0.1  # seconds
SAVE: Final = 0.25  # seconds
GRACE: Final = 1.0  # seconds that requests in flight have when the server stops


class Server:
    """The sandbox's server, from when it listens until it is stopped."""

    def __init__(self, runner: web.AppRunner, listening: asyncio.Server) -> None:
        self._runner = runner
        self._listening = listening

    @classmethod
    async def start(cls, state: State, host: str, port: int, callers: Callers) -> Self:
        """Serve every emulation below ``/<its name>``, and the sandbox's own pages.

        Raises:
            OSError: it cannot listen there.
        """
        runner = web.AppRunner(
            _build_app(state, callers),
            access_log=None,
            logger=_quiet_logger(),
            # aiohttp waits this long twice: for handlers to end, and again once it has told them that the client left.
            # A client that reads nothing keeps a handler through both.
            shutdown_timeout=GRACE / 2,
            auto_decompress=False,
        )
        try:
            await runner.setup()
            connection = cast("Callable[[], asyncio.Protocol]", runner.server)
            listening = await asyncio.get_running_loop().create_server(connection, host, port, backlog=BACKLOG)
        except BaseException:
            await runner.cleanup()
            raise
        return cls(runner, listening)

    @property
    def port(self) -> int:
        """The port that it listens on."""
        port: int = self._listening.sockets[0].getsockname()[1]
        return port

    async def stop(self) -> None:
        """Stop listening, and end once the requests in flight have ended or ``GRACE`` is over."""
        # A connection accepted in the same turn of the loop in which asyncio's server closes would never be closed.
        with suppress(NotImplementedError):  # Windows' loop accepts in another way
            for socket in self._listening.sockets:
                asyncio.get_running_loop().remove_reader(socket)
        for _ in range(ACCEPT_TURNS):
            await asyncio.sleep(0)
        self._listening.close()
        await self._runner.cleanup()


def _build_app(state: State, callers: Callers) -> web.Application:
    app = web.Application(middlewares=[guarding(callers)])
    over = asyncio.Event()
    shell, stream = Shell(state, over, LARGEST_BODY), EventStream(state)
    for emulation in state.emulations.values():
        shell.add_routes(app, emulation)
    app.router.add_get("/", page_files.index)
    app.router.add_get(r"/static/{name:[\w./-]+}", page_files.static)
    app.router.add_get("/events", stream.answer)
    add_rest_routes(app, state, over)

    async def end(_: web.Application) -> None:
        over.set()
        stream.end()

    app.on_shutdown.append(end)
    app.cleanup_ctx.append(lambda _: _running(state))
    return app


async def _running(state: State) -> AsyncIterator[None]:
    """Run the background work for as long as the server runs.

    The task group is in a task of its own: aiohttp may end this generator in another task than it started it in.
    """
    background = asyncio.create_task(_background(state))
    yield
    background.cancel()
    await asyncio.wait({background})


async def _background(state: State) -> None:
    """Let time pass, send reports and save, whether anybody asks for it or not."""
    async with anyio.create_task_group() as group:
        for work in (_tick, _report, _save):
            group.start_soon(work, state)


async def _tick(state: State) -> None:
    while True:
        await clock.sleep(TICK)
        with state.lock:
            state.tick()


async def _save(state: State) -> None:
    while True:
        await clock.sleep(SAVE)
        try:
            await in_thread(state.store.save, state)
        except StoreError as error:  # tried again, and raised at the end of the sandbox
            logger.error("%s", error)  # noqa: TRY400 (its text says all)


async def _report(state: State) -> None:
    reporter = Reporter()
    try:
        while True:
            with state.lock:
                reports = state.webhook.next_ones()
            if reports:
                await reporter.call(state.webhook, reports, state.now())
            else:
                await clock.sleep(TICK)
    finally:
        await reporter.close()


logger: Final = logging.getLogger("smscore.sandbox")


def _quiet_logger() -> logging.Logger:
    if _without_secrets not in logger.filters:
        logger.addFilter(_without_secrets)
    return logger


def _without_secrets(record: logging.LogRecord) -> bool:
    """Reduce an exception in a log record to its type and place: its text may quote a header or a number."""
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, web.RequestPayloadError):
        return False  # raised again after the response that refused the body
    if error is not None:
        places = [f"{frame.name}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)[-1:]]
        record.msg = f"{record.msg} ({type(error).__name__} in {''.join(places)})"
        record.exc_info = None
    return True
