"""IPPanel's codes. The HTTP status tells an error's class; the code in the body is kept beside it."""

from __future__ import annotations

from typing import Final

from smscore.errors import InvalidParameters
from smscore.refusals import Codes, Refusal

# 400-1 comes with a wrong token and with an unknown path alike, so by itself it decides nothing.
ERRORS: Final[Codes] = {
    "400-2": Refusal(InvalidParameters, "fields of the request are wrong; .fields names them"),
}

SENDER_FIELD: Final = "from_number"  # a wrong one meets every batch of a call
