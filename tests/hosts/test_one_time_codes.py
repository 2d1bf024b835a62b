"""The examples of one-time codes run, do the right thing on each outcome, and log no code."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import django
import pytest
from django.conf import settings
from django.core.cache import cache
from django.test import RequestFactory
from example_files import example

from ippanel_sms import AsyncIPPanel

SEND = "https://edge.ippanel.com/v1/api/send"
MOBILE = "09121234567"
PERSIAN = str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹")
ACCEPTED = {"data": {"message_outbox_ids": [1]}, "meta": {"status": True}}
REFUSED = {
    "data": None,
    "meta": {"status": False, "message": "نشد", "message_code": "400-2", "errors": {"code": ["؟"]}},
}

# How the provider answers, and whether the code is then still good.
OUTCOMES: dict[str, tuple[dict[str, Any], bool]] = {
    "accepted": ({"payload": ACCEPTED}, True),
    "refused": ({"status": 422, "payload": REFUSED}, False),
    "lost": ({"exception": ConnectionResetError()}, True),
    "html": ({"body": "<html>"}, True),
    "too many": ({"status": 429}, False),
}


@pytest.fixture(autouse=True)
def _settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IPPANEL_TOKEN", "any")
    monkeypatch.setenv("IPPANEL_SENDER", "+983000505")
    if not settings.configured:
        settings.configure(DEFAULT_CHARSET="utf-8", ALLOWED_HOSTS=["testserver"])
        django.setup()


def code_sent(provider_http: Any) -> str:
    body = provider_http.sent[0].json
    return body["params"]["code"] if body["sending_type"] == "pattern" else body["message"]


# In an asyncio service


@pytest.fixture
def service() -> ModuleType:
    return example("one_time_codes")


@pytest.mark.parametrize("by_call", [False, True])
@pytest.mark.parametrize("outcome", OUTCOMES)
async def test_a_code_stays_good_exactly_where_it_may_have_gone(
    outcome: str,
    by_call: bool,
    service: ModuleType,
    ippanel: AsyncIPPanel,
    provider_http: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    answer, is_good = OUTCOMES[outcome]
    provider_http.post(SEND, **answer)
    codes = service.Codes()
    ticket, words = await service.send_code(ippanel, codes, MOBILE, by_call=by_call)
    code = code_sent(provider_http)
    assert (len(code), code.isdigit(), bool(words)) == (6, True, True)
    assert (ticket is not None) is is_good
    assert not is_good or codes.is_right(ticket, f" {code.translate(PERSIAN)} ")
    assert codes._codes == {}
    assert code not in caplog.text
    assert MOBILE[1:] not in caplog.text


async def test_a_code_for_a_bad_number_goes_nowhere(
    service: ModuleType, ippanel: AsyncIPPanel, provider_http: Any
) -> None:
    assert (await service.send_code(ippanel, service.Codes(), "02188776655"))[0] is None
    assert provider_http.sent == []


def test_a_code_is_good_once_for_a_few_tries_and_a_while(service: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    codes = service.Codes()
    once, digits = codes.give_out()
    assert (codes.is_right(once, "x"), codes.is_right(once, digits), codes.is_right(once, digits)) == (
        False,
        True,
        False,
    )
    tried, digits = codes.give_out()
    assert [codes.is_right(tried, "x") for _ in range(service.TRIES)] == [False] * service.TRIES
    assert not codes.is_right(tried, digits)
    late, digits = codes.give_out()
    now = service.time.monotonic()
    monkeypatch.setattr(service.time, "monotonic", lambda: now + service.LIFETIME + 1)
    assert not codes.is_right(late, digits)
    assert digits not in repr(codes._codes)


# In a Django view


@pytest.fixture
def views() -> Iterator[ModuleType]:
    module = example("django_one_time_codes")
    cache.clear()
    yield module
    module.ippanel.close()


@pytest.mark.parametrize(
    ("outcome", "status"), [("accepted", 200), ("refused", 502), ("lost", 200), ("html", 200), ("too many", 502)]
)
def test_a_view_keeps_the_code_exactly_where_it_may_have_gone(
    outcome: str, status: int, views: ModuleType, provider_http: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    answer, is_good = OUTCOMES[outcome]
    provider_http.post(SEND, **answer, repeat=True)
    response = views.send_code(RequestFactory().post("/", {"mobile": MOBILE}))
    code = code_sent(provider_http)
    ticket = json.loads(response.content).get("ticket")
    assert (response.status_code, ticket is not None) == (status, is_good)
    if ticket:
        asked = RequestFactory().post("/", {"ticket": ticket, "code": code.translate(PERSIAN)})
        assert [views.check_code(asked).status_code for _ in range(2)] == [200, 403]
    assert code not in caplog.text
    assert MOBILE[1:] not in caplog.text


def test_a_view_names_a_bad_number(views: ModuleType, provider_http: Any) -> None:
    assert views.send_code(RequestFactory().post("/", {"mobile": "02188776655"})).status_code == 400
    assert provider_http.sent == []


def test_a_view_counts_wrong_codes(views: ModuleType, provider_http: Any) -> None:
    provider_http.post(SEND, payload=ACCEPTED)
    ticket = json.loads(views.send_code(RequestFactory().post("/", {"mobile": MOBILE})).content)["ticket"]
    wrong = RequestFactory().post("/", {"ticket": ticket, "code": "x"})
    assert [views.check_code(wrong).status_code for _ in range(views.TRIES)] == [403] * views.TRIES
    right = RequestFactory().post("/", {"ticket": ticket, "code": code_sent(provider_http)})
    assert views.check_code(right).status_code == 403
