"""Send SMS through Kabutar, a fictional provider."""

from kabutar_sms.blocking import Kabutar
from kabutar_sms.client import AsyncKabutar

__all__ = ["AsyncKabutar", "Kabutar"]
