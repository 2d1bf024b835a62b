"""From an answer to the error that tells of it, as the tables of the public face have it."""

from __future__ import annotations

import pytest

from smscore import (
    AccountError,
    AuthenticationError,
    ConnectionFailed,
    DuplicateRequest,
    InsufficientCredit,
    InvalidParameters,
    MalformedResponse,
    NotFound,
    Outcome,
    ProviderError,
    RateLimited,
    ResponseLost,
    ServerError,
)
from smscore.wire.endpoint import Answer, NoAnswer
from smscore.wire.error_mapping import (
    Refusal,
    RefusalDetails,
    RefusalTable,
    contradictory,
    http_error,
    is_dead,
    is_outage,
    malformed,
    no_answer_error,
    refusal,
)

CODES = RefusalTable(
    {
        -14: Refusal(InsufficientCredit, "the credit is too low", "اعتبار کافی نیست"),
        -12: Refusal(InvalidParameters, "the sender is not valid", "فرستنده", meets_every_batch=True, of_sender=True),
        -20: Refusal(DuplicateRequest, "the id was used before"),
        429: Refusal(AccountError, "a code that looks like a status", meets_every_batch=False),
    }
)
BY_FIELD = RefusalTable(
    {**CODES.codes, -4: Refusal(InvalidParameters, "fields are wrong")},
    fields={
        "credit": Refusal(InsufficientCredit, "the credit is too low"),
        "from_number": Refusal(InvalidParameters, "the sender is not valid", meets_every_batch=True, of_sender=True),
    },
)
CLASSES = {
    400: InvalidParameters, 401: AuthenticationError, 402: InsufficientCredit, 403: AuthenticationError,
    404: NotFound, 413: InvalidParameters, 415: InvalidParameters, 422: InvalidParameters, 429: RateLimited,
    301: ProviderError, 302: ProviderError, 405: ProviderError, 409: ProviderError, 418: ProviderError,
    499: ProviderError, 500: ServerError, 502: ServerError, 503: ServerError, 599: ServerError,
    100: MalformedResponse, 101: MalformedResponse, 600: MalformedResponse, 999: MalformedResponse,
}  # fmt: skip


def answer(status: int, retry_after: float | None = None) -> Answer:
    return Answer(status, b"", retry_after)


@pytest.mark.parametrize(("status", "kind"), CLASSES.items())
def test_without_a_code_the_http_status_decides(status: int, kind: type):
    error = http_error(answer(status), RefusalDetails(message="نه", details=["چرا"]), provider="najva")
    assert type(error) is kind
    assert (error.provider, error.http_status) == ("najva", status)
    assert f"HTTP {status}" in str(error)
    assert "code" not in str(error).replace(".code", "")
    if kind is not MalformedResponse:
        assert (error.message, error.details, error.code) == ("نه", ["چرا"], None)


@pytest.mark.parametrize("status", [200, 400, 401, 429, 500, 503])
def test_a_documented_code_decides_whatever_the_status(status: int):
    error = refusal(answer(status), CODES, RefusalDetails(code=-14), provider="sepahan")
    assert type(error) is InsufficientCredit
    assert (error.code, error.http_status, error.outcome) == (-14, status, Outcome.REJECTED)
    assert str(error) == "sepahan refused the request: the credit is too low (code -14). Top up the account."


@pytest.mark.parametrize("status", [200, 301, 400, 401, 404, 422])
def test_a_code_that_no_table_knows_is_a_plain_error_that_keeps_it(status: int):
    error = refusal(answer(status), CODES, RefusalDetails(code=-99), provider="sepahan")
    assert type(error) is ProviderError
    assert (error.code, error.http_status, error.provider) == (-99, status, "sepahan")
    assert "code -99, which its document does not list" in str(error)


@pytest.mark.parametrize(("status", "kind"), [(429, RateLimited), (500, ServerError), (599, ServerError)])
def test_an_overload_or_a_failure_is_one_whatever_unknown_code_comes_with_it(status: int, kind: type):
    error = refusal(answer(status, 7.0), CODES, RefusalDetails(code=-99), provider="sepahan")
    assert type(error) is kind
    assert (error.code, error.retry_after, error.provider) == (-99, 7.0, "sepahan")


@pytest.mark.parametrize(("status", "outage"), [(428, False), (429, True), (430, False), (499, False), (500, True),
                                                (599, True), (600, False)])  # fmt: skip
def test_which_statuses_tell_of_an_outage(status: int, outage: bool):
    assert is_outage(status) is outage


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (-20, "x refused the request: the id was used before (code -20)."),
        (429, "x refused the request: a code that looks like a status (code 429)."),
    ],
)
def test_where_there_is_nothing_to_advise_the_text_ends_with_the_reason(code: int, text: str):
    assert str(refusal(answer(401), CODES, RefusalDetails(code=code), provider="x")) == text


def test_the_providers_words_win_over_the_documents():
    assert (
        refusal(answer(401), CODES, RefusalDetails(code=-14, message="پول نداری"), provider="x").message == "پول نداری"
    )
    assert refusal(answer(401), CODES, RefusalDetails(code=-14), provider="x").message == "اعتبار کافی نیست"
    assert refusal(answer(401), CODES, RefusalDetails(code=-20), provider="x").message is None


def test_a_code_may_meet_every_batch_or_none_against_its_class():
    assert refusal(answer(401), CODES, RefusalDetails(code=-12), provider="x").meets_every_batch is True
    assert refusal(answer(401), CODES, RefusalDetails(code=429), provider="x").meets_every_batch is False
    assert refusal(answer(401), CODES, RefusalDetails(code=-14), provider="x").meets_every_batch is True
    assert refusal(answer(401), CODES, RefusalDetails(code=-20), provider="x").meets_every_batch is False


@pytest.mark.parametrize(
    ("words", "of_sender"),
    [
        (RefusalDetails(code=-12), True),
        (RefusalDetails(code=-12, fields={"traceIds": ["7"]}), True),  # the code says it, whatever stands beside it
        (RefusalDetails(code=-4), False),
        (RefusalDetails(code=-4, fields={"from_number": []}), True),
        (RefusalDetails(code=-4, fields={"From_Number": [], "recipients": []}), False),
        (RefusalDetails(fields={"from_number": []}), True),
        (RefusalDetails(fields={"recipients": []}), False),
    ],
)
def test_a_refusal_of_the_sender_alone_is_told_from_one_of_more(words: RefusalDetails, of_sender: bool):
    error = refusal(answer(422), BY_FIELD, words, provider="x")
    assert isinstance(error, InvalidParameters)
    assert error.of_sender is of_sender


@pytest.mark.parametrize("code", [None, -99, -4])
def test_a_field_that_is_named_tells_more_exactly_what_is_wrong(code: int | None):
    error = refusal(answer(422), BY_FIELD, RefusalDetails(code=code, fields={"Credit": ["کم"], "x": []}), provider="x")
    assert (type(error), error.code, error.meets_every_batch) == (InsufficientCredit, code, True)
    error = refusal(answer(422), BY_FIELD, RefusalDetails(code=code, fields={"from_number": []}), provider="x")
    assert (type(error), error.code, error.meets_every_batch) == (InvalidParameters, code, True)


def test_a_field_changes_nothing_of_a_code_that_means_something_else():
    words = RefusalDetails(code=-20, fields={"credit": ["کم"]})
    assert type(refusal(answer(422), BY_FIELD, words, provider="x")) is DuplicateRequest


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_field_says_nothing_of_an_outage(status: int):
    error = refusal(answer(status), BY_FIELD, RefusalDetails(fields={"credit": ["کم"]}), provider="x")
    assert type(error) is not InsufficientCredit


def test_a_status_may_decide_whatever_the_code():
    table = RefusalTable(CODES.codes, whatever_the_code={404: Refusal(NotFound, "it does not exist")})
    error = refusal(answer(404), table, RefusalDetails(code=-14), provider="x")
    assert (type(error), error.code) == (NotFound, -14)
    assert type(refusal(answer(400), table, RefusalDetails(code=-14), provider="x")) is InsufficientCredit


def test_a_status_of_the_provider_goes_before_the_general_one_where_there_is_no_code():
    table = RefusalTable(CODES.codes, statuses={401: Refusal(InvalidParameters, "the input is not valid")})
    error = refusal(answer(401), table, RefusalDetails(), provider="x")
    assert (type(error), error.code) == (InvalidParameters, None)
    assert type(refusal(answer(401), table, RefusalDetails(code=-14), provider="x")) is InsufficientCredit
    assert type(refusal(answer(401), table, RefusalDetails(code=-99), provider="x")) is ProviderError
    assert type(malformed(answer(401), "HTML", provider="x", table=table)) is InvalidParameters


def test_the_http_status_itself_may_be_the_code():
    table = RefusalTable(CODES.codes, statuses={429: CODES.codes[429]})
    error = refusal(answer(429), table, RefusalDetails(), provider="x")
    assert (type(error), error.code) == (AccountError, 429)


@pytest.mark.parametrize(
    "said", ["اعتبار كافي نيست", " اعتبارِ کافی‌نیست. ", "«اعتبار\u200cکافی نیست»!", "اعتبـــار کافی نیست"]
)
def test_a_sentence_of_the_table_gives_its_code(said: str):
    error = refusal(answer(401), CODES, RefusalDetails(message=said), provider="x")
    assert (type(error), error.code, error.message) == (InsufficientCredit, -14, said)


@pytest.mark.parametrize("said", ["", " ", ".", "اعتبار", "اعتبار کافی نیست یا هست", "اعتبار کافی است"])
def test_any_other_sentence_gives_none(said: str):
    assert refusal(answer(401), CODES, RefusalDetails(message=said), provider="x").code is None


def test_an_unknown_code_may_be_left_to_the_status():
    table = RefusalTable(CODES.codes, leaves_unknown_to_status=True)
    error = refusal(answer(422), table, RefusalDetails(code="400-31"), provider="x")
    assert (type(error), error.code) == (InvalidParameters, "400-31")
    assert type(refusal(answer(422), table, RefusalDetails(code=-14), provider="x")) is InsufficientCredit


def test_field_errors_are_kept():
    error = http_error(answer(422), RefusalDetails(fields={"message": ["الزامی"]}), provider="ippanel")
    assert isinstance(error, InvalidParameters)
    assert error.fields == {"message": ["الزامی"]}


def test_a_status_in_the_body_replaces_that_of_http():
    error = http_error(answer(200), RefusalDetails(code=500), provider="najva", status=500)
    assert (type(error), error.http_status) == (ServerError, 200)


@pytest.mark.parametrize("code", ["09121234567", 9121234567, "token-of-mine", -(10**6), "1-2-3", "۱۲"])
def test_a_code_that_could_be_a_number_or_a_token_is_not_shown(code: int | str):
    error = refusal(answer(200), CODES, RefusalDetails(code=code), provider="x")
    assert str(code) not in str(error)
    assert (error.code, "kept in .code" in str(error)) == (code, True)


@pytest.mark.parametrize("code", [-99, 0, 12345, "400-1", "200-12345"])
def test_a_plain_code_is_shown(code: int | str):
    assert f"code {code}" in str(http_error(answer(409), RefusalDetails(code=code), provider="x"))


def test_an_answer_of_another_shape_is_malformed_and_its_status_still_decides():
    error = malformed(answer(200), "it is not JSON", provider="x")
    assert (type(error), error.http_status, error.provider) == (MalformedResponse, 200, "x")
    assert str(error) == (
        "x answered HTTP 200 with something other than its document says: it is not JSON. "
        "It may or may not have carried out the request."
    )
    assert type(malformed(answer(204), "nothing", provider="x")) is MalformedResponse
    error = malformed(answer(404), "HTML", provider="x")
    assert (type(error), error.provider) == (NotFound, "x")


@pytest.mark.parametrize(("status", "kind"), [(401, MalformedResponse), (429, MalformedResponse), (500, ServerError)])
def test_success_under_a_status_that_says_no_leaves_it_unknown(status: int, kind: type):
    error = contradictory(answer(status), provider="x")
    assert (type(error), error.outcome, error.http_status, error.provider) == (kind, Outcome.UNKNOWN, status, "x")
    assert kind is ServerError or "its body says success, and its status does not" in str(error)


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        (NoAnswer(False, "refused"), ConnectionFailed),
        (NoAnswer(False, "refused", too_large=True), ConnectionFailed),
        (NoAnswer(True, "timed out"), ResponseLost),
        (NoAnswer(True, "too large", too_large=True), MalformedResponse),
    ],
)
def test_a_fault_is_told_by_whether_the_request_left(failure: NoAnswer, kind: type):
    error = no_answer_error(failure, provider="x")
    assert (type(error), error.provider) == (kind, "x")
    assert failure.reason in str(error)


def test_what_counts_towards_giving_up():
    assert is_dead(ConnectionFailed("x"))
    assert is_dead(MalformedResponse("x"))
    assert is_dead(RateLimited("x"))
    assert not is_dead(AuthenticationError("x"))
