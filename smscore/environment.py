"""Environment variables, of which each call of a client reads several."""

from __future__ import annotations

import os
from typing import Final

_KIND: Final = type(os.environ)


def read_variable(name: str) -> str | None:
    """The variable's value now; None if it is not set.

    ``os.environ.get`` raises and catches two exceptions for one that is not set: 8,000 instructions in place of 3,000.
    """
    variables = os.environ
    # The dictionary inside CPython's os.environ, with encoded keys. A test may have put another mapping in its place.
    encoded = getattr(variables, "_data", None)
    if isinstance(encoded, dict) and type(variables) is _KIND and variables.encodekey(name) not in encoded:
        return None
    return variables.get(name)
