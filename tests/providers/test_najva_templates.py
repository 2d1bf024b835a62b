"""Najva's send by a template: a GET that sends, with the token in its path."""

from __future__ import annotations

import logging
import re
from decimal import Decimal
from typing import Any

import aiohttp
import faultserver as fs
import pytest
from faultserver import FaultServer

from najva_sms import AsyncNajva, Najva
from smscore import (
    InsufficientCredit,
    InvalidNumber,
    InvalidRequest,
    MalformedResponse,
    Outcome,
    OutcomeUnknown,
    ResponseLost,
    RetryPolicy,
    SMSError,
)

TO = "09121234567"
URL = re.compile(r"https://sms\.najva\.com/v1/token-of-the-tests/verify/lookup\.json.*")
PATIENT = RetryPolicy(attempts=3, wait_initial=0, wait_max=0)


def ok(entries: Any) -> dict[str, Any]:
    return {"return": {"status": 200, "message": "تایید شد"}, "entries": entries}


def entry(**more: Any) -> dict[str, Any]:
    return {"messageid": 7, "status": 1, "receptor": TO, "cost": 1000, "sender": "90000123"} | more


# What is sent


async def test_the_request_is_that_of_public_clients(najva: AsyncNajva, provider_http: Any) -> None:
    provider_http.get(URL, payload=ok([entry()]))
    report = await najva.send_pattern("+98 912 123 4567", " login ", {"token": "۰۴۵ +&/", "token2": 5, "token3": "ب"})
    (sent,) = provider_http.sent
    assert sent.query == {
        "receptor": TO,
        "template": "login",
        "token": "۰۴۵ +&/",
        "token2": "5",
        "token3": "ب",
        "sender": "90000123",
    }
    assert (sent.method, sent.body) == ("GET", b"")
    assert "Authorization" not in sent.headers
    assert [(one.recipient, one.message_id, one.provider) for one in report] == [("+989121234567", 7, "najva")]
    assert (report.ok, report.cost, report.senders) == (True, 1000, ["90000123"])


async def test_without_a_sender_the_accounts_line_is_used(new_najva: Any, provider_http: Any) -> None:
    provider_http.get(URL, payload=ok([entry()]))
    await new_najva(sender=None).send_pattern(TO, "login", {"token": "1"})
    assert "sender" not in provider_http.sent[0].query


@pytest.mark.parametrize(("value", "text"), [(4521, "4521"), (Decimal("1.50"), "1.50"), ("04521", "04521")])
async def test_a_value_goes_as_text(value: Any, text: str, najva: AsyncNajva, provider_http: Any) -> None:
    provider_http.get(URL, payload=ok([entry()]))
    await najva.send_pattern(TO, "login", {"token": value})
    assert provider_http.sent[0].query["token"] == text


@pytest.mark.parametrize(
    "params",
    [
        *({}, {"code": "1"}, {"token": "1", "token4": "2"}, {"Token": "1"}, {1: "1"}),
        *({"token": ""}, {"token": " "}, {"token": "1", "token2": ""}, {"token": 1.5}, {"token": None}),
        *({"token": True}, {"token": "\ud800"}, [("token", "1")], "token", None),
    ],
    ids=repr,
)
async def test_wrong_params_are_refused(params: Any, najva: AsyncNajva, provider_http: Any) -> None:
    with pytest.raises(InvalidRequest, match=r"param|values") as caught:
        await najva.send_pattern(TO, "login", params)
    assert (caught.value.outcome, provider_http.sent) == (Outcome.NOT_SENT, [])


@pytest.mark.parametrize("template", ["", " ", None, 5, "\ud800"], ids=repr)
async def test_a_wrong_template_is_refused(template: Any, najva: AsyncNajva, provider_http: Any) -> None:
    with pytest.raises(InvalidRequest, match="template"):
        await najva.send_pattern(TO, template, {"token": "1"})
    assert provider_http.sent == []


@pytest.mark.parametrize("to", ["02188776655", "", [TO, "09121234568"], []], ids=repr)
async def test_a_wrong_recipient_is_refused(to: Any, najva: AsyncNajva, provider_http: Any) -> None:
    with pytest.raises((InvalidNumber, InvalidRequest)):
        await najva.send_pattern(to, "login", {"token": "1"})
    assert provider_http.sent == []


# What its answer says


@pytest.mark.parametrize(
    "entries",
    [
        *([entry()], entry(), [entry(receptor=None)], [{"messageid": 7}], {"messageid": "7", "status": "1"}),
        *([{"messageid": 7, "receiver": TO}], [entry(receptor="+989121234567")], [entry(status=99)]),
    ],
    ids=repr,
)
async def test_an_answer_with_an_id_says_that_it_was_taken(entries: Any, najva: AsyncNajva, provider_http: Any) -> None:
    provider_http.get(URL, payload=ok(entries))
    (result,) = await najva.send_pattern(TO, "login", {"token": "1"})
    assert (result.outcome, result.message_id) == (Outcome.ACCEPTED, 7)


@pytest.mark.parametrize(
    "entries", [[], None, {}, "", [entry(receptor="09129999999")], [entry(messageid=0)], [{"status": 1}]], ids=repr
)
async def test_an_answer_without_its_entry_leaves_it_unknown(
    entries: Any, najva: AsyncNajva, provider_http: Any
) -> None:
    provider_http.get(URL, payload=ok(entries))
    with pytest.raises(MalformedResponse) as caught:
        await najva.send_pattern(TO, "login", {"token": "1"})
    assert caught.value.outcome is Outcome.UNKNOWN


@pytest.mark.parametrize("http_status", [200, 418])
async def test_418_is_no_credit_under_any_http_status(http_status: int, najva: AsyncNajva, provider_http: Any) -> None:
    provider_http.get(URL, status=http_status, payload={"return": {"status": 418, "message": "نه"}, "entries": None})
    with pytest.raises(InsufficientCredit) as caught:
        await najva.send_pattern(TO, "login", {"token": "1"})
    assert (caught.value.outcome, caught.value.code) == (Outcome.REJECTED, 418)


@pytest.mark.parametrize("status", [6, 13, 14, 100])
async def test_a_status_that_says_no_is_a_refusal(status: int, najva: AsyncNajva, provider_http: Any) -> None:
    provider_http.get(URL, payload=ok([entry(status=status)]))
    with pytest.raises(SMSError) as caught:
        await najva.send_pattern(TO, "login", {"token": "1"})
    assert (caught.value.outcome, caught.value.code) == (Outcome.REJECTED, status)


async def test_a_page_of_a_cdn_leaves_it_unknown(najva: AsyncNajva, provider_http: Any) -> None:
    provider_http.get(URL, body="<html><body>لطفاً صبر کنید</body></html>", content_type="text/html")
    with pytest.raises(MalformedResponse) as caught:
        await najva.send_pattern(TO, "login", {"token": "1"})
    assert caught.value.outcome is Outcome.UNKNOWN


# Once it may have left it is not repeated, by us or by aiohttp


@pytest.mark.parametrize("fault", [fs.FIN, fs.RST, fs.ERROR_500, fs.HTML_200], ids=str)
@pytest.mark.parametrize("is_lent", [False, True], ids=["own session", "lent session"])
async def test_a_request_that_was_read_is_never_sent_again(fault: fs.Fault, is_lent: bool) -> None:
    with FaultServer(fault) as server:
        async with aiohttp.ClientSession() as session:
            options: dict[str, Any] = {"session": session} if is_lent else {}
            async with AsyncNajva("token", base_url=server.url, retry=PATIENT, **options) as client:
                with pytest.raises(OutcomeUnknown):
                    await client.send_pattern(TO, "login", {"token": "1"})
        assert server.count() == 1


async def test_an_idle_connection_that_the_server_drops_does_not_make_two_of_it() -> None:
    with FaultServer([fs.GOOD, fs.FIN]) as server:
        async with AsyncNajva("token", base_url=server.url, retry=PATIENT) as client:
            await client.send_pattern(TO, "login", {"token": "1"})
            with pytest.raises(ResponseLost):
                await client.send_pattern(TO, "login", {"token": "2"})
        assert server.count() == 2


# The token in the path


KEY = "k3y/of the-tests+9"
ECHOES = {
    "html": lambda path: (404, f"<html>Not Found: {path} {KEY}</html>".encode(), fs.HTML),
    "message": lambda path: (404, fs.as_json({"return": {"status": 404, "message": f"no {path} {KEY}"}}), fs.JSON),
    "fields": lambda path: (400, fs.as_json({"return": {"status": 400}, "errors": {path: [KEY, path]}}), fs.JSON),
    "server error": lambda path: (502, path.encode(), fs.HTML),
    "taken": lambda path: (200, fs.as_json({"return": {"status": 200}, "entries": [{"url": path}]}), fs.JSON),
}


@pytest.mark.parametrize("echo", ECHOES)
def test_a_server_that_quotes_the_url_makes_the_token_show_nowhere(echo: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    quoted = "/v1/k3y%2Fof%20the-tests%2B9/verify/lookup.json"
    status, body, kind = ECHOES[echo](quoted)
    with FaultServer(fs.says("echo", fs.http(status, body, kind), takes=False)) as server:
        with Najva(KEY, base_url=server.url, retry=RetryPolicy.none()) as client:
            with pytest.raises(SMSError) as caught:
                client.send_pattern(TO, "login", {"token": "81726354"})
            shown = [repr(client)]
        assert server.requests[0].path.startswith(quoted)
    error = caught.value
    shown += [str(error), repr(error), repr(error.report), error.message or "", error.body or "", *error.details]
    shown += [*error.fields, *(words for said in error.fields.values() for words in said)]
    shown += [record.getMessage() for record in caplog.records]
    assert [words for words in shown if "k3y" in words or "81726354" in words] == []
