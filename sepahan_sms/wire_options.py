"""How requests are written where Sepahan's document says two things, as options of the client."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final, Literal, cast

import attrs
from attrs import field, frozen

from smscore import ConfigurationError
from smscore.wire import from_environment

__all__ = ["Wire", "changed", "checked_wire", "wire_of_environment"]

ALLOWED: Final[Mapping[str, tuple[str, ...]]] = {
    "send": ("arrays", "strings"),
    "request_id": ("both", "requestId", "Request-Id"),
    "since": ("jalali", "gregorian"),
}
VARIABLE: Final = "SEPAHAN_WIRE"


def _check(_: Wire, attribute: attrs.Attribute[Any], value: Any) -> None:
    _check_value(attribute.name, value, f"{attribute.name}=")


@frozen(kw_only=True)
class Wire:
    """How requests are written where Sepahan's document says two things; ``payamak doctor`` finds out which is right.

    - ``send``: the text and the sender of Send as ``"arrays"`` of one (the document's sample), or as plain
      ``"strings"`` (its table).
    - ``request_id``: the header with the request id: ``"requestId"``, ``"Request-Id"`` or ``"both"``.
    - ``since``: the calendar of Receive's date: ``"jalali"`` (the document's sample) or ``"gregorian"``.

    Raises ``ConfigurationError`` for any other value.
    """

    send: Literal["arrays", "strings"] = field(default="arrays", validator=_check)
    request_id: Literal["both", "requestId", "Request-Id"] = field(default="both", validator=_check)
    since: Literal["jalali", "gregorian"] = field(default="jalali", validator=_check)


def changed(wire: Wire, **changes: str) -> Wire:
    """The same with other values, of those that are allowed."""
    return attrs.evolve(wire, **cast("dict[str, Any]", changes))


def checked_wire(wire: object) -> Wire | None:
    """The option ``wire=``; None leaves it to the environment. Raises ``ConfigurationError``."""
    if wire is None or isinstance(wire, Wire):
        return wire
    raise ConfigurationError("wire= must be a sepahan_sms.Wire, e.g. Wire(send='strings').", provider="sepahan")


def wire_of_environment() -> Wire:
    """What ``SEPAHAN_WIRE`` says, such as ``send=strings,since=gregorian``. Raises ``ConfigurationError``."""
    return _read(from_environment("sepahan", "wire") or "")


@lru_cache
def _read(text: str) -> Wire:
    pairs = [part.partition("=") for part in text.split(",") if part.strip()]
    given = {name.strip(): value.strip() for name, _, value in pairs}
    if len(given) < len(pairs) or not given.keys() <= ALLOWED.keys():
        raise _wrong(f"{VARIABLE} must have NAME=VALUE pairs, each name once, of {', '.join(ALLOWED)}")
    for name, value in given.items():
        _check_value(name, value, f"{name} in {VARIABLE}")
    return Wire(**cast("dict[str, Any]", given))


def _check_value(name: str, value: object, called: str) -> None:
    if value not in ALLOWED[name]:
        raise _wrong(f"{called} must be {' or '.join(ALLOWED[name])}")


def _wrong(what: str) -> ConfigurationError:
    return ConfigurationError(f"{what}. `payamak doctor` finds out which is right.", provider="sepahan")
