"""Send SMS through IPPanel Edge, and read its delivery reports."""

from ippanel_sms.account import Account, Line, Price
from ippanel_sms.blocking import IPPanel
from ippanel_sms.client import AsyncIPPanel
from ippanel_sms.codes import BulkState
from ippanel_sms.messages import (
    BulkReceipt,
    BulkStats,
    InboxMessage,
    OutboxMessage,
    OutboxPage,
    RecipientStatus,
    TextCounts,
)
from ippanel_sms.segments import CountrySegment, Gender, Place, PostalCodeSegment, SegmentCount, Slice

__all__ = [
    "Account",
    "AsyncIPPanel",
    "BulkReceipt",
    "BulkState",
    "BulkStats",
    "CountrySegment",
    "Gender",
    "IPPanel",
    "InboxMessage",
    "Line",
    "OutboxMessage",
    "OutboxPage",
    "Place",
    "PostalCodeSegment",
    "Price",
    "RecipientStatus",
    "SegmentCount",
    "Slice",
    "TextCounts",
]
