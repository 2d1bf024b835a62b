"""Numbers in a number format: digits for its placeholders, rounded as Excel rounds."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Context, Decimal
from fractions import Fraction
from typing import Final

from attrs import Factory, field, frozen

from smscore.recipients.format_tokens import (
    COMMA,
    DIGIT,
    EXPONENT,
    LITERAL,
    PERCENT,
    POINT,
    SLASH,
    Locale,
    NotShown,
    Token,
)

# Excel keeps 15 digits and rounds halves away from zero; no format has more placeholders than this precision.
_ROUNDING: Final = Context(prec=3_000, rounding=ROUND_HALF_UP)
_EXACT_BELOW: Final = 1e15
_GENERAL_WIDTH: Final = 11  # characters, the sign left out
_SMALLEST: Final = 1e-4  # below this, General writes an exponent
_GENERAL_MANTISSA: Final = 5  # places
_TEN: Final = 10
_GROUP: Final = 3
_MAX_DENOMINATOR: Final = 7  # places


def to_decimal(value: float) -> Decimal:
    """The number with the 15 digits that Excel keeps of it: 99.9, not 99.900000000000006."""
    return Decimal(f"{value:.15g}")


def rounded(value: Decimal, places: int) -> Decimal:
    """The number with so many places, halves away from zero."""
    return value.quantize(Decimal(1).scaleb(-places), context=_ROUNDING)


# General


def general(value: float) -> str:
    """A number as ``General`` shows it in a wide cell: up to 11 characters, with an exponent for longer ones.

    Whole numbers keep all digits up to 15: a cell that shows 1.23457E+11 for an account number would send a number that
    does not exist.
    """
    if value.is_integer() and abs(value) < _EXACT_BELOW:
        return str(int(value))
    number, sign = to_decimal(abs(value)), "-" if value < 0 else ""
    shown = f"{number:f}"
    if len(shown) <= _GENERAL_WIDTH:
        return sign + shown
    if _SMALLEST <= abs(value) < _TEN**_GENERAL_WIDTH:
        places = _GENERAL_WIDTH - 1 - len(shown.partition(".")[0])
        return sign + _without_zeros(f"{rounded(number, max(places, 0)):f}")
    exponent = number.adjusted()
    mantissa = rounded(number.scaleb(-exponent), _GENERAL_MANTISSA)
    if mantissa >= _TEN:
        mantissa, exponent = mantissa / _TEN, exponent + 1
    return f"{sign}{_without_zeros(f'{mantissa:f}')}E{'-' if exponent < 0 else '+'}{abs(exponent):02}"


def _without_zeros(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text


# Sections


@frozen
class Places:
    """A run of placeholders for digits, with the literals between them."""

    tokens: tuple[Token, ...]

    @property
    def count(self) -> int:
        """The number of placeholders."""
        return sum(kind == DIGIT for kind, _ in self.tokens)

    def before_point(self, digits: str, locale: Locale, *, grouped: bool = False) -> str:
        """These digits, the surplus ones in the first placeholder; ``digits`` is empty for a zero."""
        first = next((place for place, (kind, _) in enumerate(self.tokens) if kind == DIGIT), -1)
        pieces: list[str] = []
        written, left = 0, digits
        for place in range(len(self.tokens) - 1, -1, -1):
            kind, text = self.tokens[place]
            if kind != DIGIT:
                pieces.append(text)
                continue
            taken = left if place == first else left[-1:]
            left = left[: len(left) - len(taken)]
            for digit in reversed(taken or _PADDING[text]):
                if grouped and written and written % _GROUP == 0 and digit != " ":
                    pieces.append(",")
                pieces.append(locale.digits_of(digit))
                written += 1
        return "".join(reversed(pieces))

    def after_point(self, digits: str, locale: Locale) -> str:
        """These digits, one per placeholder; zeros at the end as the placeholders say."""
        pieces: list[str] = []
        at, trailing = len(digits), True
        for kind, text in reversed(self.tokens):
            if kind != DIGIT:
                pieces.append(text)
                continue
            at -= 1
            trailing = trailing and digits[at] == "0" and text != "0"
            pieces.append(_PADDING[text] if trailing else locale.digits_of(digits[at]))
        return "".join(reversed(pieces))


_PADDING: Final = {"0": "0", "#": "", "?": " "}


@frozen
class PlainSection:
    """The usual section, such as ``#,##0.00`` with a text on either side, which is faster to show."""

    before: str
    least: int
    """Digits before the point."""
    grouped: bool
    places: int
    after: str

    def show(self, value: float) -> str:
        """A positive number in this format."""
        kept = f"{value:.15g}"
        whole, _, decimals = kept.partition(".")
        if len(decimals) <= self.places and "e" not in kept:  # nothing to round
            digits = f"{int(whole):,}" if self.grouped else whole
            digits += f".{decimals:0<{self.places}}" if self.places else ""
        else:
            digits = format(rounded(to_decimal(value), self.places), ",f" if self.grouped else "f")
        if self.least == 0 and digits.startswith("0"):
            digits = digits[1:]
        return self.before + digits.rjust(self.least + (self.places + 1 if self.places else 0), "0") + self.after


@frozen
class NumberSection:
    """A section for plain numbers: placeholders before and after the point."""

    whole: Places
    decimals: Places
    point: bool
    grouped: bool
    scale: int
    """The power of ten that the number is multiplied by: percent signs, and commas at the end."""
    locale: Locale
    plain: PlainSection | None = field(init=False, default=Factory(lambda self: self._plain(), takes_self=True))

    def _plain(self) -> PlainSection | None:
        before, whole, between = _run(self.whole.tokens)
        beginning, decimals, after = _run(self.decimals.tokens)
        if self.scale or self.locale.numerals or beginning or (between and self.point) or "?" in whole + decimals:
            return None
        least = len(whole.lstrip("#"))
        if not whole or "#" in whole.lstrip("#") + decimals or (self.grouped and least > 1) or None in (before, after):
            return None
        if self.point and not decimals:
            return None
        return PlainSection(before or "", least, self.grouped, len(decimals), (between or "") + (after or ""))

    def show(self, value: Decimal, *, date1904: bool) -> tuple[str, bool]:
        """The number in this format, and whether it shows only zeros."""
        value = rounded(value.scaleb(self.scale, context=_ROUNDING) if self.scale else value, self.decimals.count)
        before, _, after = f"{value:f}".partition(".")
        shown = self.whole.before_point(before.lstrip("0"), self.locale, grouped=self.grouped)
        if self.point:
            shown += "." + self.decimals.after_point(after, self.locale)
        return shown, value == 0 and self.whole.count + self.decimals.count > 0


def _run(section: Sequence[Token]) -> tuple[str | None, str, str | None]:
    """What is before the placeholders, the placeholders, and what is after; None if they are in two runs."""
    places = [place for place, (kind, _) in enumerate(section) if kind == DIGIT]
    if not places:
        return "", "", "".join(text for _, text in section)
    first, last = places[0], places[-1] + 1
    before, after = ("".join(text for _, text in part) for part in (section[:first], section[last:]))
    run = "".join(text for _, text in section[first:last])
    return (before, run, after) if last - first == len(places) else (None, run, None)


@frozen
class ScientificSection:
    """A section with an exponent."""

    whole: Places
    decimals: Places
    point: bool
    plus: bool
    exponent: Places
    scale: int
    locale: Locale

    def show(self, value: Decimal, *, date1904: bool) -> tuple[str, bool]:
        """The number in this format, and whether it shows only zeros."""
        step = max(self.whole.count, 1)
        value = value.scaleb(self.scale)
        power = value.adjusted() // step * step if value else 0
        mantissa = rounded(value.scaleb(-power, context=_ROUNDING), self.decimals.count)
        if mantissa >= _TEN**step:
            power += step
            mantissa = rounded(value.scaleb(-power, context=_ROUNDING), self.decimals.count)
        before, _, after = f"{mantissa:f}".partition(".")
        shown = self.whole.before_point(before.lstrip("0"), self.locale)
        if self.point:
            shown += "." + self.decimals.after_point(after, self.locale)
        sign = "-" if power < 0 else "+" if self.plus else ""
        return f"{shown}E{sign}{self.exponent.before_point(str(abs(power)), self.locale)}", mantissa == 0


@frozen
class FractionSection:
    """A section for fractions, such as ``# ?/?`` or ``?/8``."""

    whole: Places
    numerator: Places
    denominator: Places
    fixed: int
    """The denominator that the format fixes; 0 if it has placeholders."""
    after: Places
    locale: Locale

    def show(self, value: Decimal, *, date1904: bool) -> tuple[str, bool]:
        """The number in this format; a fraction never shows only zeros."""
        # As a fraction: what is left of a Decimal is not to be had above 28 digits.
        exact = Fraction(value)
        whole = int(exact) if self.whole.count else 0
        over, under = self._fraction(exact - whole)
        if self.whole.count and over == under:
            whole, over = whole + 1, 0
        tail = self.after.before_point("", self.locale)
        if self.whole.count and not over:
            return self.whole.before_point(str(whole), self.locale) + tail, False
        shown = self.whole.before_point(str(whole) if whole else "", self.locale)
        shown += f"{self.numerator.before_point(str(over), self.locale)}/{self.locale.digits_of(str(under))}"
        return shown + tail, False

    def _fraction(self, value: Fraction) -> tuple[int, int]:
        if self.fixed:
            return int(value * self.fixed + Fraction(1, 2)), self.fixed
        found = value.limit_denominator(_TEN ** min(self.denominator.count, _MAX_DENOMINATOR) - 1)
        return found.numerator, found.denominator


def number_section(section: Sequence[Token], locale: Locale) -> NumberSection | ScientificSection | FractionSection:
    """Parse a section without dates and texts."""
    kinds = [kind for kind, _ in section]
    scale = 2 * kinds.count(PERCENT)
    if SLASH in kinds:
        return _fraction_section(_shown(section), locale)
    if EXPONENT in kinds:
        place = kinds.index(EXPONENT)
        whole, point, decimals = _halves(_shown(section[:place]))
        exponent = Places(_shown(section[place + 1 :]))
        if not exponent.count:
            raise NotShown("has a number format with an exponent without digits")
        return ScientificSection(whole, decimals, point, section[place][1][1] == "+", exponent, scale, locale)
    scale -= _GROUP * _scaling_commas(section)
    whole, point, decimals = _halves(_shown(section))
    return NumberSection(whole, decimals, point, _is_grouped(section), scale, locale)


def _shown(section: Sequence[Token]) -> tuple[Token, ...]:
    """The section without its commas, which are not shown themselves."""
    return tuple(token for token in section if token[0] != COMMA)


def _halves(section: Sequence[Token]) -> tuple[Places, bool, Places]:
    place = next((place for place, (kind, _) in enumerate(section) if kind == POINT), None)
    if place is None:
        # What follows the last digit is shown after it.
        return Places(tuple(section)), False, Places(())
    whole = [*section[:place]]
    if not any(kind == DIGIT for kind, _ in whole):
        whole.append((DIGIT, "#"))  # ".00" shows 12.50 too
    return Places(tuple(whole)), True, Places(tuple(section[place + 1 :]))


def _digit_places(section: Sequence[Token]) -> list[int]:
    """The positions of the placeholders before the point."""
    point = next((place for place, (kind, _) in enumerate(section) if kind == POINT), len(section))
    return [place for place, (kind, _) in enumerate(section[:point]) if kind == DIGIT]


def _is_grouped(section: Sequence[Token]) -> bool:
    places = _digit_places(section)
    return bool(places) and any(kind == COMMA for kind, _ in section[places[0] : places[-1]])


def _scaling_commas(section: Sequence[Token]) -> int:
    """Commas right after the last digit of the number, or right before its point: each takes three digits off."""
    digits = [place for place, (kind, _) in enumerate(section) if kind == DIGIT]
    places = _digit_places(section)
    return sum(_commas_after(section, place) for place in {*places[-1:], *digits[-1:]})


def _commas_after(section: Sequence[Token], place: int) -> int:
    count = 0
    while place + count + 1 < len(section) and section[place + count + 1][0] == COMMA:
        count += 1
    return count


def _fraction_section(section: tuple[Token, ...], locale: Locale) -> FractionSection:
    slash = next(place for place, (kind, _) in enumerate(section) if kind == SLASH)
    begin = slash
    while begin and section[begin - 1][0] == DIGIT:
        begin -= 1
    end, fixed = slash + 1, ""
    while end < len(section) and (section[end][0] == DIGIT or _is_figure(section[end])):
        fixed += section[end][1]
        end += 1
    if begin == slash or end == slash + 1:
        raise NotShown("has a number format with an invalid fraction")
    numerator, denominator = Places(section[begin:slash]), Places(section[slash + 1 : end])
    number = int(fixed) if any(_is_figure(token) for token in denominator.tokens) and fixed.isdecimal() else 0
    if denominator.count != len(denominator.tokens) and not number:
        raise NotShown("has a number format with an invalid fraction")
    after = tuple((LITERAL, text) for _, text in section[end:])
    return FractionSection(Places(section[:begin]), numerator, denominator, number, Places(after), locale)


def _is_figure(token: Token) -> bool:
    return token[0] == LITERAL and len(token[1]) == 1 and token[1] in "123456789"
