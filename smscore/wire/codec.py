"""JSON to models and back, strictly: a wrong type is an error that names its path, never a coercion."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from typing import Any, Final, TypeVar, cast, get_args

import attrs
import msgspec

T = TypeVar("T")

Raw = msgspec.Raw
"""A piece of JSON that has been found and not yet read."""

NULL: Final = Raw(b"null")
"""What stands for a key that is not there."""

BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


class DecodeError(Exception):
    """The bytes are not what was asked for; the text names the path, and holds nothing of the content."""


class _Masked(msgspec.Struct, frozen=True, gc=False):
    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"  # numbers and texts are in it


class Row(_Masked, frozen=True, gc=False):
    """One of thousands of entries alike: read in half the time of an attrs class, and no work for the collector."""


class Body(_Masked, frozen=True, gc=False, omit_defaults=True):
    """What a request says, in a half to a third of an attrs class's time: fields with their default are left out."""


def pieces(body: bytes) -> dict[str, Raw]:
    """The values of a JSON object by key, each still unread; a byte order mark before it is passed over."""
    return decode(body.removeprefix(BYTE_ORDER_MARK), dict[str, Raw])


def salvaged(body: bytes) -> Any:
    """A JSON value read past broken characters, for what nobody gets twice; ``DecodeError`` if there is none."""
    try:
        return json.loads(body.decode("utf-8-sig", "replace"), strict=False)
    except (ValueError, RecursionError):
        raise DecodeError("it is no JSON") from None


def decode(body: bytes | Raw, model: type[T]) -> T:
    """One JSON value as the model says; ``DecodeError`` where it is not that.

    msgspec reads what it can, which is every model without converters or aliases; cattrs reads the others.
    """
    try:
        road: Any = model  # mypy takes no type[T] as hashable
        if _is_plain(road):
            return cast("T", _decoder(road).decode(body))
        from smscore.wire.converter import structure

        return structure(_decoder(Any).decode(body), model)
    # msgspec tells of broken UTF-8 by UnicodeDecodeError and of too deep a nesting by RecursionError.
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise DecodeError(_path_of(error)) from None


def usual(body: bytes, model: type[T]) -> T | None:
    """A whole answer in one pass; None where it is not what the model says, and is to be read piece by piece."""
    try:
        body.decode()  # msgspec checks no characters in what it passes over
        return decode(body, model)
    except (UnicodeDecodeError, DecodeError):
        return None


def rows(body: bytes | Raw, model: type[T]) -> list[T | DecodeError]:
    """A JSON array, each entry as the model says; an entry that is not becomes its ``DecodeError``."""
    try:
        return list(decode(body, cast("type[list[T]]", list[model])))  # type: ignore[valid-type]  # a runtime alias
    except DecodeError:
        return [_row(raw, model) for raw in decode(body, list[Raw])]


def whole(value: object) -> int | None:
    """A whole number, also where it comes as text or as 1.0; None for anything else."""
    if type(value) is int:
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return int(value) if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,19}", value, re.ASCII) else None


def flag(value: object) -> bool | None:
    """A yes or no, also where it comes as 1 or as "0"; None for anything else."""
    return value if isinstance(value, bool) else _FLAGS.get(whole(value))


_FLAGS: Final[Mapping[int | None, bool]] = {0: False, 1: True}


def decimal(value: Raw) -> Decimal | None:
    """A JSON number, also where it comes as text, exactly as it is written; None for anything else."""
    try:
        number = decode(value, Decimal)
    except DecodeError:
        return None
    return number if number.is_finite() else None


def text(value: object) -> str | None:
    """What a provider says, as text, whatever it comes as; None where it says nothing."""
    return value if value is None or isinstance(value, str) else str(value)


def texts(value: object) -> list[str]:
    """What a provider says as a list of texts, also where it is one text, an object or nothing."""
    if value is None or value == {}:
        return []
    items = cast("list[object]", value) if isinstance(value, list) else [value]
    return [str(item) for item in items]


def encode(value: object) -> bytes:
    """A request's body as compact UTF-8 JSON: Persian as it is, and a model's fields with their default left out."""
    if hasattr(value, "__attrs_attrs__"):
        from smscore.wire.converter import unstructure

        value = unstructure(value)
    return _encoder.encode(value)


def _row(raw: Raw, model: type[T]) -> T | DecodeError:
    try:
        return decode(raw, model)
    except DecodeError as error:
        return error


def _path_of(error: Exception) -> str:
    # msgspec's own texts name types and the path only; the others may quote the bytes.
    if isinstance(error, msgspec.ValidationError):
        return str(error)
    return "it is no JSON" if not isinstance(error, RecursionError) else "it is nested too deeply"


@cache
def _decoder(model: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(model)


@cache
def _is_plain(model: Any) -> bool:
    if attrs.has(model):
        fields = attrs.fields(attrs.resolve_types(model))
        return all(f.converter is None and f.alias == f.name and _is_plain(f.type) for f in fields)
    return all(_is_plain(part) for part in get_args(model))


def _plain(value: object) -> object:
    # A Django SafeString or an enum of texts is a str all the same; msgspec asks here.
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return int(value)
    raise TypeError(f"{type(value).__name__} is no JSON")


_encoder: Final = msgspec.json.Encoder(enc_hook=_plain)
