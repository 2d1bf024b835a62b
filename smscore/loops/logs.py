"""Loggers of what may run behind a blocking client: the thread that waits for the call handles their records.

That thread may be in the middle of a logging handler, where a signal handler has interrupted it or the handler itself
sends, and so hold the handler's lock. The event loop behind the call would wait for that lock for ever.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextvars import ContextVar
from functools import partial
from typing import Final

run_in_caller: Final[ContextVar[Callable[[Callable[[], object]], None] | None]] = ContextVar(
    "run_in_caller", default=None
)
"""Runs a function in the thread that waits for this call, without waiting; None in the caller's own event loop."""


def logger_for_callers(name: str) -> logging.Logger:
    """The logger of this name; what it logs for a thread that waits is handled there.

    A handler or filter that raises is told of as one of logging's own is: what became of a send must not be lost by it.
    """
    logger = logging.getLogger(name)
    # A filter could hand records on too, but not keep what handlers raise, and others beside it would run twice.
    logger.handle = partial(_handle, _told_if_it_raises(logger.handle))  # type: ignore[method-assign]
    return logger


def _handle(handle: Callable[[logging.LogRecord], None], record: logging.LogRecord) -> None:
    put = run_in_caller.get()
    if put is None:
        handle(record)
    else:
        put(partial(handle, record))


def _told_if_it_raises(handle: Callable[[logging.LogRecord], None]) -> Callable[[logging.LogRecord], None]:
    def handle_and_tell(record: logging.LogRecord) -> None:
        try:
            handle(record)
        except Exception:
            _REPORTER.handleError(record)

    return handle_and_tell


_REPORTER: Final = logging.Handler()  # it prints, unless logging.raiseExceptions is off

logger_for_callers("asyncio")  # tells of each connection in its debug mode
