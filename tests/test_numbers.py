"""Numbers: every usual spelling in, one local form out, and nothing else let through."""

from __future__ import annotations

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smscore.numbers import e164, e164_forms, local_form, local_forms, with_ascii_digits

LOCAL = "09123456789"
PREFIXES = ("0", "", "98", "+98", "0098")
PERSIAN = str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹")
ARABIC = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")
SEPARATORS = [
    " ",
    "-",
    "(",
    ")",
    "\u200c",
    "\u200e",
    "\u200f",
    "\u202a",
    "\u202c",
    "\u2066",
    "\u2069",
    "\u00a0",
    "\u2013",
]

mobiles = st.integers(0, 10**9 - 1).map(lambda rest: f"9{rest:09}")


@st.composite
def spellings(draw: st.DrawFn, plain: bool = False) -> str:
    """A mobile number with any prefix, and any digits and separators unless plain."""
    spelled = draw(st.sampled_from(PREFIXES)) + draw(mobiles)
    if plain:
        return spelled
    spelled = spelled.translate(draw(st.sampled_from([{}, PERSIAN, ARABIC])))
    for _ in range(draw(st.integers(0, 4))):
        place = draw(st.integers(0, len(spelled)))
        spelled = spelled[:place] + draw(st.sampled_from(SEPARATORS)) + spelled[place:]
    return spelled


wrong = st.sampled_from(["02112345678", "0912345678", "091234567890", "", None, True, 9.5, b"09123456789", "\n", "x"])


# One number


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("digits", [{}, PERSIAN, ARABIC], ids=["ASCII", "Persian", "Arabic"])
def test_every_prefix_is_read_in_every_kind_of_digits(prefix: str, digits: dict[int, str]) -> None:
    assert local_form((prefix + "9123456789").translate(digits)) == LOCAL


@pytest.mark.parametrize(
    "spelled",
    [
        "0912 345 6789",
        "0912-345-6789",
        "(0912) 345-6789",
        "+98 (912) 345 67 89",
        "0912\u200c345\u200c6789",
        "\u200e09123456789\u200f",
        "\u202a+989123456789\u202c",
        "\u2066+98 912 345 6789\u2069",
        "\ufeff09123456789",
        " 09123456789\t",
        "0912\u00a0345\u00a06789",
        "۰۹۱۲ ۳۴۵ ۶۷۸۹",
        "+۹۸۹۱۲۳۴۵۶۷۸۹",
        "٠٩١٢٣٤٥٦٧٨٩",
        "۰9١۲3456789",
        9123456789,
        989123456789,
    ],
)
def test_spaces_dashes_brackets_and_invisible_marks_are_passed_over(spelled: str | int) -> None:
    assert local_form(spelled) == LOCAL


@given(spellings())
def test_any_spelling_gives_the_local_form(spelled: str) -> None:
    digits = "".join(character for character in with_ascii_digits(spelled) if character.isdigit())
    assert local_form(spelled) == "0" + digits[-10:]


@pytest.mark.parametrize(
    "given_value",
    [
        "02112345678",
        "2112345678",
        "+982112345678",
        "0912345678",
        "091234567890",
        "912345678",
        "91234567890",
        "+9809123456789",
        "009809123456789",
        "9809123456789",
        "00989123456789 0",
        "++989123456789",
        "989123456789+",
        "0+989123456789",
        "+09123456789",
        "+9123456789",
        "00912345678",
        "08123456789",
        "+441234567890",
        "+19123456789",
        "0912345678x",
        "o9123456789",
        "tel:09123456789",
        "09123456789,09123456780",
        "09123456789\n09123456780",
        "09123456789\r\n09123456780",
        "09123456789;",
        "0912.345.6789",
        "０９１２３４５６７８９",
        "०९१२३४५६७८९",
        "",
        " ",
        "\u200c",
        9123456789.0,
        True,
        False,
        None,
        b"09123456789",
        0,
        -9123456789,
        91234567890,
        ["09123456789"],
    ],
)
def test_what_is_no_iranian_mobile_number_is_refused(given_value: object) -> None:
    assert local_form(given_value) is None


@given(st.one_of(st.text(max_size=20), st.text("0123456789+-() \n۰۹", max_size=20)))
def test_whatever_is_read_has_the_local_form(text: str) -> None:
    found = local_form(text)
    assert found is None or (len(found) == 11 and found.isascii() and found.isdigit() and found.startswith("09"))


# Many numbers


@given(st.lists(spellings()))
def test_many_numbers_are_read_as_one_by_one(numbers: list[str]) -> None:
    assert local_forms(numbers) == [local_form(number) for number in numbers]


@given(st.sampled_from(PREFIXES), st.lists(mobiles))
def test_a_list_of_one_spelling_is_read_as_one_by_one(prefix: str, numbers: list[str]) -> None:
    assert local_forms([prefix + number for number in numbers]) == ["0" + number for number in numbers]


@given(st.sampled_from(PREFIXES), st.lists(mobiles, min_size=1), st.data())
def test_one_odd_number_at_any_place_spoils_no_other(prefix: str, numbers: list[str], data: st.DataObject) -> None:
    spelled: list[object] = [prefix + number for number in numbers]
    place = data.draw(st.integers(0, len(spelled) - 1))
    spelled[place] = data.draw(st.one_of(wrong, spellings(), st.integers(), st.text(max_size=25)))
    assert local_forms(spelled) == [local_form(number) for number in spelled]


@given(
    st.lists(st.one_of(mobiles.map(lambda number: "0" + number), st.text("09\n", max_size=25), spellings(plain=True)))
)
def test_line_breaks_inside_items_do_not_shift_the_others(numbers: list[str]) -> None:
    assert local_forms(numbers) == [local_form(number) for number in numbers]


@pytest.mark.parametrize(
    "numbers",
    [
        ["09123456789\n09123456780", ""],
        ["", "09123456789\n09123456780"],
        ["09123456789\n0912345", "6780"],
        ["09123456789\n", "9123456780"],
        ["0912345678", "909123456789"],
        [],
    ],
)
def test_items_that_only_join_into_good_lines_are_refused(numbers: list[str]) -> None:
    assert local_forms(numbers) == [local_form(number) for number in numbers]
    assert not any(local_forms(numbers)) or numbers[0].strip() == LOCAL


def test_a_list_in_the_local_form_is_not_copied() -> None:
    numbers = [LOCAL]
    assert local_forms(numbers) is numbers


@given(mobiles)
def test_e164_forms_are_those_of_each(number: str) -> None:
    assert e164("0" + number) == "+98" + number
    assert e164_forms(["0" + number] * 2) == ["+98" + number] * 2


# Against phonenumbers


def oracle(spelled: str) -> phonenumbers.PhoneNumber:
    return phonenumbers.parse(spelled, "IR")


def oracles_e164(spelled: str) -> str:
    return phonenumbers.format_number(oracle(spelled), phonenumbers.PhoneNumberFormat.E164)


@given(st.one_of(mobiles, st.integers(0, 10**10 - 1).map(lambda number: f"{number:010}")))
def test_every_mobile_number_that_phonenumbers_knows_is_read_alike(national: str) -> None:
    number = oracle("+98" + national)
    is_mobile = phonenumbers.number_type(number) is phonenumbers.PhoneNumberType.MOBILE
    if phonenumbers.is_valid_number(number) and is_mobile:
        assert e164(local_form("+98" + national)) == oracles_e164("+98" + national)
    else:
        assert local_form("+98" + national) is None or national.startswith("9")


@given(st.sampled_from(["0", "+98", "0098"]), mobiles)
def test_what_is_read_phonenumbers_reads_alike(prefix: str, number: str) -> None:
    assert oracles_e164(prefix + number) == e164(local_form(prefix + number))


def test_an_int_too_long_to_be_written_out_is_no_number() -> None:
    assert local_form(10**5000) is None
