"""What the provider said is kept, whatever its shape, and two causes never give the same sentence."""

import copy
import json
import logging
import pickle
import re
from itertools import chain, combinations
from typing import Any

import pytest
from providers.test_samples import CLIENTS, call

import ippanel_sms.codes
import najva_sms.codes
import sepahan_sms.codes
from smscore import (
    AccountError,
    AuthenticationError,
    InsufficientCredit,
    InvalidParameters,
    MalformedResponse,
    Outcome,
    ProviderError,
    ServerError,
    SMSError,
)
from smscore.wire.endpoint import Answer
from smscore.wire.error_body import (
    RefusalDetails,
    details_in,
    fingerprint_of,
    folded,
    keys_in,
    shown_content_type,
    shown_names,
)
from smscore.wire.error_mapping import RefusalTable, http_error, refusal

SENDER, CREDIT = "شماره فرستنده معتبر نیست", "اعتبار کافی نیست"

# Each shape with a wrong sender, and the same with an empty account; then what is kept of the first.
SHAPES: dict[str, tuple[Any, Any, dict[str, Any]]] = {
    "errors by field": (
        {"errors": {"senderNumbers": [SENDER]}},
        {"errors": {"credit": [CREDIT]}},
        {"fields": {"senderNumbers": [SENDER]}},
    ),
    "errors by field as texts": (
        {"errors": {"senderNumbers": SENDER}},
        {"errors": {"senderNumbers": CREDIT}},
        {"fields": {"senderNumbers": [SENDER]}},
    ),
    "errors in errors": (
        {"errors": {"params": {"sender": [SENDER]}}},
        {"errors": {"params": {"credit": [CREDIT]}}},
        {"fields": {"params.sender": [SENDER]}},
    ),
    "a list of errors": ({"errors": [SENDER]}, {"errors": [CREDIT]}, {"details": [SENDER]}),
    "a list of objects": (
        {"errors": [{"field": "sender", "message": SENDER}]},
        {"errors": [{"field": "credit", "message": CREDIT}]},
        {"fields": {"sender": [SENDER]}},
    ),
    "fields at the top": ({"receivers": [SENDER]}, {"receivers": [CREDIT]}, {"fields": {"receivers": [SENDER]}}),
    "detail": ({"detail": SENDER}, {"detail": CREDIT}, {"details": [SENDER], "message": SENDER}),
    "FastAPI": (
        {"detail": [{"loc": ["body", "sender"], "msg": SENDER, "type": "x"}]},
        {"detail": [{"loc": ["body", "credit"], "msg": CREDIT, "type": "x"}]},
        {"fields": {"body.sender": [SENDER]}},
    ),
    "problem details": (
        {"type": "about:blank", "title": "Bad", "status": 400, "detail": SENDER, "instance": "/1"},
        {"type": "about:blank", "title": "Bad", "status": 400, "detail": CREDIT, "instance": "/1"},
        {"details": ["Bad", SENDER]},
    ),
    "problem details with fields": (
        {"title": "Bad", "errors": [{"detail": SENDER, "pointer": "#/sender"}]},
        {"title": "Bad", "errors": [{"detail": CREDIT, "pointer": "#/sender"}]},
        {"fields": {"sender": [SENDER]}, "message": "Bad"},
    ),
    "invalid params": (
        {"title": "Bad", "invalid-params": [{"name": "sender", "reason": SENDER}]},
        {"title": "Bad", "invalid-params": [{"name": "credit", "reason": CREDIT}]},
        {"fields": {"sender": [SENDER]}},
    ),
    "meta.errors": (
        {"meta": {"errors": {"senderLine": [SENDER]}}},
        {"meta": {"errors": {"creditLeft": [CREDIT]}}},
        {"fields": {"senderLine": [SENDER]}},
    ),
    "message": ({"message": SENDER}, {"message": CREDIT}, {"message": SENDER}),
    "Message": ({"Message": SENDER}, {"Message": CREDIT}, {"message": SENDER}),
    "a message in an error": ({"error": {"message": SENDER}}, {"error": {"message": CREDIT}}, {"message": SENDER}),
    "an error alone": ({"error": SENDER}, {"error": CREDIT}, {"message": SENDER}),
    "a code of theirs": ({"reasonCode": 71}, {"reasonCode": "E-72"}, {"details": ["reasonCode: 71"]}),
    "a list": ([SENDER], [CREDIT], {"details": [SENDER]}),
    "a JSON text": (SENDER, CREDIT, {"message": SENDER}),
}
STATUSES = [400, 401, 402, 403, 404, 405, 409, 413, 415, 418, 422, 429, 451, 500, 502, 503]
NAMES = {"sepahan": "sepahan/send", "ippanel": "ippanel/send", "najva": "najva/send"}


def answer_all(http: Any, body: Any, status: int = 400, **more: Any) -> None:
    content = body if isinstance(body, (str, bytes)) else json.dumps(body, ensure_ascii=False)
    for method in ("GET", "POST"):
        http.add(re.compile(""), method, status=status, body=content, repeat=True, **more)


async def error_of(provider: str, new_client: Any, http: Any, body: Any, status: int = 400, **more: Any) -> SMSError:
    http.clear()
    answer_all(http, body, status, **more)
    calls = {"sepahan": "sepahan/send-success", "ippanel": "ippanel/send-success", "najva": "najva/send-success"}
    with pytest.raises(SMSError) as caught:
        await call(calls[provider], new_client)
    return caught.value


# Kept


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("provider", CLIENTS)
@pytest.mark.parametrize("status", [400, 401, 409, 500])
async def test_the_cause_is_kept_in_any_shape(
    shape: str, provider: str, status: int, new_client: Any, provider_http: Any
) -> None:
    body, _, kept = SHAPES[shape]
    error = await error_of(provider, new_client, provider_http, body, status)
    assert {name: getattr(error, name) for name in kept} == kept
    assert error.body == json.dumps(body, ensure_ascii=False) or isinstance(body, str)


@pytest.mark.parametrize("shape", [shape for shape in SHAPES if shape not in ("a list", "a JSON text")])
@pytest.mark.parametrize("provider", CLIENTS)
async def test_under_200_it_is_unknown_and_the_cause_is_kept(
    shape: str, provider: str, new_client: Any, provider_http: Any
) -> None:
    body, _, kept = SHAPES[shape]
    if "meta" in body:
        body = {"meta": {"status": "no", **body["meta"]}}
    error = await error_of(provider, new_client, provider_http, {"success": False, **body}, 200)
    assert (type(error), error.outcome) == (MalformedResponse, Outcome.UNKNOWN)
    assert {name: getattr(error, name) for name in kept} == kept


@pytest.mark.parametrize(
    ("provider", "body"),
    [
        ("sepahan", {"isSuccess": False, "value": None}),
        ("sepahan", {"isSuccess": False, "value": None, "error": None, "errors": {"senderNumbers": [SENDER]}}),
        ("sepahan", {"isSuccess": False, "value": None, "error": [SENDER]}),
        ("sepahan", {"isSuccess": False, "error": 7}),
        ("ippanel", {"meta": {"status": False}, "data": None}),
        ("najva", {"return": {"status": 400}, "errors": {"sender": [SENDER]}}),
    ],
)
async def test_a_documented_no_is_a_refusal_also_without_an_error(
    provider: str, body: Any, new_client: Any, provider_http: Any
) -> None:
    error = await error_of(provider, new_client, provider_http, body, 200)
    assert isinstance(error, ProviderError)
    assert error.outcome is Outcome.REJECTED
    said = [error.message, *error.details, *chain.from_iterable(error.fields.values())]
    assert (SENDER in said) is (SENDER in json.dumps(body, ensure_ascii=False))


async def test_plain_text_is_the_message(new_client: Any, provider_http: Any) -> None:
    error = await error_of("najva", new_client, provider_http, "sender is not yours\n")
    assert (error.message, error.body) == ("sender is not yours", "sender is not yours\n")
    error = await error_of("najva", new_client, provider_http, "<html>no</html>", 409)
    assert (error.message, error.body) == (None, "<html>no</html>")


async def test_a_body_keeps_2_kib_and_goes_nowhere_by_itself(new_client: Any, provider_http: Any) -> None:
    error = await error_of("sepahan", new_client, provider_http, "پ" * 5_000)
    assert error.body == "پ" * 1024
    assert "پپ" not in f"{error} {error!r} {vars(error)}"
    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert (again.body, str(again), type(again)) == (None, str(error), type(error))
    assert SMSError("text").body is None


def test_what_is_kept_is_bounded() -> None:
    many = {"errors": {f"f{n}": ["x"] for n in range(5_000)}, "details": ["y"] * 1_000}
    words = details_in(json.dumps(many).encode())
    assert len(words.fields) <= 100
    assert len(words.details) <= 100
    assert details_in(b'{"message": "' + b"x" * 100_000 + b'"}') == RefusalDetails()
    deep: Any = {"errors": {}}
    inner = deep["errors"]
    for _ in range(200):
        inner["a"] = inner = {}
    inner["a"] = "end"
    assert len(details_in(json.dumps(deep).encode()).fields) == 1


# Told apart


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("provider", CLIENTS)
async def test_two_causes_never_give_the_same_sentence(
    shape: str, provider: str, new_client: Any, provider_http: Any
) -> None:
    sender, credit, _ = SHAPES[shape]
    for status in STATUSES:
        first = await error_of(provider, new_client, provider_http, sender, status)
        second = await error_of(provider, new_client, provider_http, credit, status)
        assert str(first) != str(second), status
        shown = f"{first} {first!r} {second}"
        assert SENDER not in shown
        assert CREDIT not in shown


TABLES: dict[str, list[RefusalTable]] = {
    "sepahan": [table for table in vars(sepahan_sms.codes).values() if isinstance(table, RefusalTable)],
    "ippanel": [table for table in vars(ippanel_sms.codes).values() if isinstance(table, RefusalTable)],
    "najva": [table for table in vars(najva_sms.codes).values() if isinstance(table, RefusalTable)],
}


@pytest.mark.parametrize("provider", TABLES)
def test_no_two_documented_codes_give_the_same_sentence(provider: str) -> None:
    assert TABLES[provider]
    for table in TABLES[provider]:
        sentences = [
            str(refusal(Answer(status, b""), table, RefusalDetails(code=code), provider=provider))
            for code in table.codes
            for status in (200, 400, 401)
        ]
        assert len(set(sentences)) == len(table.codes)
        fields = [
            str(refusal(Answer(422, b""), table, RefusalDetails(fields={name: ["x"]}), provider=provider))
            for name in (*table.fields, "anotherField")
        ]
        assert len(set(fields)) == len(fields)


def test_no_two_statuses_give_the_same_sentence() -> None:
    sentences = [str(http_error(Answer(status, b""), provider="x")) for status in range(300, 600)]
    assert len(set(sentences)) == len(sentences)


def test_the_sentence_names_the_fields_and_says_where_the_words_are() -> None:
    error = http_error(Answer(400, b'{"errors": {"senderNumbers": ["x"]}}'), provider="x")
    assert re.fullmatch(
        r"x refused the request: HTTP 400, fields: senderNumbers, words #[0-9a-f]{6}\. Correct the request\. "
        r"The provider's own words are in the error's fields\.",
        str(error),
    )
    assert "own words" not in str(http_error(Answer(400, b""), provider="x"))
    assert "are in the error's body" in str(http_error(Answer(400, b"<html>"), provider="x"))


def test_the_fingerprint_is_of_the_words_and_not_of_their_numbers() -> None:
    assert fingerprint_of(RefusalDetails(message="شماره 09121234567 بد است")) == fingerprint_of(
        RefusalDetails(message="شماره ۰۹۳۵ بد است.")
    )
    assert fingerprint_of(RefusalDetails(message="a")) != fingerprint_of(RefusalDetails(message="b"))
    assert fingerprint_of(RefusalDetails(details=["a"])) != fingerprint_of(RefusalDetails(details=["b"]))
    assert fingerprint_of(RefusalDetails(fields={"a": ["x"]})) != fingerprint_of(RefusalDetails(fields={"a": ["y"]}))
    assert (
        fingerprint_of(RefusalDetails())
        == fingerprint_of(RefusalDetails(message="اعتبار كافي نيست."), "اعتبار کافی نیست")
        == ""
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("اعتبار كافي نيست", "اعتبار کافی نیست"),
        ("آرایه‌ها", "ارایه ها"),
        ("مسئول", "مسیول"),
        ("«بله»!", "بله"),
        ("۱۲", "12"),
    ],
)
def test_sentences_are_compared_without_their_spelling(one: str, other: str) -> None:
    assert folded(one) == folded(other)


# Shown


@pytest.mark.parametrize("name", ["senderNumbers", "params.recipients.0", "from_number", "invalid-params", "a[0]", "$"])
def test_a_name_is_shown(name: str) -> None:
    assert shown_names([name]) == (name if name != "$" else "1 not shown")


@pytest.mark.parametrize(
    "name",
    ["09121234567", "+98912", "tok-5ecret-9f8e7d", "abcdefghijklmnopqrstuvwxyzabcdef", "گیرنده", "a b", "", "a" * 30,
     "x1y2z3", "a.99999", "eyJhbGciOiJIUzI1NiJ9.e30"],
)  # fmt: skip
def test_what_may_be_a_number_or_a_token_is_counted_and_not_shown(name: str) -> None:
    assert shown_names([name]) == "1 not shown"
    assert shown_names(["message", name]) == "message, 1 more"


def test_names_are_bounded() -> None:
    assert shown_names([*"abcdefghijklmnop"]) == "a, b, c, d, e, f, g, h, i, j, 6 more"


@pytest.mark.parametrize(
    ("header", "shown"),
    [
        ("application/json; charset=utf-8", "application/json"),
        ("Text/HTML", "text/html"),
        ("", "no content type"),
        ("text/tok-5ecret", "another content type"),
    ],
)
def test_a_content_type_is_shown_where_it_is_usual(header: str, shown: str) -> None:
    assert shown_content_type(header) == shown


async def test_the_log_has_status_content_type_and_keys(
    new_client: Any, provider_http: Any, caplog: pytest.LogCaptureFixture
) -> None:
    body = {"errors": {"senderNumbers": [SENDER]}, "09121234567": 1}
    with caplog.at_level(logging.DEBUG, "smscore"):
        await error_of("sepahan", new_client, provider_http, body, 400, content_type="application/problem+json")
    (line,) = [record.getMessage() for record in caplog.records if "HTTP" in record.getMessage()]
    assert line == ("sepahan send: HTTP 400, application/problem+json, keys: errors, errors.senderNumbers, 1 more")


def test_what_is_not_an_object_has_no_keys() -> None:
    assert keys_in(b"[]") == keys_in(b"<html>") == keys_in(b"") == []


# What stops a call


@pytest.mark.parametrize(
    ("provider", "field", "error"),
    [
        ("ippanel", "credit", InsufficientCredit),
        ("ippanel", "from_number", InvalidParameters),
        ("sepahan", "senderNumbers", InvalidParameters),
        ("najva", "sender", InvalidParameters),
    ],
)
async def test_a_field_that_every_batch_would_meet_stops_the_rest(
    provider: str, field: str, error: type[SMSError], new_client: Any, provider_http: Any
) -> None:
    body: Any = {"errors": {field: ["x"]}}
    if provider == "ippanel":
        body = {
            "data": None,
            "meta": {"status": False, "message": "نشد", "message_code": "400-2", "errors": {field: ["x"]}},
        }
    answer_all(provider_http, body, 422 if provider == "ippanel" else 400)
    client = new_client(CLIENTS[provider], batch_size=1, max_concurrency=1)
    with pytest.raises(error) as caught:
        await client.send([f"0912123{n:04}" for n in range(20)], "سلام")
    assert len(provider_http.sent) == 1
    assert [one.outcome for one in caught.value.report] == [Outcome.REJECTED] + [Outcome.NOT_SENT] * 19


# Sepahan


@pytest.mark.parametrize("code", [-14, "-14", -14.0, "-14.0"])
@pytest.mark.parametrize("key", ["code", "Code", "CODE"])
@pytest.mark.parametrize("status", [200, 400, 401, 500])
async def test_a_code_counts_however_it_and_its_key_are_written(
    key: str, code: Any, status: int, new_client: Any, provider_http: Any
) -> None:
    bodies: list[Any] = [
        {"isSuccess": False, "value": None, "error": {key: code, "Message": "نه"}},
        {"IsSuccess": False, "Value": None, "Error": {key: code}},
        {"isSuccess": False, "error": None, key: code},
        {key: code},
    ]
    for body in bodies:
        error = await error_of("sepahan", new_client, provider_http, body, status)
        assert (type(error), error.code) == (InsufficientCredit, -14), body


@pytest.mark.parametrize("code", sepahan_sms.codes.ERRORS.codes)
async def test_a_sentence_of_sepahans_table_gives_its_code(code: int, new_client: Any, provider_http: Any) -> None:
    refused = sepahan_sms.codes.ERRORS.codes[code]
    said = refused.persian.replace("ی", "ي").replace("ک", "ك").replace("\u200c", " ").rstrip(".") + " ."
    for error_value in (said, {"message": said}, {"code": None, "message": said, "details": []}):
        body = {"isSuccess": False, "value": None, "error": error_value}
        error = await error_of("sepahan", new_client, provider_http, body, 401)
        assert (type(error), error.code) == (refused.error, code)


def test_no_two_codes_have_one_sentence() -> None:
    for tables in TABLES.values():
        for table in tables:
            said = [(folded(one.persian), one.error) for one in table.codes.values() if one.persian]
            assert not [pair for pair in combinations(said, 2) if pair[0][0] == pair[1][0] and pair[0] != pair[1]]


@pytest.mark.parametrize("name", ["sepahan/status-success", "sepahan/old_status-message_result"])
async def test_401_on_status_is_the_input_unless_a_code_says_else(
    name: str, new_client: Any, provider_http: Any
) -> None:
    for body, wanted in [
        ({"isSuccess": False, "value": None, "error": "ورودی نامعتبر"}, (InvalidParameters, None)),
        ({"isSuccess": False, "value": None, "error": None}, (InvalidParameters, None)),
        ("<html>", (InvalidParameters, None)),
        ({"isSuccess": False, "error": "توکن نامعتبر است"}, (AuthenticationError, -1)),
        ({"isSuccess": False, "error": {"code": -11}}, (AccountError, -11)),
        ({"isSuccess": False, "error": {"code": -99}}, (ProviderError, -99)),
    ]:
        provider_http.clear()
        answer_all(provider_http, body, 401)
        with pytest.raises(SMSError) as caught:
            await call(name, new_client)
        assert (type(caught.value), caught.value.code) == wanted


async def test_500_with_a_field_stays_unknown(new_client: Any, provider_http: Any) -> None:
    error = await error_of("najva", new_client, provider_http, {"errors": {"sender": ["x"]}}, 500)
    assert (type(error), error.fields) == (ServerError, {"sender": ["x"]})
