"""What the fields of a body or a query may be, and what is wrong with those that are not."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Final, cast

from attrs import frozen

from ippanel_sms.sandbox.envelope import WRONG_BODY, Json, Problem, invalid
from smscore.sandbox import Call, read_json

__all__ = [
    "LINE",
    "RECIPIENT",
    "RECIPIENTS",
    "TEXT",
    "Check",
    "Field",
    "Fields",
    "between",
    "each_problem",
    "is_list",
    "is_natural",
    "is_numeral",
    "is_object",
    "is_text",
    "is_time",
    "items",
    "matching",
    "members",
    "problem",
    "problems",
    "query_of",
    "read_object",
    "seconds_of",
]

Check = Callable[[object], bool]


@frozen
class Field:
    """A field's name in the errors, what it may be, and whether it may be left out."""

    label: str
    fits: Check
    required: bool = True


Fields = dict[str, Field]

# Reading


def read_object(call: Call) -> Json:
    """The body as an object. JSON of another kind is an empty one: every field is missing."""
    return members(read_json(call.body or b"{}", object, invalid({"body": WRONG_BODY})))


def query_of(call: Call) -> Json:
    """The query as an object, its values texts."""
    return members(dict(call.query))


def members(value: object) -> Json:
    """The members of an object without those whose value is blank; none for anything else."""
    if not isinstance(value, dict):
        return {}
    return {name: member for name, member in cast("Json", value).items() if not is_blank(member)}


def is_blank(value: object) -> bool:
    """Whether a value is as good as none: null, or an empty text, list or object."""
    return value is None or value in ("", [], {})


def items(value: object) -> list[object]:
    """The items of a list; none for anything else."""
    return cast("list[object]", value) if isinstance(value, list) else []


# What a field may be


def matching(pattern: str) -> Check:
    """A text of this form."""
    form = re.compile(pattern)
    return lambda value: isinstance(value, str) and form.fullmatch(value) is not None


def between(least: int, most: int) -> Check:
    """A whole number of this range."""
    return lambda value: type(value) is int and least <= value <= most


def of_type(kind: type) -> Check:
    """A value of one JSON type."""
    return lambda value: isinstance(value, kind)


def is_natural(value: object) -> bool:
    """A whole number from 0 on."""
    return type(value) is int and value >= 0


def is_time(value: object) -> bool:
    """A ``send_time`` that the calendar has."""
    return looks_like_time(value) and seconds_of(str(value)) is not None


def seconds_of(time: str) -> float | None:
    """Seconds since the epoch of a ``send_time``, which is in UTC; None where the calendar has no such time."""
    try:
        return datetime.strptime(time, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None


is_text: Final = of_type(str)
is_list: Final = of_type(list)
is_object: Final = of_type(dict)
looks_like_time: Final = matching(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}")
is_recipient: Final = matching(r"\+989[0-9]{9}")
is_line: Final = matching(r"\+[1-9][0-9]{3,14}|\+98[A-Z]{1,20}")
is_numeral: Final = matching(r"[0-9]{1,18}")

# Fields of several calls

LINE: Final = Field("شماره فرستنده", is_line)
TEXT: Final = Field("پیام", is_text)
RECIPIENTS: Final = Field("گیرندگان", is_list)
RECIPIENT: Final = Field("شماره گیرنده", is_recipient)

# What is wrong with a field


def problem(path: str, field: Field, value: object) -> Iterator[Problem]:
    """What is wrong with one value."""
    if is_blank(value):
        if field.required:
            yield path, f"تکمیل گزینه {field.label} الزامی است"
    elif not field.fits(value):
        yield path, f"گزینه {field.label} معتبر نیست"


def problems(given: Json, fields: Fields, path: str = "") -> Iterator[Problem]:
    """What is wrong with the members of the object at ``path``."""
    for name, field in fields.items():
        yield from problem(path + name, field, given.get(name))


def each_problem(values: object, field: Field, path: str) -> Iterator[Problem]:
    """What is wrong with the items of the list at ``path``."""
    for index, value in enumerate(items(values)):
        yield from problem(f"{path}.{index}", field, value)
