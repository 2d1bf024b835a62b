"""Calls to one recipient: whom they take, and a pattern's values as text."""

from decimal import Decimal
from typing import Any

import pytest

from smscore import InvalidNumber, InvalidRequest
from smscore.wire import one_recipient, outgoing_to_one, pattern_texts


@pytest.mark.parametrize("to", ["09121234567", ["09121234567"], ("09121234567",), iter(["09121234567"])])
def test_one_recipient_is_taken_alone_or_in_a_collection(to: Any):
    assert one_recipient(to) == "09121234567"


@pytest.mark.parametrize(("to", "count"), [([], 0), (["09121234567", "09121234568"], 2)])
def test_more_or_fewer_are_invalid(to: Any, count: int):
    with pytest.raises(InvalidRequest, match=f"{count} recipients"):
        one_recipient(to)


def test_what_goes_out_to_one_has_its_number_in_local_form():
    outgoing = outgoing_to_one("+989121234567", "3000505", {"code": "c"})
    assert (outgoing.recipients, outgoing.senders, outgoing.extra) == (["09121234567"], ["3000505"], {"code": "c"})


def test_a_bad_number_is_refused_without_a_request():
    with pytest.raises(InvalidNumber):
        outgoing_to_one("02188776655", None, {})


@pytest.mark.parametrize(
    ("value", "text"),
    [("سلام", "سلام"), (7, "7"), (Decimal("1E+2"), "100"), (Decimal("1.50"), "1.50"), (10**999, "1" + "0" * 999)],
)
def test_a_value_goes_as_text(value: Any, text: str):
    assert pattern_texts({"token": value}) == {"token": text}


@pytest.mark.parametrize("value", [1.5, True, None, [], Decimal("NaN"), Decimal("1E1000"), "\ud83d"])
def test_any_other_value_is_invalid_and_named(value: Any):
    with pytest.raises(InvalidRequest, match="token2") as caught:
        pattern_texts({"token": "x", "token2": value})
    assert "token2" in str(caught.value)


@pytest.mark.parametrize("params", [None, [("a", "b")], "a=b", {1: "b"}, {"": "b"}])
def test_what_is_not_a_mapping_of_texts_is_invalid(params: Any):
    with pytest.raises(InvalidRequest, match="params="):
        pattern_texts(params)
