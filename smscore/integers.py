"""Whole numbers in every type that callers have: Python's, numpy's, and whatever else is exactly one."""

from __future__ import annotations

import operator
from decimal import Decimal
from typing import Any, Final

_MAX_DIGITS: Final = 20  # of a Decimal: more than any phone number or id has


def as_int(value: object) -> int | None:
    """A whole number as an ``int``, numpy's among them; None for a bool, a float, a text and anything else."""
    if type(value) is int:
        return value
    if isinstance(value, bool):
        return None
    given: Any = value
    try:
        return int(operator.index(given))
    except TypeError:
        return None


def as_whole(value: object) -> int | None:
    """A whole number as an ``int``, also where a spreadsheet or a database gives it as a ``float`` or a ``Decimal``.

    Other floats have fewer bits: ``np.float32(9123456789)`` is whole, and another person's number.
    """
    number: Any = value
    if issubclass(type(value), float):
        return int(number) if number.is_integer() else None
    return _of_decimal(number) if issubclass(type(value), Decimal) else as_int(value)


def _of_decimal(value: Decimal) -> int | None:
    if not value.is_finite() or value.adjusted() >= _MAX_DIGITS:
        return None
    return int(value) if value == value.to_integral_value() else None
