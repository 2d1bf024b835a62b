"""A campaign's results as CSV, with the columns of ``payamak queue export``, streamed a page at a time."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from functools import partial
from itertools import chain
from typing import Any, Final

import msgspec
from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, StreamingHttpResponse

from smscore.contrib.django.database import DjangoDatabase
from smscore.errors import SMSError
from smscore.queue.model import QueueResult
from smscore.queue.store import reading

__all__ = ["COLUMNS", "csv_response"]

COLUMNS: Final = (
    *("recipient", "outcome", "message_id", "delivery", "provider", "request_id", "sent_at"),
    *("code", "error", "words", "ref"),
)
_JSON: Final = msgspec.json.Encoder(enc_hook=str)


def csv_response(request: HttpRequest, campaign: Any) -> StreamingHttpResponse:
    """The download of a campaign's results so far."""
    pages = _pages(campaign.pk)
    content: Any = _in_a_thread(pages) if isinstance(request, ASGIRequest) else pages
    name = re.sub(r"[^A-Za-z0-9_-]+", "-", campaign.key or str(campaign.pk)).strip("-") or "campaign"
    return StreamingHttpResponse(
        content,
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}.csv"'},
    )


def _pages(campaign: int) -> Iterator[bytes]:
    """The file in pieces, each read in a transaction of its own."""
    yield codecs.BOM_UTF8 + _csv([COLUMNS])
    after: int | None = -1
    while after is not None:
        page = DjangoDatabase().read(partial(reading.results, campaign_id=campaign, after=after, outcome=None))
        after = page.after
        if page.results:
            yield _csv(map(_cells, page.results))


async def _in_a_thread(pages: Iterator[bytes]) -> AsyncIterator[bytes]:
    """The same pieces for a server that runs an event loop, which would otherwise gather them all first."""
    following: Any = sync_to_async(partial(next, pages, None))
    while (piece := await following()) is not None:
        yield piece


def _cells(result: QueueResult) -> list[object]:
    error, ref = result.error, result.ref
    return [
        result.recipient,
        result.outcome.value,
        result.message_id,
        None if result.delivery is None else result.delivery.value,
        result.provider,
        result.request_id,
        None if result.sent_at is None else result.sent_at.isoformat(),
        result.code,
        None if error is None else type(error).__name__,
        None if error is None else _words(error),
        ref if ref is None or isinstance(ref, str | int | float) else _JSON.encode(ref).decode(),
    ]


def _words(error: SMSError) -> str:
    """The error, and what the provider said, on one line."""
    said = [error.message, *chain.from_iterable(error.fields.values())]
    own = "; ".join(dict.fromkeys(" ".join(str(words).split()) for words in said if words))
    return " ".join((f"{error} {error.provider} says: {own}" if own else str(error)).split())


def _csv(rows: Iterable[Sequence[object]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()
