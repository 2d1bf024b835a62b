"""The calls that make the recorded requests of Najva's document."""

from __future__ import annotations

from typing import Any, Final

from smscore import Message

FILE_ID = "550e8400-e29b-41d4-a716-446655440000"
NAJVA_TEXT = "این پیامک از زیرساخت ارسال پیامک نجوا ارسال شده است."

CALLS: Final[dict[str, Any]] = {
    "send": lambda client: client.send(
        ["09120000000", "09120000001", "09120000002"], NAJVA_TEXT, sender="90000123", file_id=FILE_ID
    ),
    "send_p2p": lambda client: client.send_p2p(
        [Message(f"0912000000{n}", f"پیامک {n + 1}") for n in range(3)], sender="90000123", file_id=FILE_ID
    ),
    "send_pattern": lambda client: client.send_pattern(
        "09120000000", "login", {"token": "45852", "token2": "علی"}, sender="90000123"
    ),
    "status": lambda client: client.status([1, 2, 3]),
    "outbox": lambda client: client.outbox(),
    "upload_file": lambda client: client.upload_file(b"\x89PNG", filename="card.png"),
}

# The older URL has the key in its path; the one that the document describes keeps it in a header.
DIFFERENT: Final[dict[str, Any]] = {
    "outbox-older_url_request": {"path": "/v2/sms/outbox", "query": {"page": "0", "pageSize": "200"}},
}
