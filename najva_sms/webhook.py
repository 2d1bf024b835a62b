"""Najva's webhook: from the body or query of its request to a delivery report."""

from __future__ import annotations

import email
import email.policy
from collections import Counter
from collections.abc import Mapping, Sequence
from email.message import MIMEPart
from typing import Final
from urllib.parse import parse_qsl

from najva_sms.codes import STATUSES
from najva_sms.messages import DeliveryReport
from smscore import InvalidRequest
from smscore.wire import DecodeError, Row, codec, is_id


def parse_webhook(
    *, body: bytes | str = b"", query: str | bytes = "", content_type: str | None = None
) -> DeliveryReport:
    """The delivery report in a request to your webhook, by GET or POST.

    ``body`` is the raw body of the request (JSON, a form or ``multipart/form-data``), ``query`` its raw query string;
    either may be empty. ``content_type`` is not needed: the format is recognised by the body.

    Requests are not signed: anybody who knows the address can make one, so confirm what matters with ``status``.
    Raises ``InvalidRequest`` for anything that is not a report.

    Document: Najva SMS v2.0.0, webhook.
    """
    raw, asked = _bytes(body, "body"), _bytes(query, "query")
    for fields in (_json(raw), _multipart(raw), _form(raw), _form(asked.removeprefix(b"?"))):
        message_id, code = codec.whole(fields.get("messageid")), codec.whole(fields.get("status"))
        if is_id(message_id) and is_id(code):
            return DeliveryReport(message_id, code, STATUSES[code])
    raise InvalidRequest(
        "This is not a delivery report of Najva: messageid and status are missing or invalid. Answer it with 400."
    )


class _Report(Row, frozen=True):
    """The two fields of a report in JSON."""

    messageid: int
    status: int


def _json(body: bytes) -> Mapping[str, object]:
    try:
        report = codec.read(body, _Report)
    except DecodeError:
        return {}
    return {"messageid": report.messageid, "status": report.status}


def _multipart(body: bytes) -> dict[str, str]:
    """The fields of a multipart form, read by the boundary that it begins with."""
    start = body.find(b"--")
    boundary = body[start : start + _MAX_BOUNDARY + 2].split(b"\n", 1)[0].rstrip()[2:] if start >= 0 else b""
    if not boundary or len(boundary) > _MAX_BOUNDARY or body.count(boundary) > _MAX_PARTS:
        return {}
    head = b'Content-Type: multipart/form-data; boundary="' + boundary + b'"\r\n\r\n'
    form = email.message_from_bytes(head + body[start:], policy=email.policy.HTTP)
    parts = [(part.get_param("name", header="content-disposition"), part) for part in form.iter_parts()]
    return _said_once([(str(name), _text(part)) for name, part in parts if name is not None])


def _form(text: bytes) -> dict[str, str]:
    try:
        return _said_once(parse_qsl(text.strip().decode("ascii"), max_num_fields=_MAX_PARTS))
    except ValueError:
        return {}


_MAX_PARTS: Final = 100
_MAX_BOUNDARY: Final = 70  # characters, says RFC 2046


def _said_once(fields: Sequence[tuple[str, str]]) -> dict[str, str]:
    # A field given twice is ambiguous, and so is ignored.
    names = Counter(name for name, _ in fields)
    return {name: value for name, value in fields if names[name] == 1}


def _text(part: MIMEPart) -> str:
    content = part.get_payload(decode=True)
    return content.decode("utf-8", "replace") if isinstance(content, bytes) else ""


def _bytes(value: object, name: str) -> bytes:
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass")
    if value is None or isinstance(value, (bytes, bytearray)):
        return bytes(value or b"")
    raise InvalidRequest(f"{name}= must be bytes or str: give it as it came in the request.")
