"""Patterns as the database keeps them: one provider's code, or what a failover sends through each."""

from __future__ import annotations

from typing import Any

import msgspec

from smscore.errors import InvalidRequest
from smscore.failover.pattern import Approved, Pattern
from smscore.text import plain_text


def packed_pattern(pattern: object) -> str:
    """A code or a ``Pattern`` as JSON. Raises ``InvalidRequest`` for anything else."""
    if isinstance(pattern, str):
        return msgspec.json.encode(pattern.strip()).decode()
    if not isinstance(pattern, Pattern):
        raise InvalidRequest("code must be the code of a pattern, or for a failover a smscore.Pattern.")
    return msgspec.json.encode({name: _packed(one, name) for name, one in pattern._providers.items()}).decode()


def _packed(one: object, provider: str) -> Any:
    if isinstance(one, Approved):
        return {"code": one.code, "names": {**one.names}}
    text = plain_text(one)
    if text is None:
        raise InvalidRequest(f"The pattern of {provider} must be an Approved or a text, not {type(one).__name__}.")
    return text


def unpacked_pattern(packed: str) -> str | Pattern:
    """The code or the ``Pattern`` of what :func:`packed_pattern` gave."""
    found = msgspec.json.decode(packed, type=str | dict[str, Any])
    if isinstance(found, str):
        return found
    return Pattern(**{name: one if isinstance(one, str) else Approved(**one) for name, one in found.items()})
