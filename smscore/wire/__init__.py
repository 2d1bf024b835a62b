"""What the author of a provider imports, besides what users import from ``smscore`` itself.

A provider is made of these names, of ``smscore.profile``, and of ``smscore.sandbox`` for its emulation. Everything else
in ``smscore`` is private and may change without notice.

- Clients: :class:`AsyncClient`, :class:`BlockingClient`, :func:`sends_nothing`, :func:`materialised`,
  :func:`read_in_thread` (reads a file), :data:`OnBatch`, and for a client with settings of its own the defaults of the
  others: :data:`DEFAULT_RETRY`, :data:`DEFAULT_TIMEOUTS`, :data:`MAX_CONCURRENCY`,
  :data:`MAX_CONNECTIONS`.
- Clients of providers that report deliveries: :class:`AsyncTrackingClient`, :class:`TrackingClient`, with an
  :class:`IdLookup` for each call that gives statuses by ids (maybe in :class:`ServiceHours`), or a :class:`BulkLookup`;
  :data:`Lookups`, :data:`Results`.
- Authentication: :class:`HeaderToken`, :class:`PathToken`, :class:`QueryToken`, :class:`BodyToken`, and their union
  :data:`Credentials`.
- Endpoints: :class:`Provider`, :class:`Endpoint`, :class:`SendEndpoint`, :class:`Repeat`, :class:`RequestIds`.
- Requests: :class:`Batch`, :class:`Content` with JSON from ``codec.encode`` (a :class:`Body` is the fastest), a
  :class:`FormContent` or a :class:`FileContent`.
- Responses: :class:`Answer`, ``codec`` with :class:`Row`, :data:`Raw` and :class:`DecodeError`, :class:`BatchResult`,
  :func:`all_accepted`, :func:`in_bulk`, :func:`with_errors`.
- Entries, matched to what was asked about: :func:`match_entries`, :func:`match_ids`, :func:`missing_entries`.
- Error mapping: :data:`Codes`, :class:`Refusal`, :class:`RefusalTable`, :class:`RefusalDetails`, :func:`details_in`,
  :func:`details_of`, :func:`refusal`, :func:`http_error`, :func:`malformed`, :func:`contradictory`, :func:`is_outage`.
- Paging: :class:`Page`, :func:`pages`, :func:`one_by_one`.
- Arguments, checked before anything is sent (each raises ``InvalidRequest`` or ``InvalidNumber``):
  :data:`Recipient`, :data:`Recipients`, :func:`checked_numbers`, :data:`AnyMessage`, :data:`Messages`,
  :func:`iterable`, :data:`Text`, :func:`check_text`, :func:`check_sender`, :func:`checked_whole`.
- Sends to one recipient, such as one-time codes: :func:`one_recipient`, :func:`outgoing_to_one`,
  :func:`pattern_texts`, :data:`PatternValue`.
- Values, converted without raising: :func:`plain_text`, :func:`can_be_encoded`, :func:`as_int`, :func:`is_id`.
- Phone numbers: :func:`local_form`, :func:`local_forms`, :func:`e164`, :func:`e164_forms`, :func:`with_ascii_digits`.
- Dates: :func:`from_unix`, :func:`read_day`, :func:`tehran_day`, and for requests :func:`unix_text`, :func:`utc_text`,
  :func:`jalali_text`, :func:`gregorian_text` (these raise ``InvalidRequest`` for a naive datetime).
- :func:`from_environment`, for a setting of your own: a variable is read at each call.
- Checks of ``payamak doctor``: a :class:`Doctor` is told of an :class:`Examination` and yields each :class:`Finding`,
  by :func:`good`, :func:`warning`, :func:`bad` and :func:`cannot_tell`; :class:`Verdict`.
- ``repr`` without personal data: :func:`masked_number`, :func:`masked_text`, as attrs' ``field(repr=…)``.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Final

from smscore.auth import BodyToken, Credentials, HeaderToken, PathToken, QueryToken
from smscore.config import DEFAULT_RETRY, DEFAULT_TIMEOUTS, MAX_CONCURRENCY, MAX_CONNECTIONS
from smscore.dates import from_unix, read_day, tehran_day
from smscore.diagnosis import Doctor, Examination, Finding, Verdict, bad, cannot_tell, good, warning
from smscore.inputs import check_text, gregorian_text, jalali_text, unix_text, utc_text
from smscore.integers import as_int
from smscore.masking import masked_number, masked_text
from smscore.numbers import Recipient, e164, e164_forms, local_form, local_forms, with_ascii_digits
from smscore.statuses import is_id
from smscore.text import Text, can_be_encoded, plain_text
from smscore.wire import codec
from smscore.wire.batch import Batch, BatchResult, SendEndpoint, all_accepted, in_bulk, with_errors
from smscore.wire.codec import Body, DecodeError, Raw, Row
from smscore.wire.endpoint import Answer, Content, Endpoint, FileContent, FormContent, Provider, Repeat, RequestIds
from smscore.wire.entries import match_entries, match_ids, missing_entries
from smscore.wire.error_body import RefusalDetails, details_in, details_of
from smscore.wire.error_mapping import (
    Codes,
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
    from smscore.account import from_environment
    from smscore.blocking import BlockingClient, materialised
    from smscore.client import AsyncClient, sends_nothing
    from smscore.loops.threads import read_in_thread
    from smscore.senders import check_sender
    from smscore.sending.one_recipient import PatternValue, one_recipient, outgoing_to_one, pattern_texts
    from smscore.sending.outgoing import AnyMessage, Messages, Recipients, checked_numbers, iterable
    from smscore.sending.send_call import OnBatch
    from smscore.tracking.blocking import TrackingClient
    from smscore.tracking.client import AsyncTrackingClient
    from smscore.tracking.given import Results
    from smscore.tracking.lookups import BulkLookup, IdLookup, Lookups, ServiceHours

__all__ = [
    "DEFAULT_RETRY",
    "DEFAULT_TIMEOUTS",
    "MAX_CONCURRENCY",
    "MAX_CONNECTIONS",
    "Answer",
    "AnyMessage",
    "AsyncClient",
    "AsyncTrackingClient",
    "Batch",
    "BatchResult",
    "BlockingClient",
    "Body",
    "BodyToken",
    "BulkLookup",
    "Codes",
    "Content",
    "Credentials",
    "DecodeError",
    "Doctor",
    "Endpoint",
    "Examination",
    "FileContent",
    "Finding",
    "FormContent",
    "HeaderToken",
    "IdLookup",
    "Lookups",
    "Messages",
    "OnBatch",
    "Page",
    "PathToken",
    "PatternValue",
    "Provider",
    "QueryToken",
    "Raw",
    "Recipient",
    "Recipients",
    "Refusal",
    "RefusalDetails",
    "RefusalTable",
    "Repeat",
    "RequestIds",
    "Results",
    "Row",
    "SendEndpoint",
    "ServiceHours",
    "Text",
    "TrackingClient",
    "Verdict",
    "all_accepted",
    "as_int",
    "bad",
    "can_be_encoded",
    "cannot_tell",
    "check_sender",
    "check_text",
    "checked_numbers",
    "checked_whole",
    "codec",
    "contradictory",
    "details_in",
    "details_of",
    "e164",
    "e164_forms",
    "from_environment",
    "from_unix",
    "good",
    "gregorian_text",
    "http_error",
    "in_bulk",
    "is_id",
    "is_outage",
    "iterable",
    "jalali_text",
    "local_form",
    "local_forms",
    "malformed",
    "masked_number",
    "masked_text",
    "match_entries",
    "match_ids",
    "materialised",
    "missing_entries",
    "one_by_one",
    "one_recipient",
    "outgoing_to_one",
    "pages",
    "pattern_texts",
    "plain_text",
    "read_day",
    "read_in_thread",
    "refusal",
    "sends_nothing",
    "tehran_day",
    "unix_text",
    "utc_text",
    "warning",
    "with_ascii_digits",
    "with_errors",
]

# These modules import the ones above, so importing them here would be a circle: each is imported on first use.
_DEFERRED: Final = {
    "AnyMessage": "smscore.sending.outgoing",
    "AsyncClient": "smscore.client",
    "AsyncTrackingClient": "smscore.tracking.client",
    "BlockingClient": "smscore.blocking",
    "BulkLookup": "smscore.tracking.lookups",
    "IdLookup": "smscore.tracking.lookups",
    "Lookups": "smscore.tracking.lookups",
    "Results": "smscore.tracking.given",
    "ServiceHours": "smscore.tracking.lookups",
    "TrackingClient": "smscore.tracking.blocking",
    "Messages": "smscore.sending.outgoing",
    "OnBatch": "smscore.sending.send_call",
    "PatternValue": "smscore.sending.one_recipient",
    "Recipients": "smscore.sending.outgoing",
    "check_sender": "smscore.senders",
    "from_environment": "smscore.account",
    "checked_numbers": "smscore.sending.outgoing",
    "read_in_thread": "smscore.loops.threads",
    "iterable": "smscore.sending.outgoing",
    "materialised": "smscore.blocking",
    "one_recipient": "smscore.sending.one_recipient",
    "outgoing_to_one": "smscore.sending.one_recipient",
    "pattern_texts": "smscore.sending.one_recipient",
    "sends_nothing": "smscore.client",
}

if not TYPE_CHECKING:  # a type checker knows every name from above, and so reports one that does not exist

    def __getattr__(name: str) -> object:
        if name not in _DEFERRED:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        globals()[name] = found = getattr(importlib.import_module(_DEFERRED[name]), name)
        return found


def __dir__() -> list[str]:
    return [*globals(), *_DEFERRED]
