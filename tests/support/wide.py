"""Wide tables of parameters: one row of each kind runs on every Python, the others on the oldest alone."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import Any, TypeVar

import pytest

Row = TypeVar("Row")


def one_of_each(rows: Iterable[Row], kind: Callable[[Row], Hashable]) -> list[Any]:
    """The rows for ``parametrize``, where all but the first of each kind are ``exhaustive``."""
    seen: set[Hashable] = set()
    found = []
    for row in rows:
        values = row if isinstance(row, tuple) else (row,)
        found.append(pytest.param(*values, marks=pytest.mark.exhaustive if kind(row) in seen else ()))
        seen.add(kind(row))
    return found
