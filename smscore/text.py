"""The text of a message: whether it can be sent, and how many SMS parts it takes."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Final, NamedTuple, Protocol, TypeAlias, cast

from smscore.characters import is_blank

_LETTERS: Final = re.escape(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_ESCAPED_LETTERS: Final = "^{}\\[~]|€\f"  # each goes as an escape and a letter
_GSM_BASIC: Final = re.compile(f"[{_LETTERS}]*")
_GSM: Final = re.compile(f"[{_LETTERS}{re.escape(_ESCAPED_LETTERS)}]*")
_ESCAPE: Final = "\x1b"

_LIMITS: Final = {"GSM-7": (160, 153), "UCS-2": (70, 67)}
"""The units of a part that is the only one, and of each of several."""


class LazyText(Protocol):
    """A text that is evaluated on use, such as ``gettext_lazy`` returns: not a ``str``, but with its methods."""

    def isidentifier(self) -> bool:
        """As on ``str``; only texts have it."""
        ...


Text: TypeAlias = str | LazyText
"""The text of a message. A lazy one is evaluated once, when it is passed to a call, in the language active then."""


def plain_text(text: object) -> str | None:
    """A text as a plain ``str``, a lazy one evaluated now; None for anything else."""
    if type(text) is str:
        return text
    kind = type(text)
    if issubclass(kind, str):
        return str.__str__(cast("str", text))
    # Django's lazy texts have the methods of str in their class. Other proxies hand out those of the text that they
    # stand for, which is so made once. (Columns of tables and phone numbers have some of its other methods.)
    if hasattr(kind, "isidentifier"):
        return str(text)
    made = getattr(getattr(text, "isidentifier", None), "__self__", None)
    return str.__str__(made) if isinstance(made, str) else None


# Parts


class Parts(NamedTuple):
    """How a text is cut into SMS parts.

    ``encoding`` is ``"GSM-7"`` or ``"UCS-2"``, ``units`` the length of the text in it (septets or UTF-16 units),
    ``parts`` how many there are, at least 1, and ``left`` how many units still fit into the last one.
    """

    encoding: str
    units: int
    parts: int
    left: int


def parts_of(plain: str) -> Parts:
    """How many SMS parts a text takes, as ``smscore.count_parts`` says."""
    if _GSM_BASIC.fullmatch(plain):
        return _parts("GSM-7", len(plain))
    if _GSM.fullmatch(plain):
        septets = _with_escapes(plain)
        return _parts("GSM-7", len(septets), lambda end: septets[end - 1] == _ESCAPE)
    units = plain.encode("utf-16-be", "surrogatepass")
    has_pairs = len(units) != 2 * len(plain)
    return _parts("UCS-2", len(units) // 2, partial(_is_in_a_pair, units) if has_pairs else None)


def _parts(encoding: str, units: int, splits: Callable[[int], bool] | None = None) -> Parts:
    """The parts of ``units`` units; ``splits`` says whether a cut before a unit would split a character."""
    single, several = _LIMITS[encoding]
    if units <= single:
        return Parts(encoding, units, 1, single - units)
    if splits is None:
        parts = -(-units // several)
        return Parts(encoding, units, parts, parts * several - units)
    start, parts = 0, 1
    while units - start > several:
        start += several
        start -= splits(start)
        parts += 1
    return Parts(encoding, units, parts, several - (units - start))


def _with_escapes(text: str) -> str:
    for letter in _ESCAPED_LETTERS:
        text = text.replace(letter, _ESCAPE + letter)
    return text


def _is_in_a_pair(units: bytes, place: int) -> bool:
    """Whether the UTF-16 unit at a place is the second half of a surrogate pair."""
    return units[2 * place] >> 2 == _LOW_SURROGATE and units[2 * place - 2] >> 2 == _HIGH_SURROGATE


_HIGH_SURROGATE, _LOW_SURROGATE = 0xD8 >> 2, 0xDC >> 2


# Whether a text can be sent


def text_problem(text: object) -> str | None:
    """Why a text cannot be sent, or None where it can."""
    plain = text if type(text) is str else plain_text(text)
    if plain is None:
        return not_a_text(text)
    if not plain or (is_blank(plain[0]) and all(map(is_blank, plain))):
        return "is empty"
    if not can_be_encoded(plain):
        return "contains half of a surrogate pair, which cannot be encoded"
    return None


def not_a_text(text: object) -> str:
    """The words of an error about a value that is not a text."""
    return f"is {type(text).__name__}, not str"


def can_all_be_sent(texts: list[str]) -> bool:
    """Whether all of these can be sent, by a quick check; False also where only ``text_problem`` can tell."""
    beginnings = {text[:1] for text in texts}
    return "" not in beginnings and not any(map(is_blank, beginnings)) and can_be_encoded("".join(texts))


def can_be_encoded(text: str) -> bool:
    """Whether a text can be encoded as UTF-8: half of a surrogate pair cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
