"""What callers give to a queue, checked."""

from __future__ import annotations

import datetime as dt
import math
from numbers import Real

from attrs import frozen

from smscore.errors import InvalidRequest
from smscore.inputs import aware
from smscore.integers import as_int
from smscore.queue.model import Campaign
from smscore.queue.windows import Window
from smscore.text import can_be_encoded

MAX_KEY = 200  # characters


@frozen
class Moment:
    """A time: ``at`` in seconds since 1970, or so many ``seconds`` from now by the database's clock."""

    at: float | None = None
    seconds: float | None = None

    def resolve(self, now: float) -> float | None:
        """Seconds since 1970, or None where none was given."""
        return now + self.seconds if self.seconds is not None else self.at


def moment(value: object, name: str) -> Moment:
    """A time given as seconds from now, as an aware datetime, or not at all. Raises ``InvalidRequest``."""
    if value is None:
        return Moment()
    if isinstance(value, dt.datetime):
        return Moment(at=aware(value, name, dt.UTC).timestamp())
    seconds = _seconds(value)
    if seconds is not None:
        return Moment(seconds=seconds)
    raise InvalidRequest(f"{name}= must be a number of seconds ≥ 0, or a datetime with a time zone.")


def checked_key(key: object) -> str | None:
    """The key of a campaign. Raises ``InvalidRequest``."""
    if key is None:
        return None
    if not isinstance(key, str) or not key.strip() or len(key) > MAX_KEY or "\0" in key or not can_be_encoded(key):
        raise InvalidRequest(f"key= must be a text of 1 to {MAX_KEY} characters, e.g. order-1404-17.")
    return key


def checked_priority(priority: object) -> int:
    """The priority. Raises ``InvalidRequest``."""
    number = as_int(priority)
    if number is None or not -(2**31) <= number < 2**31:
        raise InvalidRequest("priority= must be a whole number of 32 bits. Higher ones are sent first.")
    return number


def checked_window(window: object) -> str | None:
    """The window as JSON. Raises ``InvalidRequest``."""
    if window is None:
        return None
    if not isinstance(window, Window):
        raise InvalidRequest("window= must be a smscore.queue.Window, such as Window(time(8), time(22)).")
    return window.as_json()


def campaign_id(campaign: object) -> int:
    """The id of a campaign, or of its id. Raises ``InvalidRequest``."""
    number = campaign.id if isinstance(campaign, Campaign) else as_int(campaign)
    if number is None:
        raise InvalidRequest("campaign must be what enqueue() or campaign(key) returned.")
    return number


def checked_seconds(value: object, name: str) -> float:
    """A number of seconds. Raises ``InvalidRequest``."""
    seconds = _seconds(value)
    if seconds is None:
        raise InvalidRequest(f"{name} must be a number of seconds ≥ 0.")
    return seconds


def _seconds(value: object) -> float | None:
    if not isinstance(value, Real) or isinstance(value, bool):
        return None
    seconds = float(value)
    return seconds if math.isfinite(seconds) and seconds >= 0 else None
