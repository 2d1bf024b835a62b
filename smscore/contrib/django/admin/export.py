"""A campaign's results as CSV, with the columns of ``payamak queue export``, streamed a page at a time."""

from __future__ import annotations

import codecs
import re
from collections.abc import AsyncIterator, Iterator
from functools import partial
from typing import Any

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, StreamingHttpResponse

from smscore.cli.tables import csv_text
from smscore.contrib.django.database import DjangoDatabase
from smscore.queue.store.rows import EXPORT_COLUMNS, RowReader, export_cells

__all__ = ["csv_response"]


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
    yield codecs.BOM_UTF8 + csv_text([EXPORT_COLUMNS]).encode()
    after: int | None = -1
    while after is not None:
        page = DjangoDatabase().read(partial(RowReader().page, campaign_id=campaign, after=after))
        after = page.after
        if page.rows:
            yield csv_text(map(export_cells, page.rows)).encode()


async def _in_a_thread(pages: Iterator[bytes]) -> AsyncIterator[bytes]:
    """The same pieces for a server that runs an event loop, which would otherwise gather them all first."""
    following: Any = sync_to_async(partial(next, pages, None))
    while (piece := await following()) is not None:
        yield piece
