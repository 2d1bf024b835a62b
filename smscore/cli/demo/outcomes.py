"""The demo's lesson: accepted, rejected and unknown are told apart, recipient by recipient."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from attrs import frozen

from smscore import registry
from smscore.errors import SMSError
from smscore.outcomes import Outcome
from smscore.profile import Profile
from smscore.results import RecipientResult
from smscore.sandbox import Sandbox

TEXT: Final = "سه گیرنده، سه پایان"
TOKEN: Final = "demo-of-outcomes"  # noqa: S105  # an account of its own: the sandbox accepts any token

TAKEN: Final = "09121112233"
REFUSED: Final = "09121112244"
LOST: Final = "09990000011"  # one of the sandbox's special recipients: accepted, then the connection closes unanswered

_MEANINGS: Final = {
    Outcome.ACCEPTED: "The provider accepted it.",
    Outcome.REJECTED: "{error}",
    Outcome.NOT_SENT: "It never left this machine.",
    Outcome.UNKNOWN: "No answer came: it may have been sent. It is never repeated automatically.",
}


@frozen
class CheckedOutcome:
    """What a client reported for one recipient, and whether the sandbox received the message."""

    provider: str
    recipient: str
    outcome: Outcome
    received: bool
    words: str

    @property
    def is_true(self) -> bool:
        """Whether that is what happened; an unknown one may have been received or not."""
        return self.outcome is Outcome.UNKNOWN or self.received is (self.outcome is Outcome.ACCEPTED)


async def check_outcomes(box: Sandbox, profiles: Sequence[Profile]) -> list[CheckedOutcome]:
    """Three messages through each provider: one is accepted, one rejected, one left unanswered."""
    checked: list[CheckedOutcome] = []
    for profile in profiles:
        name, kind = profile.name, registry.load(profile.name, "async_client")
        async with kind(TOKEN, sender=profile.senders[0], base_url=box.url(name)) as client:
            for recipient in (TAKEN, REFUSED, LOST):
                if recipient == REFUSED:
                    box.fail("no_credit", provider=name, times=1)
                checked.append(_checked(box, name, await _result(client, recipient)))
    return checked


async def _result(client: Any, recipient: str) -> RecipientResult:
    try:
        report = await client.send(recipient, TEXT)
    except SMSError as error:
        if error.report is None:
            raise
        report = error.report
    result: RecipientResult = report[0]
    return result


def _checked(box: Sandbox, provider: str, result: RecipientResult) -> CheckedOutcome:
    received = any(
        (message.provider, message.recipient, message.text) == (provider, result.recipient, TEXT)
        for message in box.messages
    )
    words = _MEANINGS[result.outcome].format(error=result.error)
    if result.outcome is Outcome.ACCEPTED and result.message_id is None:
        words = "No answer came. Repeated with the same request id, the provider says that it has it."
    return CheckedOutcome(provider, result.recipient, result.outcome, received, words)


def problems_of(checked: Sequence[CheckedOutcome]) -> list[str]:
    """Where a client reported something untrue, and which outcomes did not occur."""
    wrong = [f"{one.provider}: reported {one.outcome.value}, which is not true" for one in checked if not one.is_true]
    missing = {Outcome.ACCEPTED, Outcome.REJECTED, Outcome.UNKNOWN} - {one.outcome for one in checked}
    return wrong + [f"nobody was {outcome.value}" for outcome in missing]
