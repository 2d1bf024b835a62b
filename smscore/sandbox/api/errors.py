"""How a call of the sandbox's own REST interface is refused."""

from __future__ import annotations

import re
from typing import Final

import msgspec
from attrs import frozen

__all__ = ["ErrorBody", "RestError", "plain_text"]


@frozen
class ErrorBody:
    """Why a call was refused, and what to do next."""

    error: str


class RestError(Exception):
    """Raised to refuse a call: an HTTP status, and a text that says what to do next."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status: int = status
        self.text: str = text.encode("utf-8", "replace").decode()  # it may quote a name with a lone surrogate


# msgspec's messages, which name Python's types and jq-like paths, and the same in plain English.
_PLAIN: Final = tuple(
    (re.compile(pattern), text)
    for pattern, text in (
        (r"Expected `str` of length <= (\d+)", "{where} must have at most {0} characters."),
        (r"Expected `str` of length >= \d+", "{where} is empty: give a value, or leave it out."),
        (r"Expected `(?:int|float)` >= ([\d.]+)", "{where} must be {0} or more."),
        (r"Expected `(?:int|float)` <= ([\d.]+)", "{where} must be {0} or less."),
        (r"Expected `([^`]+)`, got `[^`]+`", "{where} must be {0}."),
        (r"Invalid enum value .*", "{where} has no such value: /openapi.json lists the valid ones."),
        (r"Object missing required field `(\w+)`", "{0} is required."),
    )
)
_KINDS: Final = {
    "str": "a string",
    "int": "a whole number",
    "float": "a number",
    "null": "null",
    "object": "an object",
    "array": "an array",
    "bool": "true or false",
}


def plain_text(error: msgspec.ValidationError) -> str:
    """What is wrong with a value, and what it must be."""
    problem, _, place = str(error).partition(" - at `$")
    where = place.strip("`.") or "The body"
    for pattern, text in _PLAIN:
        match = pattern.fullmatch(problem)
        if match:
            return text.format(*map(_kind, match.groups()), where=where)
    return f"{error}."


def _kind(found: str) -> str:
    return " or ".join(_KINDS.get(kind, kind) for kind in found.split(" | "))
