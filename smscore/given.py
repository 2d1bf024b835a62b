"""Arguments as callers give them, before they are checked: whether they are iterable, and their lazy texts.

Lazy texts are evaluated in the caller's thread, since the active language belongs to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, cast

import attrs

from smscore.messages import Message
from smscore.text import plain_text

_RESOLVED: Final = frozenset({str, int, float, bool, bytes, type(None), list, tuple})


def is_iterable(items: object) -> bool:
    """Whether the items are iterable; bytes, whose items are numbers, do not count."""
    # An array without a dimension has the method for it, which raises.
    return isinstance(items, Iterable) and not isinstance(items, (bytes, bytearray)) and not _is_scalar(items)


def _is_scalar(items: Any) -> bool:
    return getattr(items, "shape", None) == ()


def resolved(argument: Any) -> Any:
    """The argument with lazy texts, also in a mapping, evaluated now; anything else unchanged."""
    if type(argument) in _RESOLVED:
        return argument
    if isinstance(argument, Mapping):
        fields = cast("Mapping[object, Any]", argument)
        return {resolved(name): resolved(value) for name, value in fields.items()}
    text = plain_text(argument)
    return argument if text is None else text


def resolved_items(items: list[Any]) -> list[Any]:
    """Recipients, messages or other items, with their lazy texts evaluated."""
    if set(map(type, items)) <= {str, int}:
        return items
    return [item if _is_plain_pair(item) else _resolved_item(item) for item in items]


def _is_plain_pair(item: Any) -> bool:
    # A fast path: most messages are pairs of two str, and there may be a million.
    return isinstance(item, tuple) and [*map(type, cast("tuple[object, ...]", item))] == _PLAIN_PAIR


_PLAIN_PAIR: Final = [str, str]


def _resolved_item(item: Any) -> Any:
    if isinstance(item, Message):
        to, text = resolved(item.to), resolved(item.text)
        return item if to is item.to and text is item.text else attrs.evolve(item, to=to, text=text)
    if isinstance(item, (tuple, list)):
        return tuple(map(resolved, cast("list[Any]", item)))
    return resolved(item)
