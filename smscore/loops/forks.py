"""What a fork must not break: a child closes nothing that its parent uses, and finds no import half done."""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from typing import Any, Final
from weakref import ref

from smscore import clock

_shared: Final[set[ref[Any]]] = set()  # not a WeakSet: a signal handler that adds one would break its iteration


def keep_alive_after_fork(thing: object) -> None:
    """Keep an object alive for ever in forked children, also while they exit.

    A child shares the parent's sockets and their epoll: freeing a connection there takes the parent's away.
    """
    _shared.add(ref(thing, _shared.discard))


def _keep() -> None:
    for one in _shared.copy():
        thing = one()
        if thing is not None:
            # Leak a reference on purpose: the interpreter clears every other one at exit.
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(thing))
    _shared.clear()


MAKING: Final = threading.RLock()
"""Held while something is made that no forked child may find half done. Reentrant: a signal handler may send, or fork.

A fork takes it too, so that a child never finds it held by a thread that it has not.
"""


_IMPORTED_LATE: Final = frozenset({"aiohttp", "anyio", "cattrs", "persiantools", "smscore", "uvloop"})
_PATIENCE: Final = 5.0  # seconds
_INTERVAL: Final = 0.005  # seconds


def _wait_for_imports() -> None:
    # A thread that imports holds the lock of that module. In a child there is no such thread, and whoever imports the
    # module there would wait for ever.
    until = clock.monotonic() + _PATIENCE
    while _is_anything_half_imported() and clock.monotonic() < until:
        threading.Event().wait(_INTERVAL)


def _is_anything_half_imported() -> bool:
    return any(
        getattr(getattr(module, "__spec__", None), "_initializing", False)
        for name, module in sys.modules.copy().items()
        if name.partition(".")[0] in _IMPORTED_LATE
    )


if hasattr(os, "register_at_fork"):
    # Of these the last that is registered runs first: imports end without the lock, which they may need.
    os.register_at_fork(before=MAKING.acquire, after_in_parent=MAKING.release, after_in_child=MAKING.release)
    os.register_at_fork(before=_wait_for_imports, after_in_child=_keep)
