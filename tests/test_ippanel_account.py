"""What IPPanel tells of an account: its money, what a message costs, its lines, and whose it is."""

from decimal import Decimal
from typing import Any

import pytest

from ippanel_sms import AsyncIPPanel, IPPanel
from smscore import MalformedResponse

API = "https://edge.ippanel.com/v1/api"
CREDIT = f"{API}/payment/credit/mine"


def ok(data: str) -> str:
    return f'{{"data": {data}, "meta": {{"status": true, "message": "انجام شد", "message_code": "200-1"}}}}'


# Credit


@pytest.mark.parametrize(
    ("written", "credit"),
    [
        ("6084722932.705052", "6084722932.705052"),
        ("0.1", "0.1"),
        ("0.1000000000000000055511151231257827", "0.1000000000000000055511151231257827"),
        ("12", "12"),
        ('"12.50"', "12.50"),
        ("-3", "-3"),
        ("9007199254740993", "9007199254740993"),
    ],
)
async def test_the_credit_is_exactly_what_is_written(
    written: str, credit: str, ippanel: AsyncIPPanel, provider_http: Any
) -> None:
    provider_http.get(CREDIT, body=ok(f'{{"credit": {written}, "gift": 0, "gift_expires_at": null}}'))
    found = await ippanel.credit()
    assert (type(found), str(found)) == (Decimal, credit)
    assert (provider_http.sent[0].method, provider_http.sent[0].body) == ("GET", b"")


@pytest.mark.parametrize("data", ["null", "{}", "[]", "5", '{"credit": null}', '{"credit": true}', '{"credit": "x"}'])
async def test_a_credit_that_is_no_number_is_malformed(data: str, ippanel: AsyncIPPanel, provider_http: Any) -> None:
    provider_http.get(CREDIT, body=ok(data))
    with pytest.raises(MalformedResponse) as caught:
        await ippanel.credit()
    assert caught.value.outcome is None


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity", "sNaN"])
async def test_a_credit_of_no_size_is_malformed(word: str, ippanel: AsyncIPPanel, provider_http: Any) -> None:
    provider_http.get(CREDIT, body=ok(f'{{"credit": "{word}"}}'))
    with pytest.raises(MalformedResponse):
        await ippanel.credit()


def test_the_blocking_client_tells_the_credit(provider_http: Any) -> None:
    provider_http.get(CREDIT, body=ok('{"credit": 1.5}'))
    with IPPanel("token-of-the-tests") as client:
        assert client.credit() == Decimal("1.5")
