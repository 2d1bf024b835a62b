"""No value's ``repr`` shows a token, a number or a text: planted in every field that may hold it."""

import collections.abc
import importlib
import inspect
import pkgutil
import re
import types
import typing
from collections.abc import Iterator
from enum import Enum
from typing import Any

import attrs
import msgspec
import pytest

import ippanel_sms
import najva_sms
import sepahan_sms
import smscore

PLANTED = "tok-5ecret 09121234567 482177"
PACKAGES = (smscore, sepahan_sms, ippanel_sms, najva_sms)
OUTSIDE = (
    "smscore.cli.",  # its values are read from a file and shown to its owner
    "smscore.recipients.",
    "smscore.testing.",
)
IN_A_PROJECT = "smscore.contrib.django"  # its models are only there where Django has settings
TRAFFIC = ("smscore.auth", "smscore.calls.", "smscore.messages", "smscore.results", "smscore.sending.", "smscore.wire.")
"""Where requests and answers are handled, besides the providers' packages: there fields are hidden but for these."""
OWN_REPR = {
    *("AsyncClient", "BlockingClient", "AsyncFailover", "Failover", "AsyncSendQueue", "SendQueue"),
    *("Pattern", "Sandbox", "SandboxMessage", "Secret", "SendReport", "_Selection"),
}
"""Classes that say what they are in words of their own, each with a test of its own in test_secrets or test_masks."""

TELLING = re.compile(
    r"_?(\w*texts?|message_?text|body|bodies|content|headers|query|extra|params|payload|details|refs?|raw|\w*tokens?|secret"
    r"|\w*numbers?|recipients?|receptors?|receivers?|phones?|early)",
    re.IGNORECASE,
)
"""Elsewhere, what a field is called that holds a token, a number or a text."""

# Fields of requests and answers that may be shown, since they never hold a token, a number of a person or a text. What
# is not here is hidden, so that a new field is hidden until somebody thinks of it.
NAMES = """
_base_url _sender alias allowed async_client bank base_url base_url_suffix call calls client direction encoding
first_index kind label line_prefix lines method name names needs package path provider reason request_id
request_ids samples sandbox scheme sender senders size title type
date description document_block is_reseller meaning message_code notices outcomes persian send_block
state status statuses url words
blacklisted delivered failed operators_blacklist operators_delivered operators_failed operators_pending
operators_sent pending sent
_begun codes file_id lookups taken Ids.header ErrorBody.error
_Ended.code _Ended.error RequestEnded.code RequestEnded.error BatchEnded.code BatchEnded.error CallEnded.code
CallEnded.error
RefusalTable.fields PatternChoice.code PatternChoice.text SpecialRecipientChoice.recipient
"""
SHOWN = frozenset(NAMES.split())


def modules() -> Iterator[types.ModuleType]:
    for package in PACKAGES:
        yield package
        for found in pkgutil.walk_packages(package.__path__, package.__name__ + ".", _of_a_project):
            if not found.name.startswith(IN_A_PROJECT):
                yield importlib.import_module(found.name)


def _of_a_project(name: str) -> None:
    """Let a package pass that could not be imported outside one; any other raises what its import raised."""
    if not name.startswith(IN_A_PROJECT):
        raise  # it is called where the import failed


def own_classes() -> list[type]:
    found = {
        value: None
        for module in modules()
        for value in vars(module).values()
        if inspect.isclass(value) and value.__module__ == module.__name__
    }
    return [one for one in found if not one.__module__.startswith(OUTSIDE)]


CLASSES = own_classes()


def fields_of(kind: type) -> list[str]:
    """The names of a value class's fields; none of any other class."""
    if attrs.has(kind):
        return [field.name for field in attrs.fields(kind)]
    return list(getattr(kind, "__struct_fields__", getattr(kind, "_fields", ())))


def parts_of(hint: Any) -> list[Any]:
    """The types that a value of this type may hold, outermost first, but for those of functions."""
    if typing.get_origin(hint) in (typing.Literal, collections.abc.Callable):
        return []
    return [hint, *(part for inner in typing.get_args(hint) for part in parts_of(inner))]


def planted(hint: Any) -> Any:
    """A value of this type that holds what is looked for; None where no such value can hold a text."""
    if hint in (str, Any, object, typing.Hashable):
        return PLANTED
    if hint in (bytes, bytearray):
        return PLANTED.encode()
    if hint is msgspec.Raw:
        return msgspec.Raw(msgspec.json.encode(PLANTED))
    if not {str, bytes, bytearray, Any, object, msgspec.Raw} & {one for one in parts_of(hint) if is_hashable(one)}:
        return None
    origin = typing.get_origin(hint)
    if inspect.isclass(origin) and issubclass(origin, collections.abc.Mapping):
        return {PLANTED: PLANTED}
    inner = next(value for value in map(planted, typing.get_args(hint)) if value is not None)
    return inner if origin in (typing.Union, types.UnionType, typing.Annotated) else [inner]


def is_hashable(value: object) -> bool:
    return isinstance(value, typing.Hashable)


def made(kind: type, values: dict[str, Any]) -> Any:
    """An instance with these values, unchecked."""
    if issubclass(kind, msgspec.Struct):
        return kind(**{name: values.get(name, {}) for name in fields_of(kind)})
    if issubclass(kind, tuple):
        return tuple.__new__(kind, [values.get(name, {}) for name in fields_of(kind)])
    one = object.__new__(kind)
    for name in fields_of(kind):
        object.__setattr__(one, name, values.get(name, {}))
    return one


def hints_of(kind: type) -> dict[str, Any]:
    """The fields' types. One that cannot be evaluated is Any where its text names a type that holds texts."""
    try:
        return typing.get_type_hints(kind)
    except (NameError, TypeError):  # names for type checkers alone, and array[int]
        written = {name: text for base in kind.__mro__ for name, text in vars(base).get("__annotations__", {}).items()}
        return {name: Any if TEXTS.search(str(text)) else int for name, text in written.items()}


TEXTS = re.compile(r"\b(str|bytes|Any|object|Raw)\b")


def shown_fields(kind: type) -> list[str]:
    """The fields of a class that its ``repr`` shows and that may hold a text."""
    hints = hints_of(kind)
    values = {name: planted(hints.get(name, Any)) for name in fields_of(kind)}
    return [name for name, value in values.items() if value is not None and is_shown(kind, name, value)]


def is_shown(kind: type, name: str, value: Any) -> bool:
    one = made(kind, {name: value})
    shown = repr(one) + repr([*getattr(one, "__rich_repr__", list)()])  # the second is what rich's tracebacks show
    return any(part in shown for part in PLANTED.split())


def may_be_shown(kind: type, name: str) -> bool:
    if f"{kind.__name__}.{name}" in SHOWN:
        return True
    is_of_traffic = kind.__module__.startswith(TRAFFIC) or not kind.__module__.startswith("smscore")
    return name in SHOWN if is_of_traffic else TELLING.fullmatch(name) is None


VALUES = [kind for kind in CLASSES if fields_of(kind) and not issubclass(kind, BaseException)]


@pytest.mark.parametrize("kind", [one for one in VALUES if one.__name__ not in OWN_REPR], ids=lambda one: one.__name__)
def test_a_value_shows_no_field_that_may_hold_a_secret(kind: type) -> None:
    assert [name for name in shown_fields(kind) if not may_be_shown(kind, name)] == []


def test_every_other_class_that_describes_itself_is_known() -> None:
    others = [
        one for one in CLASSES if not (fields_of(one) or attrs.has(one) or issubclass(one, (msgspec.Struct, Enum)))
    ]
    assert {one.__name__ for one in others if {"__repr__", "__str__"} & set(vars(one))} <= OWN_REPR


def test_the_search_finds_a_field_that_is_shown_whatever_holds_the_text() -> None:
    class Bare(msgspec.Struct):
        headers: dict[str, str]
        body: bytes | None = None
        numbers: list[str] = []
        raw: msgspec.Raw = msgspec.Raw(b"")
        count: int = 0

    @attrs.frozen
    class Half:
        text: str
        hidden: str = attrs.field(repr=False)
        nested: tuple[tuple[str, int], ...] = ()

    assert shown_fields(Bare) == ["headers", "body", "numbers"]
    assert shown_fields(Half) == ["text", "nested"]


def test_what_a_request_is_made_of_is_searched() -> None:
    assert {"Request", "Answer", "Content", "Batch", "BatchResult", "OneText"} <= {one.__name__ for one in VALUES}
