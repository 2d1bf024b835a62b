"""A one-time code's pattern at several providers: an approved one by its code, or a text with placeholders."""

from __future__ import annotations

from collections.abc import Mapping
from string import Formatter
from types import MappingProxyType
from typing import Final, TypeAlias

from attrs import field, frozen

from smscore.errors import InvalidRequest
from smscore.inputs import check_text
from smscore.text import Text, plain_text

__all__ = ["Approved", "Pattern", "Prepared"]

_BEYOND_NAMES: Final = frozenset(".[]!:")


@frozen
class Approved:
    """A pattern that the provider has approved, by its ``code`` there.

    ``names`` gives the provider's own names for parameters, ``{"code": "token"}``; the others keep theirs.
    """

    code: str
    names: Mapping[str, str] = field(factory=dict[str, str])


Prepared: TypeAlias = str | tuple[str, Mapping[str, str]]
"""A text to send, or the code of an approved pattern and its parameters by the provider's names."""


class Pattern:
    """The same message at several providers, by their names.

    ::

        Pattern(nobody=Approved("login", {"code": "token"}), somebody="کد شما {code}")

    An :class:`Approved` is sent by the provider's ``send_pattern``, a text with placeholders by ``send``. A provider
    that is not named is passed over. Write ``{{`` and ``}}`` for braces in a text.
    """

    def __init__(self, **providers: Approved | Text) -> None:
        self._providers: Mapping[str, Approved | Text] = MappingProxyType(providers)

    def __repr__(self) -> str:
        return f"Pattern({', '.join(self._providers)})"

    def names(self, provider: str) -> bool:
        """Whether it says what to send through this provider."""
        return provider in self._providers

    def is_approved(self, provider: str) -> bool:
        """Whether it has a code at this provider."""
        return isinstance(self._providers[provider], Approved)

    def prepared(self, provider: str, params: Mapping[str, str]) -> Prepared:
        """What to send through this provider. Raises ``InvalidRequest`` where the parameters do not fit."""
        given = self._providers[provider]
        if isinstance(given, Approved):
            return given.code, _renamed(given.names, params, provider)
        text = plain_text(given)
        if text is None:
            raise InvalidRequest(
                f"The pattern of {provider} must be an Approved or a text, not {type(given).__name__}."
            )
        return check_text(_filled(text, params, provider))


def _renamed(names: Mapping[str, str], params: Mapping[str, str], provider: str) -> Mapping[str, str]:
    missing = [name for name in names if name not in params]
    if missing:
        raise _without_a_parameter(missing, provider)
    renamed = {names.get(name, name): value for name, value in params.items()}
    if len(renamed) < len(params):
        raise InvalidRequest(f"The pattern of {provider} gives two parameters one name. Correct its names=.")
    return renamed


def _filled(text: str, params: Mapping[str, str], provider: str) -> str:
    pieces: list[str] = []
    missing: list[str] = []
    for before, name in _pieces(text, provider):
        pieces.append(before)
        if name is not None and name in params:
            pieces.append(params[name])
        elif name is not None:
            missing.append(name)
    if missing:
        raise _without_a_parameter(missing, provider)
    return "".join(pieces)


def _pieces(text: str, provider: str) -> list[tuple[str, str | None]]:
    """The text in pieces, each with the name of the placeholder that follows it, or None."""
    try:
        parsed = [*Formatter().parse(text)]
    except ValueError:
        raise InvalidRequest(
            f"The text for {provider} has a single brace. Write {{{{ or }}}} for a brace that is no placeholder's."
        ) from None
    for _, name, spec, conversion in parsed:
        if name is not None and (not name.strip() or spec or conversion or not _BEYOND_NAMES.isdisjoint(name)):
            raise InvalidRequest(
                f"The text for {provider} has a placeholder that is not a parameter's name. "
                "Write {name} with a plain name in it."
            )
    return [(before, None if name is None else name.strip()) for before, name, _, _ in parsed]


def _without_a_parameter(names: list[str], provider: str) -> InvalidRequest:
    return InvalidRequest(
        f"The pattern of {provider} needs parameters that are missing: {', '.join(dict.fromkeys(names))}. "
        "Give them in params=, or correct the pattern."
    )
