"""A variable of the environment, as a client reads several at each call."""

from __future__ import annotations

import os
from typing import Final

_KIND: Final = type(os.environ)


def read_variable(name: str) -> str | None:
    """A variable's value now, or None.

    ``os.environ.get`` would raise two exceptions inside where there is none: 8,000 instructions, in place of 3,000.
    """
    variables = os.environ
    # CPython's own dictionary behind it, in which keys are as the system takes them.
    encoded = getattr(variables, "_data", None)
    if isinstance(encoded, dict) and type(variables) is _KIND and variables.encodekey(name) not in encoded:
        return None
    return variables.get(name)
