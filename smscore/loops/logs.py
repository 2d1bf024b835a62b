"""Loggers of what may run behind a blocking client: the thread that waits for the call handles their records.

That thread may be in the middle of a logging handler, where a signal handler has interrupted it or the handler itself
sends, and so hold the handler's lock. The event loop behind the call would wait for that lock for ever.
"""

from __future__ import annotations

import logging
from contextvars import ContextVar
from functools import partial
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from smscore.loops.desk import Desk

callers_desk: Final[ContextVar[Desk | None]] = ContextVar("callers_desk", default=None)
"""Where the thread waits that this runs for; None in the caller's own event loop."""


def logger_for_callers(name: str) -> logging.Logger:
    """The logger of this name; what it logs for a thread that waits is handled there."""
    logger = logging.getLogger(name)
    logger.addFilter(partial(_is_handled_here, logger))
    return logger


def _is_handled_here(logger: logging.Logger, record: logging.LogRecord) -> bool:
    desk = callers_desk.get()
    if desk is not None:
        desk.put(partial(logger.handle, record))
    return desk is None


logger_for_callers("asyncio")  # tells of each connection in its debug mode
