"""The demo's failover: the first provider refuses a message, and the next one sends it, once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from attrs import frozen

from smscore import registry
from smscore.failover import AsyncFailover
from smscore.profile import Profile
from smscore.results import RecipientResult
from smscore.sandbox import Sandbox

__all__ = ["TEXT", "ShownFailover", "failover_problems", "show_failover"]

TEXT: Final = "یک پیام از راه دوم"
TOKEN: Final = "demo-of-failover"  # noqa: S105  # an account of its own: the sandbox accepts any token
RECIPIENT: Final = "09121112255"


@frozen
class ShownFailover:
    """What became of one message, and which providers have it."""

    result: RecipientResult
    received: tuple[str, ...]
    """The providers of the sandbox that received it."""

    @property
    def tried(self) -> list[tuple[str, str]]:
        """Each provider that was tried, and what it said."""
        before = [(error.provider or "", str(error)) for error in self.result.earlier]
        return [*before, (self.result.provider or "", str(self.result.error or "It accepted the message."))]


async def show_failover(box: Sandbox, profiles: Sequence[Profile]) -> ShownFailover | None:
    """One message through all providers in turn, the first without credit; None where there is only one provider."""
    if len(profiles) < 2:
        return None
    clients = [
        registry.load(profile.name, "async_client")(TOKEN, sender=profile.senders[0], base_url=box.url(profile.name))
        for profile in profiles
    ]
    async with AsyncFailover(*clients) as failover:
        box.fail("no_credit", provider=profiles[0].name, times=1)
        report = await failover.send(RECIPIENT, TEXT)
    received = [message.provider for message in box.messages if message.text == TEXT]
    return ShownFailover(report[0], tuple(received))


def failover_problems(shown: ShownFailover | None) -> list[str]:
    """Where the message was not sent exactly once, by whom the result names."""
    if shown is None or shown.received == (shown.result.provider,):
        return []
    return [f"failover: reported {shown.result.provider}, and received by {', '.join(shown.received) or 'nobody'}"]
