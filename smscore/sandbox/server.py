"""The sandbox's server: the providers, its own REST interface, its events and its page."""

import asyncio
import logging
import traceback
from collections.abc import AsyncIterator
from typing import Final

from aiohttp import web

from smscore.sandbox import page_files
from smscore.sandbox.api import add_rest_routes, guarded
from smscore.sandbox.events import Stream
from smscore.sandbox.shell import Shell
from smscore.sandbox.state import State
from smscore.sandbox.store import StoreError
from smscore.sandbox.webhook import Reporter

__all__ = ["build_runner"]

# Room for 10,000 long Persian texts of their own, each character written as \uXXXX.
LARGEST_BODY: Final = 128 * 1024 * 1024
TICK: Final = 0.1  # seconds
SAVE: Final = 0.25  # seconds
GRACE: Final = 1.0  # seconds for requests in flight when the server stops


def build_runner(state: State, host: str) -> web.AppRunner:
    """A server for all emulations, each below ``/<its name>``, and for the sandbox's own; nothing listens yet."""
    app = web.Application(client_max_size=LARGEST_BODY)
    over = asyncio.Event()
    shell, stream = Shell(state, over), Stream(state)
    for emulation in state.emulations.values():
        shell.add_routes(app, emulation)
    app.router.add_get("/", guarded(page_files.index, host))
    app.router.add_get(r"/static/{name:[\w./-]+}", guarded(page_files.static, host))
    app.router.add_get("/events", guarded(stream.answer, host))
    add_rest_routes(app, state, host, over)

    async def end(_: web.Application) -> None:
        over.set()
        stream.end()

    app.on_shutdown.append(end)
    app.cleanup_ctx.append(lambda _: _ticking(state))
    return web.AppRunner(app, access_log=None, logger=_quiet_logger(), shutdown_timeout=GRACE)


async def _ticking(state: State) -> AsyncIterator[None]:
    """Let time pass, and reports be called, for as long as the server runs, whether anybody asks or not."""
    tasks = {asyncio.create_task(work(state)) for work in (_tick, _report, _save)}
    yield
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


async def _tick(state: State) -> None:
    while True:
        await asyncio.sleep(TICK)
        with state.lock:
            state.tick()


async def _save(state: State) -> None:
    while True:
        await asyncio.sleep(SAVE)
        try:
            await asyncio.to_thread(state.store.save, state)
        except StoreError as error:  # tried again, and raised where the sandbox ends
            logger.error("%s", error)  # noqa: TRY400 (its words say all)


async def _report(state: State) -> None:
    reporter = Reporter()
    try:
        while True:
            with state.lock:
                reports = state.webhook.next_ones()
            if reports:
                await reporter.call(state.webhook, reports, state.now())
            else:
                await asyncio.sleep(TICK)
    finally:
        await reporter.close()


logger: Final = logging.getLogger("smscore.sandbox")


def _quiet_logger() -> logging.Logger:
    if _without_secrets not in logger.filters:
        logger.addFilter(_without_secrets)
    return logger


def _without_secrets(record: logging.LogRecord) -> bool:
    """Reduce an exception in a log record to its type and place: its words can hold a header or a number."""
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, web.RequestPayloadError):
        return False  # met again after the answer that refused it
    if error is not None:
        places = [f"{frame.name}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)[-1:]]
        record.msg = f"{record.msg} ({type(error).__name__} in {''.join(places)})"
        record.exc_info = None
    return True
