"""Send SMS through IPPanel Edge."""

from ippanel_sms.blocking import IPPanel
from ippanel_sms.client import AsyncIPPanel, BulkReceipt
from ippanel_sms.segments import CountrySegment, Gender, PostalCodeSegment, Slice

__all__ = ["IPPanel", "AsyncIPPanel", "BulkReceipt", "CountrySegment", "Gender", "PostalCodeSegment", "Slice"]
