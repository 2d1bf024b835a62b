"""An error in words: for people, and for the cells of a table."""

from __future__ import annotations

from itertools import chain

from smscore.errors import SMSError


def error_lines(error: SMSError) -> list[str]:
    """What happened, and the provider's own words if there are any."""
    said = provider_words(error)
    return [str(error), f"{error.provider} says: {said}"] if said else [str(error)]


def on_one_line(error: SMSError) -> str:
    """The same on one line."""
    return " ".join(" ".join(error_lines(error)).split())


def error_cells(error: SMSError) -> tuple[int | str | None, str, str]:
    """An error as the cells ``code``, ``error`` and ``words`` of a table."""
    code = " ".join(error.code.split()) if isinstance(error.code, str) else error.code
    return code, type(error).__name__, on_one_line(error)


def provider_words(error: BaseException) -> str | None:
    """The provider's own words on one line, with those on single fields, or None."""
    if not isinstance(error, SMSError):
        return None
    said = [error.message, *chain.from_iterable(error.fields.values())]
    return "; ".join(dict.fromkeys(" ".join(str(words).split()) for words in said if words)) or None
