"""JSON to models and back.

``decode`` is strict: a wrong type is an error that names its path, never a coercion. ``read`` is the one reader of
providers' answers: one in the documented form is decoded strictly, in one pass, and any other once more, leniently.
Leniency is about how a value is written, never about which value it is: ``"11"`` and ``11.0`` are 11 where the model
has an int, and no number passes through a float. An optional field that cannot be read is left out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from functools import cache
from itertools import accumulate
from typing import Any, Final, Generic, Literal, TypeGuard, TypeVar, cast, get_args

import attrs
import msgspec
from msgspec import inspect as info

from smscore.loops import forks
from smscore.masking import Masked

T = TypeVar("T")

Raw = msgspec.Raw
"""A piece of JSON that is decoded later."""

NULL: Final = Raw(b"null")
"""The value of a key that is missing."""


class DecodeError(Exception):
    """The bytes do not match the model; the text names the path, and nothing of the content."""


class Row(Masked, frozen=True, gc=False):
    """One of thousands of entries: decoded twice as fast as an attrs class, and untracked by the garbage collector."""


class Body(Masked, frozen=True, gc=False, omit_defaults=True):
    """A request's body, encoded two to three times as fast as an attrs class; fields at their default are left out."""


def salvaged(body: bytes) -> bytes:
    """The same JSON with broken characters replaced, for answers that nobody gets twice. Raises ``DecodeError``."""
    try:
        tree = _loads(_LAST_COMMAS.sub(r"\1", body.decode("utf-8-sig", "replace")), strict=False)
        return _encoder.encode(_without_halves(tree))
    except (ValueError, RecursionError, msgspec.MsgspecError):
        raise DecodeError("it is not JSON") from None


def readable(body: bytes) -> bytes:
    """The same answer, with broken characters replaced: one of them must not cost a whole listing."""
    try:
        body.decode()
    except UnicodeDecodeError:
        try:
            return salvaged(body)
        except DecodeError:
            return body
    return body


def decode(body: bytes | Raw, model: type[T]) -> T:
    """One JSON value as the model. Raises ``DecodeError`` where it does not match.

    msgspec reads what it can, which is every model without converters or aliases; cattrs reads the others.
    """
    try:
        any_model: Any = model  # mypy takes no type[T] as hashable
        plain = _plain_decoder(any_model)
        if plain is not None:
            return cast("T", plain.decode(body))
        _check_depth(bytes(body).decode())
        if any_model is Any:
            return cast("T", _decoder(Any).decode(body))
        from smscore.wire import converter  # cattrs takes a while to import, and hardly any model needs it

        try:
            return converter.structure(_decoder(Any).decode(body), model)
        except converter.StructureError as error:
            raise DecodeError(str(error)) from None
    # msgspec raises UnicodeDecodeError for broken UTF-8, and RecursionError for too deep a nesting.
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise DecodeError(_path_of(error)) from None


def decode_fast(body: bytes, model: type[T]) -> T | None:
    """A whole answer as the model, in one pass; None where it does not match, and is to be read piece by piece."""
    try:
        body.decode()  # msgspec does not check the characters that it skips
        return decode(body, model)
    except (UnicodeDecodeError, DecodeError):
        return None


def fast_decoder(model: type[T]) -> Callable[[bytes], T | None]:
    """``decode_fast`` for one model, whose decoder is looked up once."""
    plain = _plain_decoder(cast("Any", model))
    if plain is None:
        return lambda body: decode_fast(body, model)

    def decode_plain(body: bytes) -> T | None:
        try:
            body.decode()  # as in decode_fast
            found: T = plain.decode(body)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return None
        return found

    return decode_plain


_MAX_RECURRING: Final = 32  # texts
_MAX_LENGTH: Final = 100  # characters


class RecurringTexts(Generic[T]):
    """Decodes large answers in which one field has the same few texts in all rows: a sender, or the words for a status.

    msgspec finds a text of a ``Literal`` in a third of the time that a new ``str`` takes, so the field's type is a
    ``Literal`` of the texts of earlier answers. An answer with another text is decoded twice, and its texts are added.
    Once there are too many texts, or a long one, the field is a ``str`` for good.
    """

    def __init__(self, field: str, model: Callable[[Any], Any], rows: Callable[[T], Iterable[object]]) -> None:
        """``model`` returns the model of the answer for a type of ``field``; ``rows`` returns the rows of an answer."""
        self._field, self._model, self._rows = field, model, rows
        self._any: type[T] = model(str)
        self._known: type[T] | None = model(Literal[""])
        self._texts: frozenset[str] = frozenset({""})

    def decode(self, body: bytes) -> T:
        """The answer as the model. Raises ``DecodeError`` where it does not match."""
        known = self._known  # another thread may set it meanwhile
        if known is not None:
            try:
                return decode(body, known)
            except DecodeError as error:
                if not str(error).endswith(f".{self._field}`"):  # msgspec names the path of what does not match
                    raise
        whole = decode(body, self._any)
        if known is not None:
            self._learn({getattr(row, self._field) for row in self._rows(whole)} - {None})
        return whole

    def _learn(self, texts: set[str]) -> None:
        known = self._texts | texts
        if len(known) > _MAX_RECURRING or max(map(len, known)) > _MAX_LENGTH:
            self._known, self._texts = None, frozenset()
        else:
            self._known, self._texts = self._model(Literal[tuple(known)]), known


def read(body: bytes | Raw, model: type[T]) -> T:
    """One JSON value as the model, however it is written. Raises ``DecodeError`` where it cannot be read so."""
    try:
        if isinstance(body, bytes):
            body.decode()  # as in decode_fast
        return decode(body, model)
    except (UnicodeDecodeError, DecodeError):
        return read_loosely(body, model)


def read_loosely(body: bytes | Raw, model: type[T]) -> T:
    """As ``read`` without the strict pass: for models without required keys, so that keys in any case are found."""
    return _shaped(_tree(body), model)


def rows(body: bytes | Raw, model: type[T]) -> list[T | DecodeError]:
    """The entries of a JSON array as the model; one that cannot be read is replaced by its ``DecodeError``.

    A single object counts as an array of one.
    """
    try:
        return list(decode(body, cast("type[list[T]]", list[model])))  # type: ignore[valid-type]  # a runtime alias
    except DecodeError:
        found = _in_a_list(_tree(body))
    if not is_array(found):
        raise DecodeError("it is not an array")
    return [_row_or_error(entry, model) for entry in found]


def fields(raw: Raw) -> dict[str, Any]:
    """The fields of a row, unchanged; a value that is not an object is under an empty key."""
    row = read(raw, cast("type[Any]", Any))
    return row if is_object(row) else {"": row}


def row(raw: Raw, model: type[T]) -> T:
    """A row as a model without required fields; the empty model for a value that is not an object."""
    try:
        return read(raw, model)
    except DecodeError:
        return model()


def is_array(value: object) -> TypeGuard[list[Any]]:
    """Whether what JSON gave is an array."""
    return isinstance(value, list)


def is_object(value: object) -> TypeGuard[dict[str, Any]]:
    """Whether what JSON gave is an object."""
    return isinstance(value, dict)


def whole(value: object) -> int | None:
    """A whole number, also where it comes as ASCII digits in a text or as 1.0; None for anything else."""
    if type(value) is int:
        return value
    written = bytes(value).decode() if isinstance(value, Raw) else value
    match = _WHOLE.fullmatch(written) if isinstance(written, str) else None
    return int(match[1]) if match else None


_WHOLE: Final = re.compile(r"\s*(-?\d{1,20})(?:\.0+)?\s*", re.ASCII)


def flag(value: object) -> bool | None:
    """A yes or no, also where it comes as 1 or as "0"; None for anything else."""
    if isinstance(value, bool):
        return value
    return _FLAGS.get(value if isinstance(value, float) else whole(value))


_FLAGS: Final[Mapping[float | None, bool]] = {0: False, 1: True}


def amount(value: int | Decimal | None) -> int | Decimal | None:
    """An amount of money: whole numbers as int; None for infinity and NaN."""
    if not isinstance(value, Decimal):
        return value
    if not value.is_finite():
        return None
    is_short = value.adjusted() < _MAX_AMOUNT_DIGITS  # 1e999999999 as an int would fill the memory
    return int(value) if is_short and value == value.to_integral_value() else value


_MAX_AMOUNT_DIGITS: Final = 30  # digits


def texts(value: object) -> list[str]:
    """A list of texts, also where the provider gives one text, an object or nothing."""
    if value is None or value == {}:
        return []
    items = value if is_array(value) else [value]
    return [str(item) for item in items]


def encode(value: object) -> bytes:
    """A request's body as compact UTF-8 JSON: Persian as it is, and a model's fields with their default left out."""
    if hasattr(value, "__attrs_attrs__"):
        from smscore.wire.converter import unstructure

        value = unstructure(value)
    return _encoder.encode(value)


def _row_or_error(entry: object, model: type[T]) -> T | DecodeError:
    try:
        return _shaped(entry, model)
    except DecodeError as error:
        return error


# Strings are passed over whole, an unfinished one too, so that no text costs more than one pass.
_LAST_COMMAS: Final = re.compile(r'("(?:[^"\\]++|\\.)*+(?:"|\Z))|,(?=\s*+(?:[}\]]|\Z))', re.DOTALL)


def _tree(body: bytes | Raw) -> Any:
    """JSON as Python has it, but for numbers with a point or an exponent, which stay as they are written.

    A byte order mark of any encoding and a comma after the last entry are passed over; NaN is null.
    """
    raw = bytes(body)
    try:
        written = raw.decode(json.detect_encoding(raw))
        try:
            return _loads(written)
        except json.JSONDecodeError:
            return _loads(_LAST_COMMAS.sub(r"\1", written))
    except (ValueError, RecursionError) as error:
        raise DecodeError(_path_of(error)) from None


def _loads(written: str, *, strict: bool = True) -> Any:
    _check_depth(written)
    return json.loads(
        written, strict=strict, parse_float=lambda number: Raw(number.encode()), parse_constant=lambda _: None
    )


_MAX_DEPTH: Final = 250  # a quarter of the usual stack
_NO_BRACKETS: Final = re.compile(r'"(?:[^"\\]++|\\.)*+(?:"|\Z)|[^\[\]{}"]++', re.DOTALL)
_STEPS: Final[Mapping[str, int]] = {"[": 1, "{": 1, "]": -1, "}": -1}


def _check_depth(written: str) -> None:
    """``RecursionError`` where JSON is nested deeper than any provider's.

    A reader would go down to the end of the stack before it raises one, and any finalizer of the program that the
    garbage collector called there would fail.
    """
    if written.count("[") + written.count("{") > _MAX_DEPTH:
        brackets = _NO_BRACKETS.sub("", written)
        if max(accumulate(map(_STEPS.__getitem__, brackets)), default=0) > _MAX_DEPTH:
            raise RecursionError


def _shaped(tree: object, model: type[T]) -> T:
    any_model: Any = model  # as in decode
    fitted = _fitted(tree, _type_info(any_model))
    try:
        try:
            return decode(_encoder.encode(fitted), model)
        except UnicodeEncodeError:
            return decode(_encoder.encode(_without_halves(fitted)), model)
    except (RecursionError, msgspec.MsgspecError) as error:
        raise DecodeError(_path_of(error)) from None


def _without_halves(tree: object) -> object:
    """The same, with no half of a surrogate pair, which an emoji that is cut in two leaves."""
    if isinstance(tree, str):
        return tree.encode("utf-8", "replace").decode()
    if is_array(tree):
        return [_without_halves(item) for item in tree]
    if is_object(tree):
        return {_without_halves(key): _without_halves(value) for key, value in tree.items()}
    return tree


def _fitted(value: object, kind: object) -> Any:
    """A value written as its type has it, as far as it can be told; what cannot be told is left for the strict pass."""
    of: type[object] = type(kind)
    fit = _FITS.get(of)
    return value if fit is None else fit(value, kind)


def _fitted_int(value: object, _: object) -> object:
    number = whole(value)
    return value if number is None else number


def _fitted_text(value: object, _: object) -> object:
    if isinstance(value, Raw):
        number = whole(value)
        return bytes(value).decode() if number is None else str(number)
    return str(value) if type(value) is int else value


_DECIMAL: Final = re.compile(r"\s*(-?\d+(?:\.\d+)?)\s*", re.ASCII)


def _fitted_decimal(value: object, _: object) -> object:
    match = _DECIMAL.fullmatch(value) if isinstance(value, str) else None
    return str(Decimal(match[1])) if match else value


def _fitted_list(value: object, kind: Any) -> object:
    items = _in_a_list(value) if isinstance(kind.item_type, _OBJECTS) else value
    return [_fitted(item, kind.item_type) for item in items] if is_array(items) else items


def _in_a_list(value: object) -> object:
    return [value] if is_object(value) and value else value


def _fitted_dict(value: object, kind: Any) -> object:
    return {key: _fitted(item, kind.value_type) for key, item in value.items()} if is_object(value) else value


def _fitted_object(value: object, kind: Any) -> object:
    if not is_object(value):
        return value
    keys = {key.casefold(): key for key in value} | {key: key for key in value}
    others: Mapping[str, str] = getattr(kind.cls, "also_called", {})
    fields: dict[str, Any] = {}
    for field in kind.fields:
        name = field.encode_name
        key = next((keys[key] for key in (name, others.get(name), name.casefold()) if key in keys), None)
        if key is None:
            continue
        fitted = _fitted(value[key], field.type)
        if field.required or _is(fitted, field.type):  # an odd value of any other must not cost the rest
            fields[name] = fitted
    return fields


def _fitted_union(value: object, kind: Any) -> object:
    if value is None or any(_is(value, member) for member in kind.types if not isinstance(member, _DEEP)):
        return value
    for member in kind.types:
        fitted = _fitted(value, member)
        if _is(fitted, member):
            return fitted
    return value


_OBJECTS: Final = (info.StructType, info.DataclassType)
_DEEP: Final = (info.ListType, info.DictType, *_OBJECTS)

_FITS: Final[Mapping[type, Callable[[Any, Any], Any]]] = {
    info.IntType: _fitted_int,
    info.StrType: _fitted_text,
    info.DecimalType: _fitted_decimal,
    info.ListType: _fitted_list,
    info.DictType: _fitted_dict,
    info.StructType: _fitted_object,
    info.DataclassType: _fitted_object,
    info.UnionType: _fitted_union,
}

_PYTHON: Final[Mapping[type, type | tuple[type, ...]]] = {
    info.IntType: int,
    info.BoolType: bool,
    info.StrType: str,
    info.DecimalType: (int, Raw, Decimal),
    info.ListType: list,
    info.TupleType: list,
    info.DictType: dict,
    info.StructType: dict,
    info.DataclassType: dict,
}


def _is(value: object, kind: object) -> bool:
    """Whether a value is written as this type has it, as far as its outside shows."""
    if isinstance(kind, (info.AnyType, info.RawType)):
        return True
    if isinstance(kind, info.UnionType):
        return any(_is(value, member) for member in kind.types)
    if isinstance(kind, info.NoneType):
        return value is None
    if isinstance(kind, info.DecimalType) and isinstance(value, str):
        return _DECIMAL.fullmatch(value) is not None
    if isinstance(value, bool) is not isinstance(kind, info.BoolType):
        return False
    return isinstance(value, _PYTHON.get(type(kind), ()))


def _path_of(error: Exception) -> str:
    # msgspec's own texts name types and the path only; the others may quote the bytes.
    if isinstance(error, msgspec.ValidationError):
        return str(error)
    return "it is not JSON" if not isinstance(error, RecursionError) else "it is nested too deeply"


@cache
def _type_info(model: Any) -> info.Type:
    return info.type_info(model)


@cache
def _decoder(model: Any) -> msgspec.json.Decoder[Any]:
    # msgspec keeps what it knows of a struct with its class, from the moment when it begins to find it out. A thread
    # that takes it before its end crashes the process, and so the sends of all its clients.
    with forks.MAKING:
        return msgspec.json.Decoder(model)


@cache
def _plain_decoder(model: Any) -> msgspec.json.Decoder[Any] | None:
    """The decoder of a model that msgspec reads alone; None of any other."""
    return _decoder(model) if model is not Any and _is_plain(model) else None


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
    raise TypeError(f"{type(value).__name__} is not JSON")


_encoder: Final = msgspec.json.Encoder(enc_hook=_plain)
