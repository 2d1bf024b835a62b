"""Number formats of spreadsheets: parsed once, then applied to values.

ECMA-376, part 1, 18.8.31, or what Excel does where that says nothing. A format's sections, conditions and languages are
here; digits are in ``format_digits.py``, dates in ``format_dates.py``.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Final, Protocol

from attrs import field, frozen

from smscore.recipients.format_dates import DateSection, date_tokens, is_date_token
from smscore.recipients.format_digits import NumberSection, general, number_section, to_decimal
from smscore.recipients.format_tokens import AT, COMMA, GENERAL, LITERAL, Locale, NotShown, Token, parse_locale, tokens

_MAX_LENGTH: Final = 1_000  # characters of a format; Excel takes 255
_BRACKETS: Final = re.compile(r"\[([^\]]*)\]")
_COLOUR: Final = re.compile(r"black|blue|cyan|green|magenta|red|white|yellow|colou?r ?\d{1,2}", re.IGNORECASE)
_CONDITION: Final = re.compile(r"(<=|>=|<>|<|>|=)\s*([+-]?\d{1,300}(?:\.\d{0,300})?(?:[eE][+-]?\d{1,3})?)", re.ASCII)
_COMPARED: Final[dict[str, Callable[[float, float], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "=": operator.eq,
    "<>": operator.ne,
}
_ELAPSED: Final = re.compile(r"h+|m+|s+", re.IGNORECASE)


class _Filled(Protocol):
    def show(self, value: Decimal, *, date1904: bool) -> tuple[str, bool]: ...


@frozen
class Condition:
    """A comparison such as ``[<100]``."""

    sign: str
    limit: float

    def holds(self, value: float) -> bool:
        """Whether it applies to this number."""
        return _COMPARED[self.sign](value, self.limit)

    @property
    def only_negative(self) -> bool:
        """Whether it applies only to negative numbers: the section then shows their sign itself."""
        return (self.limit < 0 and self.sign in ("<", "<=", "=")) or (self.limit == 0 and self.sign == "<")


@frozen
class Section:
    """One of a format's sections."""

    tokens: tuple[Token, ...]
    locale: Locale
    condition: Condition | None
    filled: _Filled = field(repr=False)

    @property
    def is_text(self) -> bool:
        """Whether it is for texts."""
        return any(kind == AT for kind, _ in self.tokens)


@frozen
class GeneralSection:
    """A section that contains ``General`` or ``@``."""

    tokens: tuple[Token, ...]
    locale: Locale

    def show(self, value: Decimal, *, date1904: bool) -> tuple[str, bool]:
        """The number in this format, and whether it shows only zeros."""
        shown = self.locale.digits_of(general(float(value)))
        text = "".join(shown if kind in (GENERAL, AT) else piece for kind, piece in self.tokens if kind != COMMA)
        return text, value == 0


@frozen
class NumberFormat:
    """A format's sections for numbers, and the one for texts."""

    numbers: tuple[Section, ...]
    text: Section | None
    conditional: bool

    def show(self, value: float, *, date1904: bool = False) -> str:
        """The text shown for this number. Raises ``NotShown`` for ``####``, or if it is unknown."""
        value = float(value)
        alone = len(self.numbers) == 1 and not self.conditional
        section, own_sign = (self.numbers[0], False) if alone else self._section(value)
        if isinstance(section.filled, NumberSection) and section.filled.plain and value > 0:
            return section.filled.plain.show(value)
        number = to_decimal(value)
        shown, zeros = (
            section.filled.show(abs(number), date1904=date1904)
            if value < 0
            else section.filled.show(number, date1904=date1904)
        )
        if value >= 0 or own_sign:
            return shown
        if isinstance(section.filled, DateSection):
            raise NotShown("shows ####: it has a date format, and its value is negative")
        return shown if zeros and len(self.numbers) == 1 and self.text is None else f"-{shown}"

    def show_text(self, text: str) -> str:
        """The text shown for a text."""
        if self.text is None:
            return text
        return "".join(text if kind == AT else piece for kind, piece in self.text.tokens)

    def _section(self, value: float) -> tuple[Section, bool]:
        """The section for this number, and whether it shows a negative one's sign itself."""
        sections = self.numbers
        if not self.conditional:
            place = 0 if value > 0 else 1 if value < 0 else 2
            place = place if place < len(sections) else 0
            return sections[place], place == 1
        for place, section in enumerate(sections):
            condition = section.condition
            if condition is None and place == 1 and len(sections) > 2:
                condition = Condition("<", 0)
            if condition is None or condition.holds(value):
                return section, condition is not None and condition.only_negative
        raise NotShown("shows ####: none of its format's conditions applies")


@lru_cache(maxsize=4096)
def parse_format(code: str) -> NumberFormat:
    """Parse a number format. Raises ``NotShown`` for an invalid one."""
    if len(code) > _MAX_LENGTH:
        raise NotShown("has a number format that is too long")
    sections = [_parse_section(found) for found in _split(tokens(code))]
    if len(sections) > 4:
        raise NotShown("has a number format with more than four sections")
    text = sections.pop() if len(sections) == 4 or sections[-1].is_text else None
    if not sections:
        # "@" alone: a number in it is shown as General shows it.
        sections = [_parse_section(((GENERAL, ""),))]
    return NumberFormat(tuple(sections), text, any(section.condition for section in sections))


def _split(found: Sequence[Token]) -> list[tuple[Token, ...]]:
    sections: list[list[Token]] = [[]]
    for kind, text in found:
        if kind == ";":
            sections.append([])
        else:
            sections[-1].append((kind, text))
    return [tuple(section) for section in sections]


def _parse_section(found: Sequence[Token]) -> Section:
    locale, condition, kept = Locale(), None, list[Token]()
    for kind, text in found:
        if kind != "[":
            kept.append((kind, text))
        elif text.startswith("$"):
            symbol, given = parse_locale(text)
            locale = given or locale
            kept.append((LITERAL, symbol))
        elif _ELAPSED.fullmatch(text):
            kept.append(("elapsed", text.lower()))
        elif compared := _CONDITION.fullmatch(text):
            condition = Condition(compared[1], float(compared[2]))
        elif not _COLOUR.fullmatch(text):
            raise NotShown("has a number format with something unknown in brackets")
    section = tuple(kept)
    return Section(section, locale, condition, _filled(section, locale))


def _filled(section: tuple[Token, ...], locale: Locale) -> _Filled:
    if any(kind in (GENERAL, AT) for kind, _ in section):
        return GeneralSection(section, locale)
    if any(is_date_token(token) for token in section) or locale.system:
        return DateSection(date_tokens(section, locale), locale)
    return number_section(section, locale)
