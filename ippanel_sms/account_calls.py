"""IPPanel's account and its bank of numbers: credit, lines, places and how many numbers they have."""

from __future__ import annotations

from contextlib import aclosing
from decimal import Decimal
from typing import ClassVar

from ippanel_sms import wire_account
from ippanel_sms.account import Account, Line
from ippanel_sms.envelope import IPPANEL
from ippanel_sms.segments import (
    CountrySegment,
    Place,
    SegmentCount,
    counted_segment,
)
from smscore.wire import (
    AsyncClient,
    Provider,
    checked_whole,
    pages,
    sends_nothing,
)

__all__ = ["AccountCalls"]


class AccountCalls(AsyncClient):
    """The part of the client that reads about the account and about places."""

    provider: ClassVar[Provider] = IPPANEL

    @sends_nothing
    async def credit(self) -> Decimal:
        """The remaining credit, probably in Rials: the document names no currency.

        Document: IPPanel Edge, My Credit.
        """
        return await self._call(wire_account.CREDIT, None)

    @sends_nothing
    async def provinces(self) -> list[Place]:
        """The provinces, with the ids that :class:`CountrySegment` takes.

        Document: IPPanel Edge, Get Provinces.
        """
        return await self._call(wire_account.PROVINCES, None)

    @sends_nothing
    async def counties(self, province_id: int) -> list[Place]:
        """The counties of a province.

        Document: IPPanel Edge, Get Counties.
        """
        return await self._call(wire_account.COUNTIES, checked_whole("province_id", province_id, 1))

    @sends_nothing
    async def cities(self, county_id: int) -> list[Place]:
        """The cities of a county.

        Document: IPPanel Edge, Get Cities.
        """
        return await self._call(wire_account.CITIES, checked_whole("county_id", county_id, 1))

    @sends_nothing
    async def count(self, segment: CountrySegment) -> SegmentCount:
        """How many numbers a segment has, by operator. The sizes and the ``bank`` of the segment are ignored.

        Document: IPPanel Edge, Get Recipients Count.
        """
        return await self._call(wire_account.COUNT, counted_segment(segment))

    @sends_nothing
    async def lines(self) -> list[Line]:
        """All lines that you may send from.

        Document: IPPanel Edge, List Numbers.
        """
        async with aclosing(pages(self._reader(wire_account.LINES))) as found:
            return [line async for lines in found for line in lines]

    @sends_nothing
    async def account(self) -> Account:
        """The owner of the token, and whether it may send. Raises ``AuthenticationError`` for an invalid token.

        Document: IPPanel Edge, Check Token.
        """
        return await self._call(wire_account.ACCOUNT, None)
