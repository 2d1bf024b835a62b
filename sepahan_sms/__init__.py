"""Send and receive SMS through Sepahan Gostar."""

from sepahan_sms.blocking import Sepahan
from sepahan_sms.client import AsyncSepahan
from sepahan_sms.wire import RESELLERS_BASE_URL
from sepahan_sms.wire_options import Wire

__all__ = ["RESELLERS_BASE_URL", "AsyncSepahan", "Sepahan", "Wire"]
