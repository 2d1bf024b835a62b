"""Send SMS through IPPanel Edge."""

from ippanel_sms.blocking import IPPanel
from ippanel_sms.client import AsyncIPPanel, BulkReceipt
from ippanel_sms.segments import CountrySegment, Gender, PostalCodeSegment, Slice

__all__ = ["AsyncIPPanel", "BulkReceipt", "CountrySegment", "Gender", "IPPanel", "PostalCodeSegment", "Slice"]
