"""A stream's reports: its source in windows, each of which goes through the providers by itself."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TypeVar

from smscore.config import STREAM_BATCH_SIZE
from smscore.failover.call import FailoverCall, Routing
from smscore.failover.merged import Merged
from smscore.loops.concurrency import AsFinished, slices
from smscore.results import SendReport
from smscore.sending.batching import Outgoing, good_positions
from smscore.sending.outgoing import Payload, Source, columns_of
from smscore.sending.send_call import raise_refusal

T = TypeVar("T")

__all__ = ["stream_reports"]


async def stream_reports(call: FailoverCall, source: Source, payload: Payload) -> AsyncGenerator[SendReport, None]:
    """A report for each routing of a source of any length, as they end; a routing is a batch of the first client."""
    first = call.members[0].shared.client
    first._caller.transport.check_open()

    async def run(routing: tuple[Outgoing, int]) -> SendReport:
        outgoing, offset = routing
        return await Routing(call, outgoing, Merged(outgoing, offset)).run(good_positions(outgoing))

    async with (
        aclosing(_windows(call, source, payload)) as windows,
        aclosing(AsFinished(windows, run, first._settings.max_concurrency)) as reports,
    ):
        has_left = False
        async for report in reports:
            has_left = has_left or len(report.not_sent) < len(report)
            if not has_left:
                raise_refusal(report)
            yield report


async def _windows(call: FailoverCall, source: Source, payload: Payload) -> AsyncGenerator[tuple[Outgoing, int], None]:
    """The source, checked, in windows with the position of each one's first message."""
    offset = 0
    async with aclosing(slices(source, call.members[0].batch_size or STREAM_BATCH_SIZE)) as pieces:
        while piece := await _next_piece(call, pieces):
            yield await columns_of(piece, payload, offset), offset
            offset += len(piece)


async def _next_piece(call: FailoverCall, pieces: AsyncGenerator[list[T], None]) -> list[T]:
    """The next piece of a source, empty at its end; the wait ends when the first client is closed."""
    async with call.members[0].shared.client._caller.transport.waiting():
        nothing: list[T] = []
        return await anext(pieces, nothing)
