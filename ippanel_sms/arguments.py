"""Arguments of IPPanel's calls, checked before anything is sent, in the form that its API takes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from ippanel_sms.codes import BulkState
from smscore import InvalidRequest
from smscore.wire import (
    as_int,
    is_id,
    unix_text,
    utc_text,
)

__all__ = ["checked_id", "checked_state", "send_time_field", "unix_or_none"]


def send_time_field(send_time: dt.datetime | None) -> Mapping[str, str]:
    """The field of a time to send at, in UTC; none if None. Raises ``InvalidRequest`` for a naive datetime."""
    return {} if send_time is None else {"send_time": utc_text(send_time, "send_time")}


def checked_id(name: str, value: int) -> int:
    """IPPanel's id of a message. Raises ``InvalidRequest`` unless it is a whole number of 64 bits."""
    number = as_int(value)
    if not is_id(number):
        raise InvalidRequest(f"{name}= must be IPPanel's id, a whole number of 64 bits.")
    return number


def checked_state(state: BulkState | int) -> str:
    """The number of a bulk message's state, as text. Raises ``InvalidRequest`` for anything else."""
    number = as_int(state)
    if not is_id(number):
        raise InvalidRequest("state= must be an ippanel_sms.BulkState or its number.")
    return str(number)


def unix_or_none(name: str, moment: dt.datetime | None) -> str | None:
    """A moment as unix seconds in text, or None. Raises ``InvalidRequest`` for a naive datetime."""
    return None if moment is None else unix_text(moment, name)
