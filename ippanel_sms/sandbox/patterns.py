"""Sends by a pattern: a text with placeholders that the panel knows by a code (Send Pattern SMS)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final, cast

from ippanel_sms.sandbox.envelope import Json, Problem
from ippanel_sms.sandbox.fields import (
    LINE,
    RECIPIENT,
    RECIPIENTS,
    Field,
    Fields,
    between,
    each_problem,
    is_object,
    is_text,
    members,
    problem,
    problems,
)
from ippanel_sms.sandbox.outbox import Draft
from smscore.sandbox import Call

__all__ = ["BUILT_IN", "one_recipient", "pattern_drafts", "pattern_problems"]

# The codes that every sandbox knows. A panel's own codes are random letters and digits.
BUILT_IN: Final[Mapping[str, str]] = {
    "otp": "کد تأیید شما: %code%",
    "welcome": "%name% عزیز، خوش آمدید.",
    "order": "%name% عزیز، سفارش %number% ثبت شد.",
}

PLACEHOLDER: Final = re.compile(r"%([^%\s]+)%")
ONLY_ONE: Final = "تنها یک گیرنده مجاز است"  # the documents have no words for these two
NOT_IN_PATTERN: Final = "این متغیر در پترن نیست"

BODY: Final[Fields] = {
    "from_number": LINE,
    "code": Field("کد پترن", is_text),
    "recipients": RECIPIENTS,
}
UNKNOWN_CODE: Final = Field("کد پترن", lambda _: False)
PARAMS: Final = Field("پارامترها", is_object)
is_whole: Final = between(-(2**63), 2**63 - 1)


def pattern_of(call: Call, body: Json) -> str | None:
    code = body.get("code")
    return call.emulation.patterns.get(code) if isinstance(code, str) else None


def pattern_problems(call: Call, body: Json) -> Iterator[Problem]:
    """What is wrong with a send by a pattern."""
    yield from problems(body, BODY)
    yield from one_recipient(body.get("recipients"), "recipients")
    pattern = pattern_of(call, body)
    if pattern is not None:
        yield from params_problems(pattern, body.get("params"))
    elif body.get("code"):
        yield from problem("code", UNKNOWN_CODE, body["code"])


def one_recipient(recipients: object, path: str) -> Iterator[Problem]:
    """What is wrong with a list of recipients that may have one."""
    yield from each_problem(recipients, RECIPIENT, path)
    if isinstance(recipients, list) and len(cast("list[object]", recipients)) > 1:
        yield path, ONLY_ONE


def params_problems(pattern: str, params: object) -> Iterator[Problem]:
    """What is wrong with the values: the pattern's placeholders are wanted, all of them and no other."""
    names = dict.fromkeys(PLACEHOLDER.findall(pattern))
    if names or params not in (None, {}, []):
        yield from problem("params", PARAMS, params)
    for name in names:
        yield from problem(f"params.{name}", Field(name, is_scalar), members(params).get(name))
    yield from ((f"params.{name}", NOT_IN_PATTERN) for name in members(params) if name not in names)


def is_scalar(value: object) -> bool:
    return isinstance(value, str | float) or is_whole(value)


def pattern_drafts(call: Call, body: Json) -> Iterator[Draft]:
    """The pattern with its values filled in."""
    params = members(body.get("params"))
    text = PLACEHOLDER.sub(lambda match: str(params[match[1]]), pattern_of(call, body) or "")
    yield Draft(str(body["from_number"]), text, cast("list[str]", body["recipients"]))
