"""The calls that make the recorded requests of Sepahan's document."""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

CALLS: Final[dict[str, Any]] = {
    "send": lambda client: client.send("09121234567", "string", sender="string"),
    "send_p2p": lambda client: client.send_p2p([("09121234567", "string")], sender="string"),
    "check_request_id": lambda client: client.check_request_id("order-7"),
    "status": lambda client: client.status([0]),
    "old_status": lambda client: client.old_status([0]),
    "credit": lambda client: client.credit(),
    "receive": lambda client: client.receive(number="50003300", since=dt.date(2025, 12, 31), limit=2),
}

# "string" is not a mobile number, so the client refuses to send to it; all else is the sample's.
DIFFERENT: Final[dict[str, Any]] = {
    "send-success": {"body.reciverNumbers": ["09121234567"]},
    "send_p2p-request": {"body.reciverNumbers": ["09121234567"]},
}
