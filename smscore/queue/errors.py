"""What a database says when it cannot be used, as errors of Payamak: an outage, or something to put right."""

from __future__ import annotations

from typing import Final

from smscore.errors import ConfigurationError
from smscore.results import SMSError

__all__ = ["QueueUnavailable"]

_MAX_WORDS: Final = 200


class QueueUnavailable(SMSError):
    """The queue's database cannot be reached, is busy, or has a full disk; ``__cause__`` is its driver's error.

    It may work later: workers wait for it. What the call wrote was not stored, unless the connection broke during the
    commit: an ``enqueue`` that is made again with the same ``key`` is never sent twice.
    """


def unavailable(error: BaseException) -> QueueUnavailable:
    """An outage, in the driver's words."""
    return QueueUnavailable(
        f"The queue's database cannot be used: {words_of(error)}. Try again once it works; an enqueue with "
        "the same key= is never sent twice."
    )


def misconfigured(error: BaseException, advice: str) -> ConfigurationError:
    """Something that waiting does not mend, in the driver's words, and what to do."""
    return ConfigurationError(f"The queue's database refuses to work: {words_of(error)}. {advice}")


def words_of(error: BaseException) -> str:
    """What an error says, on one line."""
    words = " ".join(str(error).split()).rstrip(".?") or type(error).__name__
    return words if len(words) <= _MAX_WORDS else words[: _MAX_WORDS - 1] + "…"
