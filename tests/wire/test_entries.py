"""Entries of an answer are matched to what was asked about: by number, then by text; in doubt there is none."""

from operator import itemgetter

import pytest

from smscore import MalformedResponse, Outcome
from smscore.wire import Answer, Batch, match_entries, match_ids, missing_entries

A, B, C = "09121234561", "09121234562", "09121234563"
ANSWER = Answer(200, b"{}")


def batch(*recipients: str, texts: tuple[str, ...] = ("سلام",)) -> Batch:
    return Batch(0, range(len(recipients)), [*recipients], [*texts], ["3000505"])


def ids(batch: Batch, *entries: tuple[int, str | int] | tuple[int, str | int, str | None]) -> list[int | None]:
    """The first of each entry (id, number, text) that was matched."""
    text = itemgetter(2) if any(len(entry) == 3 for entry in entries) else None
    found = match_entries(batch, entries, number=itemgetter(1), text=text)
    return [None if entry is None else entry[0] for entry in found]


# One entry a recipient


def test_the_usual_answer_is_given_back_as_it_is():
    entries = [(1, A), (2, B)]
    assert match_entries(batch(A, B), entries, number=itemgetter(1)) is entries


def test_an_entry_belongs_to_the_number_that_it_names_wherever_it_stands():
    assert ids(batch(A, B, C), (3, C), (1, A), (2, B)) == [1, 2, 3]


@pytest.mark.parametrize("spelling", ["+989121234561", "00989121234561", "9121234561", 9121234561, "۰۹۱۲۱۲۳۴۵۶۱"])
def test_a_number_is_known_in_any_spelling(spelling: str | int):
    assert ids(batch(A), (1, spelling)) == [1]


def test_a_recipient_without_an_entry_has_none():
    assert ids(batch(A, B), (1, A)) == [1, None]


@pytest.mark.parametrize("stranger", ["09350000000", "nobody", ""])
def test_an_entry_of_somebody_else_is_ignored(stranger: str):
    assert ids(batch(A), (9, stranger), (1, A)) == [1]


def test_no_entries_match_nobody():
    assert ids(batch(A, B)) == [None, None]


# Several to one number


def test_a_number_given_twice_with_one_text_takes_its_entries_in_order():
    assert ids(batch(A, B, A), (2, B), (1, A), (3, A)) == [1, 2, 3]


def test_a_number_given_twice_with_one_text_and_one_entry_leaves_the_second_without():
    assert ids(batch(A, A), (1, A)) == [1, None]


def test_two_texts_to_one_number_are_told_apart_by_their_texts():
    assert ids(batch(A, A, texts=("یک", "دو")), (2, A, "دو"), (1, A, "یک")) == [1, 2]


def test_of_two_texts_to_one_number_the_one_without_an_entry_has_none():
    assert ids(batch(A, A, texts=("یک", "دو")), (2, A, "دو")) == [None, 2]


def test_a_text_that_came_back_changed_falls_back_to_the_number():
    assert ids(batch(A, A, B, texts=("یک", "دو", "سه")), (1, A, "یک"), (2, A, "؟"), (3, B, "؟")) == [1, 2, 3]


def test_different_texts_with_too_few_entries_and_no_text_to_tell_are_nobodys():
    assert ids(batch(A, A, B, texts=("یک", "دو", "سه")), (1, A, "؟"), (3, B, "سه")) == [None, None, 3]


def test_different_texts_with_too_many_entries_and_no_text_to_tell_are_nobodys():
    assert ids(batch(A, A, texts=("یک", "دو")), (1, A, None), (2, A, None), (3, A, None)) == [None, None]


def test_without_texts_in_the_answer_as_many_entries_as_messages_go_in_order():
    assert ids(batch(A, B, A, texts=("یک", "دو", "سه")), (1, A), (2, B), (3, A)) == [1, 2, 3]


def test_an_entry_too_many_of_a_recipient_changes_nothing():
    assert ids(batch(A, B), (1, A), (8, A), (2, B))[1] == 2


# By id


def test_entries_are_put_in_the_order_of_the_ids():
    assert match_ids([1, 2, 3], [(3, "c"), (1, "a")], id_of=itemgetter(0)) == [(1, "a"), None, (3, "c")]


def test_an_id_asked_for_twice_gets_its_entry_twice():
    assert match_ids([1, 1], [(1, "a")], id_of=itemgetter(0)) == [(1, "a"), (1, "a")]


# Nobody knows


def test_a_missing_entry_is_an_error_of_its_recipient_alone():
    errors = missing_entries(ANSWER, ["entry", None, "entry", None], provider="nobody")
    assert [*errors] == [1, 3]
    assert {type(error) for error in errors.values()} == {MalformedResponse}
    assert {error.outcome or Outcome.UNKNOWN for error in errors.values()} == {Outcome.UNKNOWN}


def test_complete_entries_have_no_errors():
    assert missing_entries(ANSWER, ["entry"], provider="nobody") == {}


def test_an_answer_with_an_entry_for_nobody_is_malformed_as_a_whole():
    with pytest.raises(MalformedResponse, match="no entry for any recipient"):
        missing_entries(ANSWER, [None, None], provider="nobody")


# Entries that contradict one another


def taken_or_refused(entries: list[tuple[str, bool]], *recipients: str) -> list[bool | None]:
    """Whether the entry of each recipient says that it was refused; None where it has no entry."""
    found = match_entries(batch(*recipients), entries, number=itemgetter(0), refused=itemgetter(1))
    return [None if entry is None else entry[1] for entry in found]


@pytest.mark.parametrize("first", [True, False])
def test_a_recipient_who_is_taken_and_refused_at_once_has_none(first: bool):
    assert taken_or_refused([(A, first), (B, False), (A, not first)], A, B) == [None, False]


@pytest.mark.parametrize("refused", [True, False])
def test_entries_too_many_that_say_the_same_change_nothing(refused: bool):
    assert taken_or_refused([(A, refused), (B, False), (A, refused)], A, B) == [refused, False]


def test_two_messages_to_one_number_may_fare_differently():
    assert taken_or_refused([(A, True), (A, False)], A, A) == [True, False]
