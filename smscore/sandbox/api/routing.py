"""What a call of the REST interface is made of, and the values that many calls take."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Generic, TypeVar

from attrs import frozen
from msgspec import Meta

from smscore.sandbox.api.errors import RestError
from smscore.sandbox.emulation import Emulation
from smscore.sandbox.memory.state import State

__all__ = [
    "Cleared",
    "Name",
    "Nothing",
    "Number",
    "Place",
    "ProviderName",
    "RestCall",
    "RestRoute",
    "TextPart",
    "emulation_of",
]

P = TypeVar("P")
Q = TypeVar("Q")
B = TypeVar("B")

Place = Annotated[int, Meta(ge=0, description="A place in the order in which the messages came.")]
TextPart = Annotated[str, Meta(max_length=200, description="A part of a text, in upper or lower case.")]
Number = Annotated[str, Meta(min_length=1, max_length=100, description="A number in any usual spelling.")]
Name = Annotated[str, Meta(min_length=1, max_length=100)]
ProviderName = Annotated[str, Meta(min_length=1, max_length=100, description="A provider's name, as in /api/choices.")]


@frozen
class Nothing:
    """The call takes nothing here."""


@frozen(repr=False)
class RestCall(Generic[P, Q, B]):
    """One call: the sandbox's memory, the origin it was called at, and its path, query and body.

    ``over`` is set when the server ends.
    """

    state: State
    over: asyncio.Event
    origin: str
    path: P
    query: Q
    body: B


@frozen(repr=False)
class RestRoute:
    """One route: ``path``, ``query`` and ``body`` are the shapes of what it takes, ``returns`` of its answer.

    The name of the function ``answer`` is the operation id. A plain function is called with the memory's lock held,
    a coroutine function without it. ``errors`` are the statuses that it has besides the usual ones.
    """

    method: str
    url: str
    answer: Callable[[Any], Awaitable[object] | object]
    summary: str
    returns: Any
    path: type[Any] = Nothing
    query: type[Any] = Nothing
    body: type[Any] = Nothing
    errors: tuple[int, ...] = ()


@frozen
class Cleared:
    """How many were cleared."""

    cleared: int


def emulation_of(state: State, provider: str) -> Emulation:
    """The emulation of a provider, or a refusal of the call if its name is unknown."""
    if provider not in state.emulations:
        raise RestError(422, f"Unknown provider; the sandbox has {sorted(state.emulations)}.")
    return state.emulations[provider]
