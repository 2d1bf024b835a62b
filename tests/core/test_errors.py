"""The tree of errors, and that each one crosses to another process whole."""

import pickle
from typing import Any

import pytest

import smscore
from sepahan_sms import AsyncSepahan
from smscore import InvalidNumber, Outcome, PartialSendError, SMSError

# Every error, the class above it, its outcome by default, and what it has of its own.
TREE: dict[str, tuple[str, Outcome | None, dict[str, Any]]] = {
    "ConfigurationError": ("SMSError", None, {}),
    "ClientClosed": ("SMSError", Outcome.NOT_SENT, {}),
    "InvalidRequest": ("SMSError", Outcome.NOT_SENT, {}),
    "InvalidNumber": ("InvalidRequest", Outcome.NOT_SENT, {"numbers": [(3, "0912")]}),
    "ConnectionFailed": ("SMSError", Outcome.NOT_SENT, {}),
    "NotAttempted": ("SMSError", Outcome.NOT_SENT, {"reason": "the time ran out"}),
    "OutcomeUnknown": ("SMSError", Outcome.UNKNOWN, {}),
    "ResponseLost": ("OutcomeUnknown", Outcome.UNKNOWN, {}),
    "MalformedResponse": ("OutcomeUnknown", Outcome.UNKNOWN, {}),
    "ServerError": ("OutcomeUnknown", Outcome.UNKNOWN, {}),
    "ProviderError": ("SMSError", Outcome.REJECTED, {}),
    "AuthenticationError": ("ProviderError", Outcome.REJECTED, {}),
    "AccountError": ("ProviderError", Outcome.REJECTED, {}),
    "InsufficientCredit": ("ProviderError", Outcome.REJECTED, {}),
    "InvalidParameters": ("ProviderError", Outcome.REJECTED, {"fields": {"message": ["الزامی است"]}}),
    "DuplicateRequest": ("ProviderError", Outcome.REJECTED, {}),
    "OutsideServiceHours": ("ProviderError", Outcome.REJECTED, {}),
    "RateLimited": ("ProviderError", Outcome.REJECTED, {"retry_after": 1.5}),
    "NotFound": ("ProviderError", Outcome.REJECTED, {}),
    "PartialSendError": ("SMSError", None, {}),
}
ANSWER = {"provider": "najva", "code": 418, "http_status": 400, "message": "نشد", "details": ["یک", "دو"]}


def attributes(error: SMSError) -> dict[str, Any]:
    return {name: value for name, value in vars(error).items() if name not in {"report", "errors"}}


@pytest.mark.parametrize("name", TREE)
def test_an_error_is_where_the_tree_has_it(name: str) -> None:
    parent, outcome, _ = TREE[name]
    kind = getattr(smscore, name)
    assert kind.__bases__[0] is getattr(smscore, parent)
    assert kind("text").outcome is outcome
    assert issubclass(kind, ValueError) is (name in {"InvalidRequest", "InvalidNumber"})


def test_the_tree_is_complete() -> None:
    found = {name for name in smscore.__all__ if issubclass_of_error(getattr(smscore, name))}
    assert found == {*TREE, "SMSError"}


def issubclass_of_error(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, BaseException)


@pytest.mark.parametrize("name", TREE)
def test_an_error_says_little_of_itself_where_there_was_no_answer(name: str) -> None:
    error = getattr(smscore, name)("text")
    assert (error.provider, error.report, error.code, error.http_status, error.message) == (None,) * 5
    assert list(error.details) == []
    assert str(error) == "text"


@pytest.mark.parametrize("name", TREE)
def test_an_error_pickles_with_all_it_has(name: str) -> None:
    own = TREE[name][2]
    error = getattr(smscore, name)("what happened", **ANSWER, **own)
    error.outcome = Outcome.UNKNOWN
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert str(again) == "what happened"
    assert attributes(again) == attributes(error)
    assert own.items() <= attributes(again).items()


async def caught_from(client: AsyncSepahan, http: Any, ids: list[int], size: int) -> SMSError:
    http.post(
        "https://api.sepahansms.com/api/Sms/Send",
        payload={"isSuccess": True, "value": {"ids": ids, "totalPrice": 30}, "error": None},
    )
    with pytest.raises(SMSError) as caught:
        await client.send([f"0912000000{n}" for n in range(size)], "سلام", request_id="order-7")
    return caught.value


def rows(report: Any) -> list[Any]:
    return [(one.recipient, one.outcome, one.message_id, type(one.error), one.request_id) for one in report]


@pytest.mark.parametrize("ids", [[-14, -4, -4], [11, 0, -4]])
async def test_an_error_pickles_with_its_report(ids: list[int], sepahan: AsyncSepahan, provider_http: Any) -> None:
    error = await caught_from(sepahan, provider_http, ids, 3)
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), attributes(again)) == (type(error), attributes(error))
    assert rows(again.report) == rows(error.report)
    assert (again.report.cost, again.report.ok, repr(again.report)) == (30, False, repr(error.report))
    assert again.report.as_dicts() == error.report.as_dicts()


async def test_the_first_recipients_error_is_the_raised_one_also_after_a_pickle(
    sepahan: AsyncSepahan, provider_http: Any
) -> None:
    error = await caught_from(sepahan, provider_http, [-14, -4], 2)
    again = pickle.loads(pickle.dumps(error))
    assert again.report[0].error is again
    assert again.report[0].error.report is again.report


async def test_a_partial_error_pickles_with_its_errors(sepahan: AsyncSepahan, provider_http: Any) -> None:
    error = await caught_from(sepahan, provider_http, [11, 0, -4], 3)
    assert isinstance(error, PartialSendError)
    again = pickle.loads(pickle.dumps(error))
    assert [(type(one), one.code, str(one)) for one in again.errors] == [
        (type(one), one.code, str(one)) for one in error.errors
    ]


async def test_a_bad_number_pickles_with_the_numbers(sepahan: AsyncSepahan) -> None:
    with pytest.raises(InvalidNumber) as caught:
        await sepahan.send(["09121234567", "x", 5], "سلام")
    again = pickle.loads(pickle.dumps(caught.value))
    assert again.numbers == [(1, "x"), (2, 5)]
