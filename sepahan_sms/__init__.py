"""Send and receive SMS through Sepahan Gostar."""

from sepahan_sms.blocking import Sepahan
from sepahan_sms.client import AsyncSepahan
from sepahan_sms.reading import Wire
from sepahan_sms.wire import RESELLERS_BASE_URL

__all__ = ["RESELLERS_BASE_URL", "AsyncSepahan", "Sepahan", "Wire"]
