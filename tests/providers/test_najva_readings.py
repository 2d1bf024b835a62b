"""Najva's large answers are read fast when they are as documented; however they are written, they say the same."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from najva_sms import wire
from smscore import SMSError
from smscore.wire import Answer, Batch, Endpoint

NUMBERS = ["09121234561", "09121234562", "09121234563"]
TEXTS = ["یک", "دو"]


ODD: dict[str, list[Any]] = {
    "messageid": [0, -1, 101],
    "message": TEXTS,
    "status": [2, 4, 6, 14, 50, 101, -1],
    "sender": ["5000", "90000124", "", None],
    "receptor": [*NUMBERS, "+989121234561", 9121234562, "09350000000"],
    "date": [1706619710, 0, 1706619709000, None],
    "cost": [240, 1.5, None],
    "statustext": ["رسیده", "رسیده به گیرنده", "", None],
}


def taken(recipients: list[str], texts: list[str]) -> list[dict[str, Any]]:
    """The entries of the usual answer: everybody in order, and nothing said of one alone."""
    return [
        {
            "messageid": 101 + place,
            "message": text,
            "status": 1,
            "statustext": "",
            "sender": "90000123",
            "receptor": recipient,
            "date": 1706619709,
            "cost": 120,
        }
        for place, (recipient, text) in enumerate(zip(recipients, texts, strict=True))
    ]


def with_odd_fields(entries: list[dict[str, Any]]) -> st.SearchStrategy[list[dict[str, Any]]]:
    """The entries with a few fields changed, and perhaps one missing, doubled, or all of them turned around."""
    fields = [(place, name, value) for place, entry in enumerate(entries) for name in entry for value in ODD[name]]
    orders = [slice(None), slice(None), slice(1, None), slice(None, -1), slice(None, None, -1)]

    def changed(changes: list[tuple[int, str, Any]], order: slice, doubled: list[int]) -> list[dict[str, Any]]:
        whole = [entry.copy() for entry in entries]
        for place, name, value in changes:
            whole[place][name] = value
        return whole[order] + [whole[place] for place in doubled]

    return st.builds(
        changed,
        st.lists(st.sampled_from(fields), max_size=2),
        st.sampled_from(orders),
        st.lists(st.integers(0, len(entries) - 1), max_size=1),
    )


@st.composite
def sends(draw: st.DrawFn, *, each: bool) -> tuple[Batch, list[dict[str, Any]]]:
    """A batch, and the entries of an answer to it."""
    recipients = draw(st.lists(st.sampled_from(NUMBERS), min_size=1, max_size=4))
    texts = [draw(st.sampled_from(TEXTS)) for _ in recipients] if each else [TEXTS[0]] * len(recipients)
    entries = taken(recipients, texts)
    batch = Batch(0, range(len(recipients)), recipients, texts if each else texts[:1], ["90000123"])
    return batch, draw(with_odd_fields(entries))


@st.composite
def statuses(draw: st.DrawFn) -> tuple[list[int], list[dict[str, Any]]]:
    """Ids, and the entries of an answer about them."""
    ids = draw(st.lists(st.integers(100, 104), min_size=1, max_size=4))
    entries = [{"messageid": id_, "status": 10, "statustext": "رسیده"} for id_ in ids]
    return ids, draw(with_odd_fields(entries))


def read(endpoint: Endpoint[Any, Any], asked: Any, entries: list[dict[str, Any]]) -> Any:
    """What an answer with these entries says: the result, or what kind of error it is."""
    body = json.dumps({"return": {"status": 200, "message": "تایید شد"}, "entries": entries}, ensure_ascii=False)
    try:
        return comparable(endpoint.read(Answer(200, body.encode()), asked))
    except SMSError as error:
        return kind(error)


def comparable(result: Any) -> Any:
    if isinstance(result, list):
        return result
    errors = {place: kind(error) for place, error in result.errors.items()}
    return [getattr(result, name) for name in result.__struct_fields__ if name != "errors"], errors


def kind(error: SMSError) -> Any:
    return type(error), error.code, error.outcome, error.of_one


def quoted(entry: dict[str, Any]) -> dict[str, Any]:
    return {key: str(value) if isinstance(value, int) else value for key, value in entry.items()}


def in_capitals(entry: dict[str, Any]) -> dict[str, Any]:
    return {key.capitalize(): value for key, value in entry.items()}


def turned(entry: dict[str, Any]) -> dict[str, Any]:
    return dict(reversed(entry.items()))


CALLS = st.one_of(
    st.tuples(st.just(wire.SEND), sends(each=False)),
    st.tuples(st.just(wire.SEND_P2P), sends(each=True)),
    st.tuples(st.just(wire.STATUS), statuses()),
)


@pytest.mark.parametrize("rewritten", [quoted, in_capitals, turned])
@settings(max_examples=400)
@given(CALLS)
def test_an_answer_says_the_same_however_it_is_written(
    rewritten: Callable[[dict[str, Any]], dict[str, Any]], call: tuple[Endpoint[Any, Any], tuple[Any, list[Any]]]
) -> None:
    endpoint, (asked, entries) = call
    expected = read(endpoint, asked, [rewritten(entry) for entry in entries])
    assert read(endpoint, asked, entries) == expected


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in ODD.items() for value in values])
def test_one_odd_field_of_the_last_entry_is_not_passed_over(name: str, value: Any) -> None:
    batch = Batch(0, range(len(NUMBERS)), NUMBERS, TEXTS[:1], ["90000123"])
    entries = taken(NUMBERS, TEXTS[:1] * len(NUMBERS))
    entries[-1][name] = value
    assert read(wire.SEND, batch, entries) == read(wire.SEND, batch, [quoted(entry) for entry in entries])
