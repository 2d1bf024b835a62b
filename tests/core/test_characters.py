"""Persian letters have several spellings, which compare equal wherever texts are compared."""

from collections.abc import Callable

import pytest

from smscore.characters import PERSIAN_LETTERS
from smscore.recipients import number_column
from smscore.sandbox.memory import search
from smscore.wire import error_body

FOLDS: list[Callable[[str], str]] = [number_column.folded, search.folded, error_body.folded]


@pytest.mark.parametrize("folded", FOLDS)
@pytest.mark.parametrize(("arabic", "persian"), [("كد تائيد", "کد تایید"), ("شمارة", "شماره"), ("رأی", "رای")])
def test_arabic_spellings_of_a_word_compare_as_the_persian_one(
    arabic: str, persian: str, folded: Callable[[str], str]
) -> None:
    assert folded(arabic) == folded(persian)


def test_no_letter_is_mapped_to_one_that_is_mapped_again() -> None:
    assert not PERSIAN_LETTERS.keys() & set(PERSIAN_LETTERS.values())
