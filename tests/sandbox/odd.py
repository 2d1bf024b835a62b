"""Bodies in which anything stands where a document says what belongs: made of right ones, at every depth."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

SAMPLES = Path(__file__).parents[1] / "samples"

Place = tuple[str | int, ...]

# What the samples leave out of what the documents have.
REST_OF_DOCUMENTS: dict[tuple[str, str], list[Any]] = {
    ("ippanel", "/api/report/new_list"): [{"filters": {"from_exit_count": 0, "to_exit_count": 10**6}}],
    ("ippanel", "/api/acl/auth/check_token"): [{}],
    ("sepahan", "/api/Sms/Send"): [{"senderNumbers": "5", "reciverNumbers": ["09123456789"], "smsTexts": "a"}],
    ("sepahan", "/api/Sms/SendP2P"): [{"senderNumbers": ["5"], "reciverNumbers": ["09123456789"], "smsTexts": ["a"]}],
    ("najva", "/v2/sms/send"): [{"message": "a", "sender": "5", "receptor": ["09123456789"], "file_id": "a"}],
}

EMPTY: list[Any] = [None, "", [], {}, [[]], [{}], [None], [""], {"": {}}, {"a": []}, {"a": None}, False, 0]
NUMBERS: list[Any] = [True, 1, -1, 0.5, -0.0, 1e308, 2**31, 2**53 + 1, 2**63, 2**64, -(2**63) - 1, 10**30, 10**400]
TEXTS: list[Any] = [
    *(" ", "\x00", "\ud800", "\udfff\ud800", "a", "سلام", "\u200f", "\u2028", "🙂" * 50, "%00", "'\"<>&", "x" * 5000),
    *("0", "-1", "1.5", "1e5", "0x10", "1_000", " 1", "1\n", "²", "①", "۱۲", "９", "9" * 18, "9" * 19, "9" * 5000),
    *("9999-12-31 23:59:59", "0000-00-00 00:00:00", "1404/13/40", "+98BANK", "09990000005", "NaN", "null", "[]", "{}"),
]
NESTED: list[Any] = [[["a"]], {"a": {"a": 1}}, [1, "a", None, [], {}], [[0] * 200], json.loads("[" * 60 + "]" * 60)]
ODD: list[Any] = [*EMPTY, *NUMBERS, *TEXTS, *NESTED]


def right_bodies() -> list[tuple[str, str, Any]]:
    """Every right body that the documents give, with its provider and path."""
    found = []
    for file in sorted(SAMPLES.glob("*/*.json")):
        request = json.loads(file.read_text("utf-8"))["request"]
        if request and request["method"] == "POST" and request["path"] and request["body"] is not None:
            found.append((file.parent.name, request["path"], request["body"]))
    found += [(*where, body) for where, bodies in REST_OF_DOCUMENTS.items() for body in bodies]
    return [one for index, one in enumerate(found) if one not in found[:index]]


def places(body: Any) -> Iterator[Place]:
    """Every place in a body, itself first; of a list, its first item's."""
    yield ()
    inner = body.items() if isinstance(body, dict) else enumerate(body[:1]) if isinstance(body, list) else ()
    for key, value in inner:
        yield from ((key, *rest) for rest in places(value))


def put(body: Any, place: Place, value: Any) -> Any:
    """The body with a value at a place."""
    if not place:
        return copy.deepcopy(value)
    changed = copy.deepcopy(body)
    holder = changed
    for key in place[:-1]:
        holder = holder[key]
    holder[place[-1]] = copy.deepcopy(value)
    return changed


def put_all(body: Any, changes: list[tuple[Place, Any]]) -> Any:
    """The body with each of the changes that still has its place; the deepest first, so that most have."""
    for place, value in sorted(changes, key=lambda change: -len(change[0])):
        body = put(body, place, value)
    return body


def keys_of(body: Any) -> set[str]:
    """Every key that a body has, at any depth."""
    inner = body.values() if isinstance(body, dict) else body if isinstance(body, list) else ()
    return set(body if isinstance(body, dict) else ()).union(*map(keys_of, inner))


def anything(keys: list[str]) -> st.SearchStrategy[Any]:
    """Any JSON, its objects with these keys or with others."""
    leaves = st.sampled_from(ODD) | st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
    names = st.sampled_from(keys) | st.text(max_size=3)
    return st.recursive(
        leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4), max_leaves=10
    )


@st.composite
def changed(draw: st.DrawFn, body: Any, keys: list[str]) -> Any:
    """A right body with up to four changes: anything at a place that it has, or a known key where it has none."""
    values = anything(keys)
    known = [*places(body)]
    objects = [place for place in known if isinstance(at(body, place), dict)]
    changes = draw(st.lists(st.tuples(st.sampled_from(known), values), min_size=1, max_size=4))
    if objects:
        for place in draw(st.lists(st.sampled_from(objects), max_size=2)):
            changes.append(((*place, draw(st.sampled_from(keys))), draw(values)))
    return put_all(body, changes)


def at(body: Any, place: Place) -> Any:
    """What stands at a place."""
    for key in place:
        body = body[key]
    return body
