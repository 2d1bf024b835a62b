"""What ``payamak doctor`` finds out, as values, and what a provider adds to it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from attrs import define, field, frozen

from smscore.masking import masked_number

__all__ = ["Doctor", "Examination", "Finding", "Verdict", "bad", "cannot_tell", "good", "warning"]

_NONE: Final[Mapping[str, str]] = MappingProxyType({})


class Verdict(StrEnum):
    """What a finding means for a send."""

    GOOD = "good"
    WARNING = "warning"
    """Something is wrong, but sends are not affected."""
    BAD = "bad"
    """A send would fail."""
    CANNOT_TELL = "cannot tell"


@frozen
class Finding:
    """One thing that was found out.

    ``check`` names it in one or two words, ``saw`` is a sentence about what was seen, ``advice`` what to do.
    ``settings`` are environment variables to set; of two findings with the same variable the later one counts.
    """

    check: str
    verdict: Verdict
    saw: str
    advice: str = ""
    settings: Mapping[str, str] = _NONE


def good(check: str, saw: str) -> Finding:
    """A check that found no problem."""
    return Finding(check, Verdict.GOOD, saw)


def warning(check: str, saw: str, advice: str, settings: Mapping[str, str] = _NONE) -> Finding:
    """Something is wrong, but sends are not affected."""
    return Finding(check, Verdict.WARNING, saw, advice, settings)


def bad(check: str, saw: str, advice: str, settings: Mapping[str, str] = _NONE) -> Finding:
    """A send would fail."""
    return Finding(check, Verdict.BAD, saw, advice, settings)


def cannot_tell(check: str, why: str, advice: str = "") -> Finding:
    """It could not be found out."""
    return Finding(check, Verdict.CANNOT_TELL, why, advice)


@define
class Examination:
    """What a provider's own checks have in hand.

    ``client`` is its async client, which repeats nothing. ``to`` is the number that test messages go to, where the
    user gave one; ``text`` is their text. ``known`` is what earlier checks found out, for later ones; ``report`` in it
    is that of a test message, whose status is then asked for. A check may put a client with other options in place of
    ``client``.
    """

    client: Any
    sender: str | None = field(repr=masked_number)
    to: str = field(default="", repr=masked_number)
    text: str = field(default="", repr=False)
    known: dict[str, Any] = field(factory=dict[str, Any], repr=False)


Checks: TypeAlias = Callable[[Examination], AsyncIterator[Finding]]
"""Finds things out, one after the other. An error that it raises ends it, and becomes a finding."""


@frozen
class Doctor:
    """What a provider adds to ``payamak doctor``; its profile names it by an import string.

    - ``reads``: checks that send nothing.
    - ``sends``: in place of one test message, checks that send at most ``messages`` (3 at most) to ``to``.
    - ``advice``: what to do about a refusal, by the provider's code: the name of the check that it answers, and a
      sentence.
    """

    reads: Checks | None = None
    sends: Checks | None = None
    messages: int = 1
    advice: Mapping[int | str, tuple[str, str]] = field(factory=dict[int | str, tuple[str, str]])
