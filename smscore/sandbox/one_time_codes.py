"""Finding the one-time code in a text, and telling it from other numbers.

The page has the same rules in JavaScript (``codes.js``), so nothing here depends on what either language considers a
letter, a digit or a space.
"""

from __future__ import annotations

import re
from string import ascii_uppercase
from typing import Final

from smscore.characters import PERSIAN_LETTERS
from smscore.numbers import with_ascii_digits

__all__ = ["code_in"]

SEARCHED: Final = 1000  # characters of a text

_LETTER: Final = r"[\u0620-\u064a\u066e-\u06d3]"
_SPACE: Final = r"[ \n\u00a0\u200c]"

# 4 to 8 digits that are not part of a date, a price, an address, a name or a phone number.
_GROUP: Final = (
    r"(?:(?<![0-9a-z_@+./,:-])|(?<=[^0-9]:)|(?<=\bg-))([0-9]{4,8})"
    rf"(?![0-9a-z_@]|[./:,-][0-9]|{_SPACE}{{0,9}}(?:ریال|تومان|هزار|میلیون|rials?\b|tomans?\b|irr\b))"
)
# Things that have a number too, which may even be called a code: «کد پیگیری», "order code".
_PERSIAN_THINGS: Final = (
    "سفارش|تخفیف|پیگیری|رهگیری|پستی|ملی|مرسوله|بسته|فاکتور|قبض|رزرو|نوبت|پذیرش|بلیت|بلیط|پرداخت|تراکنش|خرید|کالا"
    "|محصول|مشتری|اشتراک|هدیه|معرف|دعوت|شعبه|پرسنلی|دانشجویی|اقتصادی|دستوری|آگهی|پرونده|تیکت|شارژ|جشنواره|قرعه"
)
_LATIN_THINGS: Final = (
    *("order", "discount", "promo", "coupon", "gift", "voucher", "tracking", "postal", "post", "zip", "referral"),
    *("invite", "reference", "invoice", "booking", "reservation", "ticket", "product", "error", "status", "area"),
    *("country", "parcel", "customer"),
)
_NOT_LATIN_THINGS: Final = "".join(f"(?<!\\b{thing} )" for thing in _LATIN_THINGS)
_WORD: Final = (
    rf"(?:(?<!{_LETTER})(?:(?:کد|رمز|پین|پسورد)(?:(?=تایید|ورود|فعال)|(?!{_LETTER}))|گذرواژه)"
    rf"(?!{_SPACE}{{0,3}}(?:{_PERSIAN_THINGS}))"
    rf"|{_NOT_LATIN_THINGS}\bcode\b|\botp\b|\bpin\b|\bpasscode\b|\bpassword\b|\bverification\b)"
)
# Words that only ever name a one-time code.
_SURE: Final = (
    rf"(?:(?<!{_LETTER})(?:کد|رمز){_SPACE}{{0,3}}(?:تایید|ورود|فعال|عضویت|امنیتی|احراز|پویا|عبور|یک{_SPACE}?بار)"
    r"|\botp\b|\bone[ -]time\b|\bverification\b|\bpasscode\b)"
)
# The number of a thing follows its name: «سفارش شماره ۷۷۴۱۲», "order #77412".
_OF_A_THING: Final = (
    rf"(?:{_PERSIAN_THINGS}|\b(?:{'|'.join(_LATIN_THINGS)})\b)"
    rf"(?:{_SPACE}{{1,3}}(?:شماره|شما|your|number|no|id|code))?{_SPACE}{{0,3}}"
)

_FOLDED: Final = str.maketrans({**PERSIAN_LETTERS, **{letter: letter.lower() for letter in ascii_uppercase}})


def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.ASCII)


GROUP: Final = _compiled(_GROUP)
ANNOUNCED: Final = _compiled(rf"{_WORD}[^0-9]{{0,30}}?$")
EXPLAINED: Final = _compiled(rf"^[^0-9.\n!?؟؛]{{0,30}}?{_WORD}")
SURE: Final = _compiled(_SURE)
NUMBER_OF_A_THING: Final = _compiled(rf"{_OF_A_THING}#?$")
NAMED_OF_A_THING: Final = _compiled(rf"{_OF_A_THING}[#:]{{1,2}}{_SPACE}{{0,3}}$")
OF_A_PAGE: Final = _compiled(rf"@[!-?A-~]{{1,253}} #{_GROUP}")
ALONE: Final = _compiled(rf"^[^0-9a-z\u0600-\u06ff]*{_GROUP}[^0-9a-z\u0600-\u06ff]*$")
_NEAR: Final = 60  # characters before and after a group that say what it is


def code_in(text: str) -> str | None:
    """The one-time code in a text's first 1,000 characters, in ASCII digits; None if there is none.

    It is the number that a word for codes announces; else that of a web page's line (``@example.ir #1234``); else one
    that such a word follows, or that comes after a word for one-time codes alone; else the only thing in the text.
    """
    plain = with_ascii_digits(text[:SEARCHED]).translate(_FOLDED)
    groups = [group for group in GROUP.finditer(plain) if not _is_of_a_thing(plain[: group.start()])]
    for group in groups:
        if ANNOUNCED.search(plain[max(0, group.start() - _NEAR) : group.start()]):
            return group[1]
    of_a_page = OF_A_PAGE.search(plain)
    if of_a_page:
        return of_a_page[1]
    sure = SURE.search(plain)
    for group in groups:
        if EXPLAINED.search(plain[group.end() : group.end() + _NEAR]) or (sure and sure.end() <= group.start()):
            return group[1]
    alone = ALONE.search(plain)
    return alone and alone[1]


def _is_of_a_thing(before: str) -> bool:
    near = before[-_NEAR:]
    return NUMBER_OF_A_THING.search(near) is not None or (
        NAMED_OF_A_THING.search(near) is not None and SURE.search(near) is None
    )
