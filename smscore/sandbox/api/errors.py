"""What a call of the sandbox's own REST interface is refused with."""

import re
from typing import Final

import attrs
import msgspec

__all__ = ["ErrorBody", "RestError", "plain_words"]


@attrs.frozen
class ErrorBody:
    """Why a call was refused, and what to do next."""

    error: str


class RestError(Exception):
    """Raised to refuse a call: an HTTP status, and words that say what to do next."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status: int = status
        self.words: str = words.encode("utf-8", "replace").decode()


# What msgspec says of a value that does not fit, and the same in plain words.
_PLAIN: Final = tuple(
    (re.compile(pattern), words)
    for pattern, words in (
        (r"Expected `str` of length <= (\d+)", "{where} is too long: give at most {0} characters."),
        (r"Expected `str` of length >= \d+", "{where} is empty: give a value, or leave it out."),
        (r"Expected `(?:int|float)` >= ([\d.]+)", "{where} is too small: give {0} or more."),
        (r"Expected `(?:int|float)` <= ([\d.]+)", "{where} is too large: give {0} or less."),
        (r"Expected `([^`]+)`, got `[^`]+`", "{where} is of the wrong kind: give {0}."),
        (r"Invalid enum value .*", "{where} has no such value: /openapi.json lists those that it has."),
        (r"Object missing required field `(\w+)`", "{0} is missing: give it a value."),
    )
)
_KINDS: Final = {
    "str": "a text",
    "int": "a whole number",
    "float": "a number",
    "null": "null",
    "object": "an object",
    "array": "a list",
    "bool": "true or false",
}


def plain_words(error: msgspec.ValidationError) -> str:
    """What is wrong with a value, in words that say what to do next."""
    problem, _, place = str(error).partition(" - at `$")
    where = place.strip("`.") or "The body"
    for pattern, words in _PLAIN:
        match = pattern.fullmatch(problem)
        if match:
            return words.format(*map(_kind, match.groups()), where=where)
    return f"{error}."


def _kind(found: str) -> str:
    return " or ".join(_KINDS.get(kind, kind) for kind in found.split(" | "))
