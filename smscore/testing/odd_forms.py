"""The ways in which servers write JSON that says the same: numbers as texts, commas too many, other encodings."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from attrs import frozen

from smscore.wire.codec import is_array, is_object

__all__ = ["FORMS", "Form", "with_unknown_fields"]


@frozen
class Form:
    """How an answer's JSON is written; ``of`` writes a value so."""

    number: Callable[[Any], str] = json.dumps
    comma: str = ""
    before: str = ""
    after: str = ""
    encoding: str = "utf-8"
    content_type: str = "application/json"

    def of(self, value: Any) -> bytes:
        """The bytes of an answer with this JSON value, in this form."""
        return (self.before + self._written(value) + self.after).encode(self.encoding)

    def _written(self, value: Any) -> str:
        if is_object(value):
            entries = [f"{json.dumps(key)}: {self._written(item)}" for key, item in value.items()]
            return "{" + ", ".join(entries) + (self.comma if entries else "") + "}"
        if is_array(value):
            return "[" + ", ".join(map(self._written, value)) + (self.comma if value else "") + "]"
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        return self.number(value) if is_number else json.dumps(value, ensure_ascii=False)


def _with_zeros(number: float, zeros: str = ".0") -> str:
    return f"{number}{zeros}" if isinstance(number, int) else str(number)


FORMS: Final[Mapping[str, Form]] = {
    "numbers as texts": Form(lambda number: f'"{number}"'),
    "numbers as texts with blanks": Form(lambda number: f'" {number} "'),
    "whole numbers with .0": Form(_with_zeros),
    "whole numbers with .000": Form(lambda number: _with_zeros(number, ".000")),
    "whole numbers with .0 as texts": Form(lambda number: f'"{_with_zeros(number)}"'),
    "a comma after every last entry": Form(comma=" ,\n "),
    "a comma after the answer": Form(after=",\n"),
    "a byte order mark": Form(before="\ufeff"),
    "UTF-16 with a byte order mark": Form(encoding="utf-16"),
    "HTML by its content type": Form(content_type="text/html; charset=windows-1256"),
    "no content type": Form(content_type=""),
    "a content type that is none": Form(content_type=";;="),
    "all at once": Form(
        lambda number: f'"{_with_zeros(number)}"', ",", "\ufeff \n", "\n, \n", content_type="text/plain"
    ),
}


def with_unknown_fields(value: Any, depth: int = 2) -> Any:
    """The same answer with a field that no document names in the envelope, in what it holds, and in each row.

    Deeper objects may be tables by name, where another name is another entry.
    """
    if is_object(value) and depth:
        known = {name: with_unknown_fields(item, depth - 1) for name, item in value.items()}
        return {"aFieldOfTomorrow": {"code": [None, 1.5]}, **known}
    if is_array(value):
        return [with_unknown_fields(item, min(depth, 1)) for item in value]
    return value
