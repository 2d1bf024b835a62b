"""Najva's calls to you: from a request's body or query to a delivery report."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import parse_qs

from najva_sms.codes import delivery_status
from najva_sms.messages import DeliveryReport
from smscore import codec
from smscore.codec import DecodeError
from smscore.errors import InvalidRequest
from smscore.statuses import is_id

_WHOLE: Final = re.compile(r"-?[0-9]{1,19}", re.ASCII)


def parse_webhook(
    *, body: bytes | str = b"", query: str | bytes = "", content_type: str | None = None
) -> DeliveryReport:
    """The delivery report that a call to your webhook carries, by GET or POST.

    ``body`` is the request's raw body, JSON or a form, and ``query`` its raw query string; either may be empty.
    Nothing is signed, so check what matters with ``status``. Anything that is no report raises ``InvalidRequest``.

    Document: Najva SMS v2.0.0, webhook.
    """
    for fields in _candidates(_bytes(body), _bytes(query), content_type or ""):
        message_id, code = _whole(fields.get("messageid")), _whole(fields.get("status"))
        if message_id is not None and code is not None:
            return DeliveryReport(message_id, code, delivery_status(code))
    raise InvalidRequest(
        "This is no delivery report of Najva: it has no whole messageid and status. Answer it with 400."
    )


def _candidates(body: bytes, query: bytes, content_type: str) -> Iterator[Mapping[str, Any]]:
    """Where the two values may stand: the body as it says it is, then the query."""
    is_form = "form" in content_type.lower()
    if body.strip() and not is_form:
        try:
            yield codec.decode(body, dict[str, Any])
        except DecodeError:
            is_form = "json" not in content_type.lower()
    if is_form:
        yield _form(body)
    yield _form(query.removeprefix(b"?"))


def _form(text: bytes) -> dict[str, str]:
    try:
        fields = parse_qs(text.strip().decode("ascii"), max_num_fields=100)
    except ValueError:
        return {}
    # A name that stands twice says two things, and so says nothing.
    return {name: values[0] for name, values in fields.items() if len(values) == 1}


def _bytes(value: bytes | str) -> bytes:
    return value.encode("utf-8", "surrogatepass") if isinstance(value, str) else bytes(value)


def _whole(value: object) -> int | None:
    if isinstance(value, str) and _WHOLE.fullmatch(value):
        value = int(value)
    return value if is_id(value) else None
