"""Najva's calls to you: from a request's body or query to a delivery report."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qs

from najva_sms.codes import delivery_status
from najva_sms.messages import DeliveryReport
from smscore.errors import InvalidRequest
from smscore.statuses import is_id
from smscore.wire import codec
from smscore.wire.codec import DecodeError

_LAST_COMMA: Final = re.compile(rb",\s*}\s*\Z")
_WHOLE: Final = re.compile(r"-?[0-9]{1,19}", re.ASCII)


def parse_webhook(
    *, body: bytes | str = b"", query: str | bytes = "", content_type: str | None = None
) -> DeliveryReport:
    """The delivery report that a call to your webhook carries, by GET or POST.

    ``body`` is the request's raw body, JSON or a form, and ``query`` its raw query string; either may be empty.
    ``content_type`` may be left out: what the body is shows in itself.
    Nothing is signed, so check what matters with ``status``. Anything that is no report raises ``InvalidRequest``.

    Document: Najva SMS v2.0.0, webhook.
    """
    raw, asked = _bytes(body, "body"), _bytes(query, "query")
    for fields in (_json(raw), _form(raw), _form(asked.removeprefix(b"?"))):
        message_id, code = _whole(fields.get("messageid")), _whole(fields.get("status"))
        if message_id is not None and code is not None:
            return DeliveryReport(message_id, code, delivery_status(code))
    raise InvalidRequest(
        "This is no delivery report of Najva: it has no whole messageid and status. Answer it with 400."
    )


def _json(body: bytes) -> Mapping[str, Any]:
    # The document's own sample has a comma too many, so what Najva sends may have it too.
    for text in (body, _LAST_COMMA.sub(b"}", body)):
        try:
            return codec.decode(text.removeprefix(codec.BYTE_ORDER_MARK), dict[str, Any])
        except DecodeError:
            continue
    return {}


def _form(text: bytes) -> dict[str, str]:
    try:
        fields = parse_qs(text.strip().decode("ascii"), max_num_fields=100)
    except ValueError:
        return {}
    # A name that stands twice says two things, and so says nothing.
    return {name: values[0] for name, values in fields.items() if len(values) == 1}


def _bytes(value: object, name: str) -> bytes:
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass")
    if value is None or isinstance(value, (bytes, bytearray)):
        return bytes(value or b"")
    raise InvalidRequest(f"{name}= takes the raw bytes or text of the request.")


def _whole(value: object) -> int | None:
    if isinstance(value, str) and _WHOLE.fullmatch(value):
        value = int(value)
    return value if is_id(value) else None
