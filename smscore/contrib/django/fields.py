"""The columns of the queue's tables that Django has no field for."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, TypeAlias

from django import forms
from django.db import models

from smscore.dates import from_unix

__all__ = ["UnixTimeField"]


if TYPE_CHECKING:
    _Field: TypeAlias = models.Field[dt.datetime | None, dt.datetime | None]
else:
    _Field = models.Field


class UnixTimeField(_Field):
    """A time, stored as seconds since 1970; an aware ``datetime`` in Python."""

    description: Any = "Date and time, as seconds since 1970"

    def get_internal_type(self) -> str:
        """The field whose column it has."""
        return "FloatField"

    def from_db_value(self, value: float | None, *_: Any) -> dt.datetime | None:
        """The time of what is stored."""
        return from_unix(value)

    def to_python(self, value: Any) -> dt.datetime | None:
        """The time of what is stored, or of what a form or a fixture has."""
        if isinstance(value, (int, float)):
            return from_unix(value)
        parse: Any = models.DateTimeField().to_python
        found: dt.datetime | None = parse(value)
        return found

    def get_prep_value(self, value: Any) -> Any:
        """What is stored."""
        return value.timestamp() if isinstance(value, dt.datetime) else super().get_prep_value(value)

    def value_to_string(self, obj: models.Model) -> str:
        """The time as a fixture has it."""
        value = self.value_from_object(obj)
        return "" if value is None else value.isoformat()

    def formfield(self, *args: Any, **kwargs: Any) -> Any:
        """A form's field for a date and time."""
        kwargs.setdefault("form_class", forms.DateTimeField)
        return super().formfield(*args, **kwargs)
