"""What Unicode says of a character: which digit it is, and whether it is a separator or invisible."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Final

_REMEMBERED: Final = 4_096  # characters; hostile texts with all of Unicode must not fill the memory

_BLANK_CATEGORIES: Final = frozenset({"Zs", "Zl", "Zp", "Cc", "Cf"})
_DIVIDING_CATEGORIES: Final = frozenset({"Pd", "Ps", "Pe"})
# Unicode classes these as marks and letters, but they are drawn as nothing.
_BLANK_NAMES: Final = re.compile(
    r".*VARIATION SELECTOR|COMBINING GRAPHEME JOINER|HANGUL .*FILLER|HALFWIDTH HANGUL FILLER|KHMER VOWEL INHERENT"
    r"|BRAILLE PATTERN BLANK"
)
_MINUS_SIGN: Final = "\u2212"  # typed as a dash, and a mathematical symbol to Unicode

PERSIAN_LETTERS: Final[Mapping[str, str]] = {
    **dict.fromkeys("يىئ", "ی"),
    "ك": "ک",
    **dict.fromkeys("ةۀ", "ه"),
    "أ": "ا",
}
"""Arabic letters, and those with a hamza, by the Persian letters that people also write for them; for comparison."""


class CharacterTable(dict[int, int | None]):
    """A table for ``str.translate`` that applies its rule to a character once, and caches the result."""

    def __init__(self, rule: Callable[[str], str | None]) -> None:
        """``rule`` returns the replacement of a character, or None to drop it."""
        super().__init__()
        self._rule = rule

    def __missing__(self, code: int) -> int | None:
        character = self._rule(chr(code))
        found = None if character is None else ord(character)
        if len(self) < _REMEMBERED:
            self[code] = found
        return found


def ascii_digit(character: str) -> str:
    """The ASCII digit of a decimal digit of any script; any other character as it is."""
    digit = unicodedata.decimal(character, None)
    return character if digit is None else str(digit)


@lru_cache(_REMEMBERED)
def is_blank(character: str) -> bool:
    """Whether a character is a space, a control or anything else invisible."""
    return unicodedata.category(character) in _BLANK_CATEGORIES or bool(
        _BLANK_NAMES.match(unicodedata.name(character, ""))
    )


def is_divider(character: str) -> bool:
    """Whether a character only divides the groups of a number: blank, a dash or a bracket."""
    return unicodedata.category(character) in _DIVIDING_CATEGORIES or character == _MINUS_SIGN or is_blank(character)


def is_plus(character: str) -> bool:
    """Whether a character is a plus sign, a wide one too."""
    return unicodedata.normalize("NFKC", character) == "+"
