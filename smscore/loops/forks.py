"""Objects that a forked child must never close, since its parent still uses them."""

from __future__ import annotations

import ctypes
import os
from typing import Any, Final
from weakref import ref

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


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_keep)
