"""Numbers: every usual spelling in, one local form out, and nothing else let through."""

from __future__ import annotations

import sys
import unicodedata
from collections import UserString
from decimal import Decimal
from enum import StrEnum
from typing import Any

import numpy as np
import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st
from phonenumber_field.phonenumber import PhoneNumber as DjangoNumber
from phonenumber_field.phonenumber import to_python
from pydantic import BaseModel
from pydantic_extra_types.phone_numbers import PhoneNumber as PydanticNumber

from smscore import InvalidNumber, normalize_number
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
        "0912\u2028345\u20296789",
        "0912\t345\n6789\x00",
        "0912\u061c345\u20626789",
        "0912\ufe0f3456789",
        "0912\u2800345\u31646789",
        "0912\u2212345\uff0d6789",
        "[0912] {345} (6789)",
        "\uff0b98 9123456789",
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
        "09123456789,09123456780",
        "09123456789\n09123456780",
        "09123456789\r\n09123456780",
        "09123456789;",
        "",
        " ",
        "\u200c",
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
def test_an_invalid_iranian_mobile_number_is_refused(given_value: object) -> None:
    assert local_form(given_value) is None


CHARACTERS = [chr(code) for code in range(sys.maxunicode + 1)]
SEPARATING = {"Zs", "Zl", "Zp", "Cc", "Cf", "Pd", "Ps", "Pe"}


def of_categories(*names: str) -> list[str]:
    return [character for character in CHARACTERS if unicodedata.category(character) in names]


@pytest.mark.parametrize("category", sorted(SEPARATING))
def test_every_character_that_separates_or_is_not_seen_is_passed_over(category: str) -> None:
    assert {one for one in of_categories(category) if local_form(f"+98{one}912{one}3456789{one}") != LOCAL} == set()


def test_decimal_digits_of_every_script_are_read() -> None:
    zeros = [digit for digit in of_categories("Nd") if unicodedata.decimal(digit) == 0]
    assert len(zeros) > 60
    for zero in zeros:
        spelled = "".join(chr(ord(zero) + int(digit)) for digit in LOCAL)
        assert local_form(spelled) == LOCAL


def test_what_only_resembles_a_digit_is_none() -> None:
    resembling = of_categories("No", "Nl")
    assert {"²", "①"} <= set(resembling)
    assert {one for one in resembling if local_form("0912345678" + one) or local_form(one + LOCAL)} == set()


def test_letters_marks_and_symbols_between_the_digits_are_refused() -> None:
    seen = [one for one in of_categories("Lu", "Ll", "Lt", "Lm", "Sc", "Sk", "Me", "Cs", "Co") if one != "+"]
    assert {one for one in seen if local_form("0912" + one + "3456789")} == set()


@pytest.mark.parametrize(
    "spelled",
    [
        "+98 (0) 912 345 6789",
        "+98(0)9123456789",
        "(+98) (0)912-345-6789",
        "0098 (0) 912 345 6789",
        "98 (0) 912 345 6789",
        "+98 (0912) 345 6789",
        "+۹۸ (۰) ۹۱۲ ۳۴۵ ۶۷۸۹",
        "\u200e+98 [0] 912 345 6789",
    ],
)
def test_the_zero_in_brackets_behind_the_country_code_is_passed_over(spelled: str) -> None:
    assert local_form(spelled) == LOCAL


@pytest.mark.parametrize(
    "spelled",
    [
        "+98 0 912 345 6789",
        "+98 912 (0) 345 6789",
        "+98 (00) 912 345 6789",
        "091298(0)34567",
        "(0)(0)9123456789",
        "+98(0)",
    ],
)
def test_a_zero_elsewhere_is_a_digit_of_the_number(spelled: str) -> None:
    assert local_form(spelled) is None


@pytest.mark.parametrize(
    "spelled",
    ["0912.345.6789", "0912/345/6789", "0912_345_6789", "+98.912.345.6789", "0098·912·345·6789", "(0912) 345.67.89"],
)
def test_the_same_mark_between_all_groups_is_passed_over(spelled: str) -> None:
    assert local_form(spelled) == LOCAL


@pytest.mark.parametrize(
    "spelled",
    [
        "0.9123456789",
        "0912.3456789",
        "912.345.6789",
        "98,912,345,678.9",
        "989.123.456.789",
        "912345678.9",
        "0912.345/6789",
        "0912..345..6789",
        "0912x345x6789",
        "0912,3456789",
    ],
)
def test_what_may_be_a_decimal_or_grouped_amount_is_not_a_number(spelled: str) -> None:
    assert local_form(spelled) is None


@pytest.mark.parametrize(
    "uri",
    [
        "tel:+989123456789",
        "tel:+98-912-345-6789",
        "TEL:+98.912.345.6789",
        "tel:09123456789",
        "tel:0912.3456789",
        "tel: +98 (912) 345 6789",
        "tel:%2B989123456789",
        "tel:+989123456789;npdi;tsp=example.ir",
        "tel:+98-912-345-6789;ext=",
        "tel:09123456789;phone-context=+98",
        "tel:9123456789;phone-context=+98",
        "tel:345-6789;phone-context=+98-912",
        "tel:345-6789;Phone-Context=%2B98912;foo=bar",
        "\u200etel:+989123456789\u200f",
        "tel:۰۹۱۲۳۴۵۶۷۸۹",
    ],
)
def test_a_tel_uri_is_read(uri: str) -> None:
    assert local_form(uri) == LOCAL


@pytest.mark.parametrize(
    "uri",
    [
        "tel:+98-912-345-6789;ext=12",
        "tel:+98-912-345-6789;isub=12",
        "tel:9123456789;phone-context=+1",
        "tel:09123456789;phone-context=example.ir",
        "tel:+989123456789;phone-context=+98912",
        "tel:+19123456789",
        "tel:+982112345678",
        "tel:",
        "tel:;phone-context=+98",
        "tel:tel:09123456789",
        "sms:+989123456789",
        "tel:09123456789,09351234567",
    ],
)
def test_a_tel_uri_of_another_place_or_with_an_extension_is_refused(uri: str) -> None:
    assert local_form(uri) is None


@pytest.mark.parametrize(
    "number",
    [
        9123456789.0,
        989123456789.0,
        np.float64(9123456789),
        np.int64(989123456789),
        np.uint64(9123456789),
        np.array(9123456789),
        Decimal(9123456789),
        Decimal("989123456789.00"),
        Decimal("9.123456789E+9"),
    ],
    ids=lambda number: type(number).__name__,
)
def test_a_whole_number_of_a_spreadsheet_a_database_or_numpy_is_read(number: object) -> None:
    assert local_form(number) == LOCAL


@pytest.mark.parametrize(
    "number",
    [
        9123456789.5,
        -9123456789.0,
        float("nan"),
        float("inf"),
        1e300,
        np.float32(9123456789),
        np.float16(9),
        np.longdouble(9123456789),
        np.float64("nan"),
        np.bool_(True),
        np.array([9123456789]),
        np.array(9123456789.0),
        np.array(True),
        Decimal("9123456789.5"),
        Decimal("NaN"),
        Decimal("sNaN"),
        Decimal("Infinity"),
        Decimal("1E+999999999"),
        Decimal("1E-999999999"),
        9123456789 + 0j,
        object(),
    ],
    ids=lambda number: type(number).__name__,
)
def test_a_number_that_is_not_exactly_one_is_refused(number: object) -> None:
    assert local_form(number) is None


def test_a_float_of_32_bits_would_be_another_persons_number() -> None:
    assert np.float32(9123456789).is_integer()
    assert local_form(int(np.float32(9123456789))) not in (None, LOCAL)


@pytest.mark.parametrize("prefix", ["+7", "+1", "+91", "+9", "7", "0091"])
@pytest.mark.parametrize("rest", ["9123456789", " 912 345 6789", "-912-345-6789", " (0) 912 345 6789"])
def test_numbers_of_other_countries_are_refused(prefix: str, rest: str) -> None:
    assert local_form(prefix + rest) is None


@pytest.mark.parametrize("between", [" ", "/", ", ", "\n", ";", "\t", " - ", "\u200c", " و ", "|"])
def test_two_numbers_in_one_text_are_refused(between: str) -> None:
    assert local_form(f"09123456789{between}09351234567") is None


# Objects of frameworks


def test_a_phonenumbers_object_is_read() -> None:
    assert local_form(phonenumbers.parse("0912 345 6789", "IR")) == LOCAL
    assert local_form(phonenumbers.parse("+98 912 345 6789", keep_raw_input=True)) == LOCAL


@pytest.mark.parametrize(
    "number",
    [
        phonenumbers.parse("+98 912 345 6789 ext. 5"),
        phonenumbers.parse("+7 912 345 6789"),
        phonenumbers.parse("+1 912 345 6789"),
        phonenumbers.parse("021 1234 5678", "IR"),
        phonenumbers.parse("0912 345", "IR"),
        phonenumbers.PhoneNumber(),
        phonenumbers.PhoneNumber(98),
        phonenumbers.PhoneNumber(None, 9123456789),
        phonenumbers.PhoneNumber(98, 9123456789, italian_leading_zero=True),
    ],
    ids=lambda number: type(number).__name__,
)
def test_a_phonenumbers_object_of_anything_else_is_refused(number: object) -> None:
    assert local_form(number) is None


def test_djangos_phone_number_is_read() -> None:
    assert local_form(DjangoNumber.from_string("0912 345 6789", region="IR")) == LOCAL


def test_djangos_phone_number_that_is_none_is_refused() -> None:
    assert local_form(to_python("0912", region="IR")) is None
    assert local_form(to_python("no number", region="IR")) is None


class Contact(BaseModel):
    phone: PydanticNumber


class E164Number(PydanticNumber):
    phone_format = "E164"


def test_pydantics_phone_number_is_read() -> None:
    phone = Contact.model_validate({"phone": "+98 912 345 6789"}).phone
    assert phone.startswith("tel:")
    assert local_form(phone) == LOCAL
    with_extension = Contact.model_validate({"phone": "+98 912 345 6789 ext. 5"}).phone
    assert local_form(with_extension) is None


class Known(StrEnum):
    SUPPORT = "+98 912 345 6789"


@pytest.mark.parametrize("number", [Known.SUPPORT, UserString("0912 345 6789")])
def test_what_is_a_str_by_another_name_is_read(number: object) -> None:
    assert local_form(number) == LOCAL


# normalize_number


@pytest.mark.parametrize("number", ["0912 345 6789", 9123456789, 9123456789.0, phonenumbers.parse("+989123456789")])
def test_a_number_is_normalized_to_e164(number: Any) -> None:
    assert normalize_number(number) == "+989123456789"


@pytest.mark.parametrize("number", ["0211234567", None, True, float("nan"), ["09123456789"], b"09123456789", object()])
def test_an_invalid_number_cannot_be_normalized_and_is_not_shown(number: Any) -> None:
    with pytest.raises(InvalidNumber) as caught:
        normalize_number(number)
    assert caught.value.numbers == [(0, number)]
    assert "0211234567" not in str(caught.value) + repr(caught.value)


@pytest.mark.parametrize("text", ["9" * 10**6, "tel:" + "9" * 10**6, "0912." * 10**5, "+98(0" * 10**5, "(" * 10**6])
def test_a_very_long_text_is_not_a_number(text: str) -> None:
    assert local_form(text) is None


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


def marked(number: str) -> str:
    return f"\u200e{number[:3]} {number[3:6]}\u2013{number[6:]}\u200f"


@given(st.sampled_from(PREFIXES), st.lists(mobiles), st.sampled_from([str, marked, lambda n: n.translate(PERSIAN)]))
def test_a_list_of_one_odd_spelling_is_read_as_one_by_one(prefix: str, numbers: list[str], spell: Any) -> None:
    spelled = [spell(prefix + number) for number in numbers]
    assert local_forms(spelled) == [local_form(number) for number in spelled] == ["0" + number for number in numbers]


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
        ["0912 3456789\n0912 3456780", "\u200c"],
        ["0912 345", "678 9"],
        ["0912 3456789\r0912 3456780", ""],
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


def test_an_int_too_long_to_be_written_out_is_not_a_number() -> None:
    assert local_form(10**5000) is None
