"""For authors of providers: what a provider's calls put on the wire, and how answers are read.

A provider is made of these names, of ``smscore.profile``, of ``smscore.sandbox`` for its emulation, and of what users
import from ``smscore`` itself. Everything else is private, and may change.

- The clients: :class:`AsyncClient`, :class:`BlockingClient`, :func:`sends_nothing`, :func:`materialised`.
- Whose request it is: :class:`HeaderToken`, :class:`PathToken`, :class:`QueryToken`, :class:`BodyToken`.
- A call: :class:`Provider`, :class:`Endpoint`, :class:`SendEndpoint`, :class:`Repeat`, :class:`RequestIds`.
- What goes out: :class:`Batch`, and :class:`Content` with JSON by ``codec.encode``, a :class:`FormContent` or a
  :class:`FileContent`.
- What comes back: :class:`Answer`, ``codec``, :class:`BatchResult`, :func:`all_accepted`, :func:`in_bulk`.
- What a refusal means: :class:`Refusal`, :class:`Words`, :func:`refusal`, :func:`http_error`, :func:`malformed`.
- Listings: :class:`Page`, :func:`pages`, :func:`one_by_one`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

from smscore.auth import BodyToken, Credentials, HeaderToken, PathToken, QueryToken
from smscore.numbers import Recipient
from smscore.wire import codec
from smscore.wire.batch import Batch, BatchResult, SendEndpoint, all_accepted, in_bulk
from smscore.wire.codec import Body, DecodeError, Raw, Row
from smscore.wire.endpoint import Answer, Content, Endpoint, FileContent, FormContent, Provider, Repeat, RequestIds
from smscore.wire.error_body import Words, words_in, words_of
from smscore.wire.error_mapping import (
    Refusal,
    RefusalTable,
    contradictory,
    http_error,
    is_outage,
    malformed,
    refusal,
)
from smscore.wire.paging import Page, checked_whole, one_by_one, pages

if TYPE_CHECKING:
    from smscore.blocking import BlockingClient, materialised
    from smscore.client import AsyncClient, sends_nothing
    from smscore.sending.batching import Outgoing
    from smscore.sending.delivery import OnBatch
    from smscore.sending.outgoing import (
        AnyMessage,
        Messages,
        Recipients,
        checked_numbers,
        iterable,
        recipients_of,
    )

__all__ = [
    "Answer",
    "AnyMessage",
    "AsyncClient",
    "Batch",
    "BatchResult",
    "BlockingClient",
    "Body",
    "BodyToken",
    "Content",
    "Credentials",
    "DecodeError",
    "Endpoint",
    "FileContent",
    "FormContent",
    "HeaderToken",
    "Messages",
    "OnBatch",
    "Outgoing",
    "Page",
    "PathToken",
    "Provider",
    "QueryToken",
    "Raw",
    "Recipient",
    "Recipients",
    "Refusal",
    "RefusalTable",
    "Repeat",
    "RequestIds",
    "Row",
    "SendEndpoint",
    "Words",
    "all_accepted",
    "checked_numbers",
    "checked_whole",
    "codec",
    "contradictory",
    "http_error",
    "in_bulk",
    "is_outage",
    "iterable",
    "malformed",
    "materialised",
    "one_by_one",
    "pages",
    "recipients_of",
    "refusal",
    "sends_nothing",
    "words_in",
    "words_of",
]

# These stand on the modules above, and so are imported when they are asked for.
_LATER: Final = {
    "AnyMessage": "smscore.sending.outgoing",
    "AsyncClient": "smscore.client",
    "BlockingClient": "smscore.blocking",
    "Messages": "smscore.sending.outgoing",
    "OnBatch": "smscore.sending.delivery",
    "Outgoing": "smscore.sending.batching",
    "Recipients": "smscore.sending.outgoing",
    "checked_numbers": "smscore.sending.outgoing",
    "iterable": "smscore.sending.outgoing",
    "materialised": "smscore.blocking",
    "recipients_of": "smscore.sending.outgoing",
    "sends_nothing": "smscore.client",
}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = found = getattr(importlib.import_module(_LATER[name]), name)
    return found


def __dir__() -> list[str]:
    return [*globals(), *_LATER]
