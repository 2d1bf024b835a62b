"""Who may go on to the next provider: every error class with every outcome, and what makes exceptions."""

from __future__ import annotations

from typing import Any, Final

import pytest

import smscore
from smscore import (
    InsufficientCredit,
    InvalidParameters,
    NotAttempted,
    Outcome,
    RateLimited,
    SMSError,
)
from smscore.failover.decision import may_go_on

ACCEPTED, REJECTED, NOT_SENT, UNKNOWN = Outcome

GOES, STAYS = True, False
# By class, whatever its outcome may be where that says "provably unsent".
TABLE: Final = {
    "SMSError": STAYS,
    "ConfigurationError": STAYS,
    "ClientClosed": STAYS,
    "InvalidRequest": STAYS,
    "InvalidNumber": STAYS,
    "ConnectionFailed": GOES,
    "NotAttempted": STAYS,  # unless the provider stopped the call
    "OutcomeUnknown": STAYS,
    "ResponseLost": STAYS,
    "MalformedResponse": STAYS,
    "ServerError": STAYS,
    "ProviderError": STAYS,
    "AuthenticationError": GOES,
    "AccountError": GOES,
    "InsufficientCredit": GOES,
    "InvalidParameters": STAYS,  # unless it is of the sender alone
    "DuplicateRequest": STAYS,
    "OutsideServiceHours": GOES,
    "RateLimited": GOES,
    "NotFound": STAYS,
    "PartialSendError": STAYS,
}


def error_of(kind: str, **attributes: Any) -> SMSError:
    error = getattr(smscore, kind)("x")
    for name, value in attributes.items():
        setattr(error, name, value)
    return error


def test_the_table_has_every_error() -> None:
    kinds = {name for name in smscore.__all__ if isinstance(getattr(smscore, name), type)}
    assert {name for name in kinds if issubclass(getattr(smscore, name), SMSError)} == set(TABLE)


@pytest.mark.parametrize("outcome", Outcome)
@pytest.mark.parametrize("kind", TABLE)
def test_only_who_was_provably_not_sent_goes_on_and_only_if_another_may_do_better(kind: str, outcome: Outcome) -> None:
    goes = TABLE[kind] and outcome in (REJECTED, NOT_SENT)
    assert may_go_on(outcome, error_of(kind)) is goes


@pytest.mark.parametrize("outcome", Outcome)
def test_nobody_goes_on_without_an_error(outcome: Outcome) -> None:
    assert not may_go_on(outcome, None)


@pytest.mark.parametrize("outcome", Outcome)
@pytest.mark.parametrize("kind", TABLE)
def test_nobody_goes_on_who_was_refused_alone_in_an_answer_that_took_others(kind: str, outcome: Outcome) -> None:
    assert not may_go_on(outcome, error_of(kind, of_one=True, of_sender=True, by_provider=True))


@pytest.mark.parametrize(
    ("error", "outcome", "goes"),
    [
        (NotAttempted("x", reason="a refusal", by_provider=True), NOT_SENT, True),
        (NotAttempted("x", reason="on_batch raised OSError"), NOT_SENT, False),
        (NotAttempted("x", reason="the time for the whole call ran out"), NOT_SENT, False),
        (error_of("InvalidParameters", of_sender=True), REJECTED, True),
        (error_of("InvalidParameters", of_sender=True), UNKNOWN, False),
        (InvalidParameters("x", fields={"sender": ["no"]}), REJECTED, False),  # its provider does not say so
        (error_of("ProviderError", of_sender=True), REJECTED, False),
        (RateLimited("x", retry_after=5), REJECTED, True),
        (InsufficientCredit("x", code=-14), REJECTED, True),
    ],
    ids=repr,
)
def test_what_an_error_says_besides_its_class_counts(error: SMSError, outcome: Outcome, goes: bool) -> None:
    assert may_go_on(outcome, error) is goes
