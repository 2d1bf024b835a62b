"""Lists by pages: which page a body or a query asks for, and the answer with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from ippanel_sms.sandbox.envelope import Json, success
from ippanel_sms.sandbox.fields import Field, Fields, between, is_object, matching
from smscore.sandbox import Reply

__all__ = ["PAGED_QUERY", "page", "page_of", "paged_body"]

T = TypeVar("T")

is_page: Final = between(1, 10**9)
is_page_numeral: Final = matching("[1-9][0-9]{0,8}")

PAGED_QUERY: Final[Fields] = {name: Field(name, is_page_numeral, required=False) for name in ("page", "per_page")}
FILTERS: Final[Fields] = {"filters": Field("filters", is_object, required=False)}


def paged_body(size: str) -> Fields:
    """The fields of a body that asks for a page; ``size`` is what it calls the page's size."""
    return FILTERS | {name: Field(name, is_page, required=False) for name in ("page", size)}


def page_of(given: Json, size: str = "per_page") -> tuple[int, int]:
    """The page that a checked body or query asks for, and its size."""
    return int(str(given.get("page") or 1)), int(str(given.get(size) or 10))


def page(path: str, rows: Sequence[T], as_json: Callable[[T], Json], number: int, size: int) -> Reply:
    """One page of a list, the first being 1. A page past the end is empty."""
    start = (number - 1) * size
    found = rows[start : start + size]
    meta: Json = {
        "current_page": number,
        "from": start + 1 if found else None,
        "last_page": max(1, -(-len(rows) // size)),
        "path": path,
        "per_page": size,
        "to": start + len(found) if found else None,
        "total": len(rows),
    }
    return Reply(200, {"data": [as_json(row) for row in found], "meta": meta | success()})
