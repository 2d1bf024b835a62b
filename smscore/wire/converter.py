"""Attrs models that msgspec cannot fill: those with an alias or a converter. cattrs reads them, with strict hooks.

Payamak's own providers have none: rows of thousands are msgspec's, and ``codec.read`` forgives odd spellings by the
model's types. So this module, and cattrs with it (a tenth of a second), is imported when a provider's author first uses
such a model.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar, get_args, get_origin

import attrs
import cattrs
from cattrs.cols import list_structure_factory
from cattrs.gen import make_dict_structure_fn

__all__ = ["StructureError", "structure", "unstructure"]

T = TypeVar("T")


class StructureError(Exception):
    """A value does not match its model; the text names the path, and nothing of the content."""


def structure(value: object, model: type[T]) -> T:
    """Decoded JSON as the model. Raises ``StructureError`` where it does not match."""
    try:
        return _strict.structure(value, model)
    except (cattrs.BaseValidationError, TypeError) as error:
        raise StructureError("; ".join(cattrs.transform_error(error, format_exception=_type_only))) from None


def unstructure(value: object) -> Any:
    """A model as JSON takes it; fields with their default are left out."""
    return _strict.unstructure(value)


def _type_only(error: BaseException, expected: type | None) -> str:
    # cattrs' own texts quote the value.
    if isinstance(error, KeyError):
        return "a required field is missing"
    return f"expected {getattr(expected, '__name__', expected)}"


def _exactly(kind: type) -> Any:
    def structure(value: object, _: type) -> object:
        if type(value) is not kind:
            raise TypeError(kind.__name__)
        return value

    return structure


def _only(kind: type, make: Callable[[Any, cattrs.Converter], Any]) -> Callable[[Any, cattrs.Converter], Any]:
    """A factory of hooks that accept exactly this type of JSON value."""

    def factory(model: Any, converter: cattrs.Converter) -> Any:
        hook = make(model, converter)

        def structure(value: object, wanted: Any) -> Any:
            if type(value) is not kind:
                raise TypeError(kind.__name__)
            return hook(value, wanted)

        return structure

    return factory


def _is_list(kind: Any) -> bool:
    return get_origin(kind) is list


def _is_list_of_plain(kind: Any) -> bool:
    return _is_list(kind) and not any(attrs.has(part) for part in get_args(kind))


_strict: Final = cattrs.Converter(omit_if_default=True)
# cattrs alone would make "None" of None, True of "false", 1 of 1.9, and a list of letters of "abc".
for _kind in (bool, int, str):
    _strict.register_structure_hook(_kind, _exactly(_kind))
_strict.register_structure_hook_factory(_is_list, _only(list, list_structure_factory))
_strict.register_structure_hook_factory(attrs.has, _only(dict, make_dict_structure_fn))
# A list of 10,000 numbers is JSON as it is; copying it would cost more than encoding it.
_strict.register_unstructure_hook_func(_is_list_of_plain, lambda items: items)
