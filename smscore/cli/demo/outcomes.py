"""The demo's lesson: what was accepted, what was refused and what is unknown are told apart, recipient by recipient."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from attrs import frozen

from smscore import registry
from smscore.errors import SMSError
from smscore.outcomes import Outcome
from smscore.results import RecipientResult
from smscore.sandbox import Sandbox

TEXT: Final = "سه گیرنده، سه پایان"
TOKEN: Final = "demo-of-outcomes"  # noqa: S105  # an account of its own: the sandbox takes any

TAKEN: Final = "09121112233"
REFUSED: Final = "09121112244"
LOST: Final = "09990000011"  # of the sandbox's special recipients: accepted, and the connection closes unanswered

_MEANINGS: Final = {
    Outcome.ACCEPTED: "The provider took it.",
    Outcome.REJECTED: "{error}",
    Outcome.NOT_SENT: "It never left this machine.",
    Outcome.UNKNOWN: "No answer came: it may have gone, and is never sent again by itself.",
}


@frozen
class Told:
    """What a client was told of one recipient, and whether the sandbox took the message."""

    provider: str
    recipient: str
    outcome: Outcome
    received: bool
    words: str

    @property
    def is_true(self) -> bool:
        """Whether the client was told what happened; an unknown one may have gone or not."""
        return self.outcome is Outcome.UNKNOWN or self.received is (self.outcome is Outcome.ACCEPTED)


async def tell_apart(box: Sandbox, plans: Sequence[tuple[str, str]]) -> list[Told]:
    """Three messages through each provider, (name, sender) pairs: one is taken, one refused, one unanswered."""
    told: list[Told] = []
    for provider, sender in plans:
        async with registry.load(provider, "async_client")(TOKEN, sender=sender, base_url=box.url(provider)) as client:
            for recipient in (TAKEN, REFUSED, LOST):
                if recipient == REFUSED:
                    box.fail("no_credit", provider=provider, times=1)
                told.append(_told(box, provider, await _result(client, recipient)))
    return told


async def _result(client: Any, recipient: str) -> RecipientResult:
    try:
        report = await client.send(recipient, TEXT)
    except SMSError as error:
        if error.report is None:
            raise
        report = error.report
    result: RecipientResult = report[0]
    return result


def _told(box: Sandbox, provider: str, result: RecipientResult) -> Told:
    received = any(
        (message.provider, message.recipient, message.text) == (provider, result.recipient, TEXT)
        for message in box.messages
    )
    words = _MEANINGS[result.outcome].format(error=result.error)
    if result.outcome is Outcome.ACCEPTED and result.message_id is None:
        words = "No answer came. Asked again with the same request id, it says that it has it."
    return Told(provider, result.recipient, result.outcome, received, words)


def problems_of(told: Sequence[Told]) -> list[str]:
    """Where a client was told something else than what happened, and which outcome was not shown."""
    wrong = [f"{one.provider}: {one.outcome.value} was told, and that is not so" for one in told if not one.is_true]
    missing = {Outcome.ACCEPTED, Outcome.REJECTED, Outcome.UNKNOWN} - {one.outcome for one in told}
    return wrong + [f"nobody was {outcome.value}" for outcome in missing]
