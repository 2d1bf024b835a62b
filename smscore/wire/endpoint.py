"""An endpoint as a value: where it is, what goes in, how its answer is read, and how it may be repeated."""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Callable, Mapping
from enum import Enum
from typing import BinaryIO, Final, Generic, TypeVar
from urllib.parse import urlencode

from attrs import field, frozen

from smscore.auth import NOTHING, Credentials, HeaderToken
from smscore.masking import Masked, Secret

P = TypeVar("P")
R = TypeVar("R")


class Repeat(Enum):
    """What may be done when no usable answer came."""

    FREELY = "it changes nothing, or repeating it changes nothing more"
    SAME_ID = "with the same request id and the same bytes"
    AT_MOST_ONCE = "it is done once at most, and a repeat may be refused because the first try did it"
    NEVER = "it may have been done, and would be done twice"


@frozen
class FileContent:
    """A file to upload as a multipart field: ``size`` bytes from ``start``. It stays open."""

    file: BinaryIO = field(repr=False)
    filename: str = field(repr=False)
    start: int = 0
    size: int = 0
    name: str = "file"
    can_be_rewound: bool = True
    _lock: threading.Lock = field(factory=threading.Lock, init=False, repr=False, eq=False)

    def read(self, place: int, size: int) -> bytes:
        """At most ``size`` bytes from ``place``, counted from the start of the content.

        A try that timed out may still be reading in its thread, and must not move the position of the next.
        """
        with self._lock:
            self.file.seek(self.start + place)
            return self.file.read(size)


@frozen
class FormContent:
    """A body of form fields, ``application/x-www-form-urlencoded`` in UTF-8."""

    fields: Mapping[str, str] = field(repr=False)


class Content(Masked, frozen=True):
    """What a call adds to the request of its endpoint.

    A ``body`` of bytes is JSON, as ``codec.encode`` gives it.
    """

    body: bytes | FormContent | FileContent | None = None
    query: Mapping[str, str] = NOTHING
    headers: Mapping[str, str] = NOTHING
    path: Mapping[str, str] = NOTHING
    """Values for the placeholders of the endpoint's path, fit for a path as they are."""


class Request(Masked, frozen=True):
    """A whole request, ready to leave."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | FileContent | None = None
    query: Mapping[str, str] = NOTHING


class Answer(Masked, frozen=True):
    """A whole answer, as it came."""

    status: int
    body: bytes
    retry_after: float | None = None
    """The seconds that its ``Retry-After`` header asks to wait."""
    content_type: str = ""

    @property
    def is_success(self) -> bool:
        """Whether the HTTP status is a 2xx."""
        return 200 <= self.status < 300


@frozen
class NoAnswer:
    """The reason why no answer came, in plain words, and whether any of the request may have left."""

    left: bool
    reason: str
    too_large: bool = False
    closed: bool = False
    """Whether the client was closed meanwhile."""


def _random_id() -> str:
    return secrets.token_hex(16)


@frozen
class RequestIds:
    """The ids by which a provider tells a repeat from a new request.

    ``lifetime`` is the seconds for which an id may be repeated: less than the provider remembers it. ``each``: every
    message of a batch has its own, instead of one for the whole batch. ``make`` makes one.
    """

    lifetime: float
    each: bool = False
    make: Callable[[], str] = _random_id

    def of_batch(self, given: str | None, number: int, count: int) -> str | None:
        """The id of batch ``number`` (from 1) of ``count``; ``given`` is the caller's for the whole call, if any."""
        if self.each:
            return None
        if given is None:
            return self.make()
        return given if count == 1 else f"{given}-{number}"


@frozen
class Endpoint(Generic[P, R]):
    """One call of a provider's API; ``name`` is the client's method that makes it, as logs and observers have it."""

    name: str
    method: str
    path: str
    build: Callable[[P], Content]
    read: Callable[[Answer, P], R]
    repeat: Repeat = Repeat.FREELY
    arrived: Callable[[P], R] | None = None
    """What a repeat refused as a duplicate gives, after a try of ours that may have arrived: that one did."""
    limit: int | None = None
    """The most ids, or recipients, that the provider takes in one request of this call."""
    credentials: Credentials | None = None
    """Where the token travels in this call, if not where it does in the provider's others."""
    request_ids: RequestIds | None = None
    """The ids by which the provider knows a repeat of this call; None where it knows none."""


@frozen
class Provider:
    """What all endpoints of a provider share."""

    name: str
    base_url: str
    credentials: Credentials = HeaderToken()  # noqa: RUF009  # it is frozen
    """Where the token travels."""
    send_limit: int | None = None
    """The most recipients in one request of a send that sets no limit of its own; None where there is no limit."""
    line_prefix: str = ""
    """What goes before a line's digits: ``+98`` where the provider takes E.164, nothing where it takes them bare."""
    base_url_suffix: str = ""
    """A suffix that is removed from a base URL."""


def request_for(endpoint: Endpoint[P, R], params: P, *, provider: Provider, base_url: str, token: Secret) -> Request:
    """The request that makes this call."""
    content = endpoint.build(params)
    placement = (endpoint.credentials or provider.credentials).place(token.reveal())
    body, headers = _body(content.body, placement.fields)
    return Request(
        endpoint.method,
        base_url + endpoint.path.format_map({**content.path, **placement.path}),
        {"Accept": "application/json", **placement.headers, **headers, **content.headers},
        body,
        {**content.query, **placement.query},
    )


def _body(
    body: bytes | FormContent | FileContent | None, more: Mapping[str, str]
) -> tuple[bytes | FileContent | None, Mapping[str, str]]:
    """The bytes or the file that are sent, with these fields more, and the headers that say what they are."""
    if isinstance(body, FormContent):
        return urlencode({**body.fields, **more}).encode(), _FORM
    if isinstance(body, bytes):
        return _with_fields(body, more) if more else body, _JSON
    return body, NOTHING


def _with_fields(body: bytes, more: Mapping[str, str]) -> bytes:
    whole: dict[str, object] = json.loads(body)
    return json.dumps({**whole, **more}, ensure_ascii=False).encode()


_JSON: Final[Mapping[str, str]] = {"Content-Type": "application/json"}
_FORM: Final[Mapping[str, str]] = {"Content-Type": "application/x-www-form-urlencoded"}
