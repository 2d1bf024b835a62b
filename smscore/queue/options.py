"""The options that every ``enqueue`` takes: their types, their defaults, and how each is checked."""

from __future__ import annotations

import datetime as dt
import inspect
from collections.abc import Callable
from typing import Any, TypedDict, TypeVar

import attrs
from attrs import field, frozen

from smscore.queue.arguments import Moment, checked_key, checked_priority, checked_window, moment
from smscore.queue.windows import Window

__all__ = ["EnqueueOptions"]

F = TypeVar("F", bound=Callable[..., Any])


class EnqueueOptions(TypedDict, total=False):
    """The options of ``enqueue``, ``enqueue_p2p`` and ``enqueue_pattern``, each of which may be left out."""

    key: str | None
    """Yours, and unique in the database: the same key with the same content gives the campaign that is there."""
    sender: str | None
    """The line to send from; None: the account's own."""
    not_before: float | dt.datetime | None
    """Nothing begins before: seconds from now, or an aware datetime."""
    expires: float | dt.datetime | None
    """Nothing begins after, and nothing is repeated: seconds from now, or an aware datetime."""
    window: Window | None
    """The hours of the day in which batches may begin."""
    priority: int
    """Higher ones go first."""
    skip_bad: bool
    """A bad number becomes a ``NOT_SENT`` result, instead of an error for all."""


def _not_before(value: object) -> Moment:
    return moment(value, "not_before")


def _expires(value: object) -> Moment:
    return moment(value, "expires")


@frozen(kw_only=True)
class CampaignOptions:
    """The same, checked."""

    key: str | None = field(default=None, converter=checked_key)
    sender: object = None
    """Checked by the account's client."""
    not_before: Moment = field(default=None, converter=_not_before)
    expires: Moment = field(default=None, converter=_expires)
    window: str | None = field(default=None, converter=checked_window)
    """As JSON."""
    priority: int = field(default=0, converter=checked_priority)
    skip_bad: bool = False


def checked_options(options: EnqueueOptions) -> CampaignOptions:
    """The options, checked. Raises ``InvalidRequest`` for a value, and ``TypeError`` for an unknown name."""
    names = [one.name for one in attrs.fields(CampaignOptions)]
    unknown = [repr(name) for name in options if name not in names]
    if unknown:
        raise TypeError(f"Unknown options: {', '.join(unknown)}. The options of enqueue are {', '.join(names)}.")
    return CampaignOptions(**options)


def shows_options(method: F) -> F:
    """The same method, whose signature names each of its ``**options: Unpack[EnqueueOptions]``."""
    hints = EnqueueOptions.__annotations__
    named = [
        inspect.Parameter(
            one.name, inspect.Parameter.KEYWORD_ONLY, default=one.default, annotation=hints[one.name].__forward_arg__
        )
        for one in attrs.fields(CampaignOptions)
    ]
    own = inspect.signature(method)
    others = [one for one in own.parameters.values() if one.kind is not inspect.Parameter.VAR_KEYWORD]
    method.__signature__ = own.replace(parameters=[*others, *named])  # type: ignore[attr-defined]
    return method
