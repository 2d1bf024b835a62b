"""Bodies of the providers' sends, for tests that are about something else."""

from collections.abc import Sequence
from typing import Any

NUMBER = "09123456789"
E164 = "+989123456789"


def najva_send(*numbers: str, text: str = "سلام") -> tuple[str, str, dict[str, Any]]:
    return "POST", "/v2/sms/send", {"message": text, "sender": "90000123", "receivers": list(numbers or [NUMBER])}


def sepahan_send(*numbers: str, text: str = "سلام") -> tuple[str, str, dict[str, Any]]:
    body = {"senderNumbers": ["50003300"], "reciverNumbers": list(numbers or [NUMBER]), "smsTexts": [text]}
    return "POST", "/api/Sms/Send", body


def ippanel_send(*numbers: str, text: str = "سلام") -> tuple[str, str, dict[str, Any]]:
    to: Sequence[str] = ["+98" + number[1:] for number in numbers or [NUMBER]]
    body = {
        "sending_type": "webservice",
        "from_number": "+983000505",
        "message": text,
        "params": {"recipients": list(to)},
    }
    return "POST", "/api/send", body


SENDS = {"sepahan": sepahan_send, "ippanel": ippanel_send, "najva": najva_send}
