"""Loggers for code that may run behind a blocking client: the thread that waits for the call handles their records.

That thread may hold a logging handler's lock: a signal handler may have interrupted it in there, or the handler
itself sends. The event loop behind the call would wait for that lock for ever. So what the loop logs of no call, or of
one that nobody waits for any more, is handled in a thread of its own.
"""

from __future__ import annotations

import _thread
import logging
from collections.abc import Callable
from contextvars import ContextVar
from functools import partial
from typing import Final

from smscore.loops.threads import in_background

run_in_caller: Final[ContextVar[Callable[[Callable[[], object]], None] | None]] = ContextVar(
    "run_in_caller", default=None
)
"""Runs a function in the thread that waits for this call, without waiting; None in the caller's own event loop.

It loses none: what comes when that thread waits no more is run at once, in the loop's thread.
"""

loop_threads: Final[set[int]] = set()
"""Of ours that run an event loop, by their identifiers: whoever waits for a call waits for them."""


def logger_for_callers(name: str) -> logging.Logger:
    """The logger of this name; what it logs for a thread that waits is handled there.

    An error of a handler or filter is reported as ``logging`` reports its own: it must not cost the outcome of a send.
    """
    logger = logging.getLogger(name)
    # A filter could hand records on too, but not keep what handlers raise, and others beside it would run twice.
    logger.handle = partial(_handle, _printing_errors(logger.handle))  # type: ignore[method-assign]
    return logger


def _handle(handle: Callable[[logging.LogRecord], None], record: logging.LogRecord) -> None:
    put = run_in_caller.get()
    if put is None:
        _handle_here(handle, record)
    else:
        put(partial(_handle_here, handle, record))


def _handle_here(handle: Callable[[logging.LogRecord], None], record: logging.LogRecord) -> None:
    if _thread.get_ident() in loop_threads:
        in_background(handle, record)
    else:
        handle(record)


def _printing_errors(handle: Callable[[logging.LogRecord], None]) -> Callable[[logging.LogRecord], None]:
    def handle_and_print(record: logging.LogRecord) -> None:
        try:
            handle(record)
        except Exception:
            _ERROR_PRINTER.handleError(record)

    return handle_and_print


_ERROR_PRINTER: Final = logging.Handler()  # as logging itself does, unless logging.raiseExceptions is off

logger_for_callers("asyncio")  # it logs each connection in debug mode
