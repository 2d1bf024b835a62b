"""The examples of one-time codes run against a sandbox, say the truth on each outcome, and log no code."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from collections.abc import AsyncIterator, Iterator
from types import ModuleType
from typing import Any

import httpx
import pytest
from aiohttp.test_utils import TestClient, TestServer
from django.core.cache import cache
from django.test import RequestFactory
from example_files import FOLDER, example

from smscore import ConfigurationError, Polling
from smscore.sandbox import Sandbox

MOBILE = "09121234567"
SENDERS = {"ippanel": "+983000505", "najva": "90000123", "sepahan": "50003300"}
PERSIAN = str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹")
CREDIT, TOKEN, BUSY, LOST = (
    ("no_credit", {}),
    ("expired_token", {}),
    ("rate_limit", {"seconds": 20}),
    ("drop_after", {}),
)

# What befalls the providers, who then takes the code, and the status of the page; the code is good where it may come.
OUTCOMES: dict[str, tuple[dict[str, tuple[str, Any]], list[str], int]] = {
    "accepted": ({}, ["ippanel"], 200),
    "the first has no credit": ({"ippanel": CREDIT}, ["najva"], 200),
    "only the last works": ({"ippanel": TOKEN, "najva": TOKEN}, ["sepahan"], 200),
    "it may have gone": ({"ippanel": LOST}, ["ippanel"], 200),
    "all refuse": (dict.fromkeys(SENDERS, TOKEN), [], 502),
    "all are busy": (dict.fromkeys(SENDERS, BUSY), [], 429),
}


@pytest.fixture(autouse=True)
def box(monkeypatch: pytest.MonkeyPatch, django_settings: None) -> Iterator[Sandbox]:
    cache.clear()
    with Sandbox() as box:
        for name, sender in SENDERS.items():
            monkeypatch.setenv(f"{name}_TOKEN".upper(), "any")
            monkeypatch.setenv(f"{name}_SENDER".upper(), sender)
            monkeypatch.setenv(f"{name}_BASE_URL".upper(), box.url(name))
        yield box


# In an asyncio service


@pytest.fixture
def service() -> ModuleType:
    return example("one_time_codes")


@pytest.mark.parametrize("outcome", OUTCOMES)
async def test_a_code_is_good_exactly_where_it_may_have_gone(
    outcome: str, service: ModuleType, box: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "codes")
    faults, takers, status = OUTCOMES[outcome]
    for provider, (fault, needs) in faults.items():
        box.fail(fault, provider=provider, **needs)
    async with TestClient(TestServer(service.app_with(service.failover()))) as browser:
        answer = await browser.post("/codes", data={"mobile": MOBILE})
        page = await answer.json()
        assert (answer.status, [message.provider for message in box.messages]) == (status, takers)
        assert (page["ticket"] is not None) is bool(takers)
        assert answer.headers.get("Retry-After") == ("20" if status == 429 else None)
        code = box.last_code(MOBILE)
        if code is not None:
            typed = {"ticket": page["ticket"], "code": f" {code.translate(PERSIAN)} "}
            assert [(await browser.post("/codes/check", data=typed)).status for _ in range(2)] == [200, 403]
            assert code not in caplog.text
    assert MOBILE[1:] not in caplog.text


async def test_a_number_that_asks_too_often_is_told_when_to_try_again(service: ModuleType, box: Sandbox) -> None:
    async with TestClient(TestServer(service.app_with(service.failover()))) as browser:
        spellings = [MOBILE, "+98 912 123 4567", MOBILE.translate(PERSIAN), MOBILE]
        answers = [await browser.post("/codes", data={"mobile": spelling}) for spelling in spellings]
        assert [answer.status for answer in answers] == [200, 200, 200, 429]
        assert 0 < int(answers[-1].headers["Retry-After"]) <= service.PER_NUMBER[1]
        assert (await browser.post("/codes", data={"mobile": "09350000000"})).status == 200
    assert len(box.messages) == 4


async def test_a_number_to_which_nothing_was_sent_has_not_asked_too_often(service: ModuleType, box: Sandbox) -> None:
    async with TestClient(TestServer(service.app_with(service.failover()))) as browser:
        box.fail("rate_limit", seconds=20)
        for _ in range(service.PER_NUMBER[0] + 1):
            assert (await browser.post("/codes", data={"mobile": MOBILE})).headers["Retry-After"] == "20"
        box.clear_faults()
        assert (await browser.post("/codes", data={"mobile": MOBILE})).status == 200


async def test_a_code_for_a_bad_number_goes_nowhere(service: ModuleType, box: Sandbox) -> None:
    async with TestClient(TestServer(service.app_with(service.failover()))) as browser:
        assert (await browser.post("/codes", data={"mobile": "02188776655"})).status == 400
    assert box.messages == []


def test_a_code_is_good_once_for_a_few_tries_and_a_while(service: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    codes = service.Codes()
    once, digits = codes.give_out()
    tried = [codes.is_right(once, typed) for typed in ("x", digits, digits)]
    assert tried == [False, True, False]
    guessed, digits = codes.give_out()
    assert [codes.is_right(guessed, "x") for _ in range(service.TRIES)] == [False] * service.TRIES
    assert not codes.is_right(guessed, digits)
    late, digits = codes.give_out()
    now = service.time.monotonic()
    monkeypatch.setattr(service.time, "monotonic", lambda: now + service.LIFETIME + 1)
    assert not codes.is_right(late, digits)
    assert digits not in repr(codes._codes)


def test_what_is_over_is_not_kept(service: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    codes = service.Codes()
    codes.give_out()
    codes.seconds_to_wait(MOBILE)
    now = service.time.monotonic()
    monkeypatch.setattr(service.time, "monotonic", lambda: now + service.PER_NUMBER[1])
    ticket, _ = codes.give_out()
    assert codes.seconds_to_wait("+989350000000") == 0
    assert ([*codes._codes], [*codes._asked]) == ([ticket], ["+989350000000"])


async def test_a_service_does_not_start_without_a_token(
    service: ModuleType, monkeypatch: pytest.MonkeyPatch, box: Sandbox
) -> None:
    monkeypatch.delenv("NAJVA_TOKEN")
    with pytest.raises(ConfigurationError, match="NAJVA_TOKEN"):
        service.app_with(service.failover())
    monkeypatch.syspath_prepend(FOLDER)
    app = example("fastapi_one_time_codes").app
    with pytest.raises(ConfigurationError, match="NAJVA_TOKEN"):
        async with app.router.lifespan_context(app):
            pass
    monkeypatch.delitem(sys.modules, "one_time_codes")


async def test_a_page_is_told_what_became_of_a_code(
    service: ModuleType, box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "POLLING", Polling(first=0.02, longest=0.05))
    async with TestClient(TestServer(service.app_with(service.failover()))) as browser:
        ticket = (await (await browser.post("/codes", data={"mobile": MOBILE})).json())["ticket"]
        box.advance(60)
        while await delivery_of(browser, ticket) != "delivered":
            pass
        assert await delivery_of(browser, "another") is None


async def test_closing_the_service_ends_the_following(service: ModuleType, box: Sandbox) -> None:
    async with TestClient(TestServer(service.app_with(service.failover()))) as browser:
        ticket = (await (await browser.post("/codes", data={"mobile": MOBILE})).json())["ticket"]
        assert await delivery_of(browser, ticket) is None
    assert [task for task in asyncio.all_tasks() if task is not asyncio.current_task()] == []


async def delivery_of(browser: TestClient[Any, Any], ticket: str) -> Any:
    return (await (await browser.get(f"/codes/{ticket}")).json())["delivery"]


# In FastAPI


@pytest.fixture
async def api(monkeypatch: pytest.MonkeyPatch, box: Sandbox) -> AsyncIterator[httpx.AsyncClient]:
    """The routes, while the service runs."""
    monkeypatch.syspath_prepend(FOLDER)
    app = example("fastapi_one_time_codes").app
    browser = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service")
    async with app.router.lifespan_context(app), browser:
        yield browser
    monkeypatch.delitem(sys.modules, "one_time_codes")


@pytest.mark.parametrize("outcome", OUTCOMES)
async def test_a_route_keeps_the_code_exactly_where_it_may_have_gone(
    outcome: str, api: httpx.AsyncClient, box: Sandbox
) -> None:
    faults, takers, status = OUTCOMES[outcome]
    for provider, (fault, needs) in faults.items():
        box.fail(fault, provider=provider, **needs)
    answer = await api.post("/codes", json={"mobile": MOBILE})
    assert (answer.status_code, [message.provider for message in box.messages]) == (status, takers)
    assert answer.headers.get("Retry-After") == ("20" if status == 429 else None)
    ticket, code = answer.json()["ticket"], box.last_code(MOBILE)
    assert (ticket is not None) is bool(takers)
    if code is not None:
        typed = {"ticket": ticket, "code": code.translate(PERSIAN)}
        assert [(await api.post("/codes/check", json=typed)).status_code for _ in range(2)] == [200, 403]


async def test_a_route_tells_what_became_of_a_code(
    api: httpx.AsyncClient, box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules["one_time_codes"], "POLLING", Polling(first=0.02, longest=0.05))
    ticket = (await api.post("/codes", json={"mobile": MOBILE})).json()["ticket"]
    box.advance(60)
    while (await api.get(f"/codes/{ticket}")).json()["delivery"] != "delivered":  # noqa: ASYNC110  # the page asks
        await asyncio.sleep(0.01)
    assert (await api.get("/codes/another")).json() == {"delivery": None}


async def test_a_route_names_a_bad_number(api: httpx.AsyncClient, box: Sandbox) -> None:
    assert (await api.post("/codes", json={"mobile": "02188776655"})).status_code == 400
    assert (await api.post("/codes", json={})).status_code == 422
    assert box.messages == []


# In a Django view


@pytest.fixture
def views(box: Sandbox) -> Iterator[ModuleType]:
    module = example("django_one_time_codes")
    yield module
    module.sms.close()


def asked(views: ModuleType, mobile: str = MOBILE) -> Any:
    return views.send_code(RequestFactory().post("/", {"mobile": mobile}))


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_a_view_keeps_the_code_exactly_where_it_may_have_gone(
    outcome: str, views: ModuleType, box: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "codes")
    faults, takers, status = OUTCOMES[outcome]
    for provider, (fault, needs) in faults.items():
        box.fail(fault, provider=provider, **needs)
    response = asked(views)
    assert (response.status_code, [message.provider for message in box.messages]) == (status, takers)
    assert response.headers.get("Retry-After") == ("20" if status == 429 else None)
    ticket, code = json.loads(response.content).get("ticket"), box.last_code(MOBILE)
    assert (ticket is not None) is bool(takers)
    if code is not None:
        typed = RequestFactory().post("/", {"ticket": ticket, "code": code.translate(PERSIAN)})
        assert [views.check_code(typed).status_code for _ in range(2)] == [200, 403]
        assert code not in caplog.text
    assert MOBILE[1:] not in caplog.text


def test_a_view_tells_a_number_that_asks_too_often_when_to_try_again(views: ModuleType, box: Sandbox) -> None:
    assert asked(views).status_code == 200
    again = asked(views, "+98 912 123 4567")
    assert again.status_code == 429
    assert 0 < int(again.headers["Retry-After"]) <= views.EACH_NUMBER
    assert asked(views, "09350000000").status_code == 200
    assert len(box.messages) == 2


def test_a_view_lets_a_number_ask_again_to_which_nothing_was_sent(views: ModuleType, box: Sandbox) -> None:
    box.fail("rate_limit", seconds=20)
    assert [asked(views).headers["Retry-After"] for _ in range(2)] == ["20", "20"]
    box.clear_faults()
    assert asked(views).status_code == 200


def test_a_view_tells_what_became_of_a_code(views: ModuleType, box: Sandbox) -> None:
    ticket = json.loads(asked(views).content)["ticket"]
    box.advance(60)
    assert delivery_by(views, ticket) == "delivered"
    assert delivery_by(views, "another") is None
    box.fail("expired_token", provider="ippanel")
    assert delivery_by(views, ticket) is None


def delivery_by(views: ModuleType, ticket: str) -> Any:
    return json.loads(views.delivery(RequestFactory().get("/", {"ticket": ticket})).content)["delivery"]


def test_a_view_names_a_bad_number(views: ModuleType, box: Sandbox) -> None:
    assert asked(views, "02188776655").status_code == 400
    assert box.messages == []


def test_a_view_counts_wrong_codes(views: ModuleType, box: Sandbox) -> None:
    ticket = json.loads(asked(views).content)["ticket"]
    wrong = RequestFactory().post("/", {"ticket": ticket, "code": "x"})
    assert [views.check_code(wrong).status_code for _ in range(views.TRIES)] == [403] * views.TRIES
    right = RequestFactory().post("/", {"ticket": ticket, "code": box.last_code(MOBILE)})
    assert views.check_code(right).status_code == 403
