"""The demo's tracking: one message, followed until it is delivered."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from attrs import frozen

from smscore import registry
from smscore.config import Polling
from smscore.loops.concurrency import cancel_all
from smscore.profile import Capability, Profile
from smscore.sandbox import Sandbox
from smscore.statuses import Delivery

__all__ = ["FollowedMessage", "follow_one", "follow_problems"]

TEXT: Final = "یک پیام تا رسیدن"
TOKEN: Final = "demo-of-tracking"  # noqa: S105  # an account of its own: the sandbox accepts any token
RECIPIENT: Final = "09121112266"
PAUSE: Final = 0.25  # seconds, in which there are several looks
STEP: Final = 0.5  # seconds by which the sandbox's clock is moved on after each pause
QUICK: Final = Polling(first=0.02, factor=1, longest=0.02)
TIME: Final = 60.0  # seconds, for a machine that is slow


@frozen
class FollowedMessage:
    """What ``track`` gave of one message."""

    provider: str
    changes: tuple[Delivery, ...]

    @property
    def statuses(self) -> list[str]:
        """The statuses in the order in which they were seen."""
        return [change.status.value for change in self.changes if change.status is not None]


async def follow_one(box: Sandbox, profiles: Sequence[Profile]) -> FollowedMessage | None:
    """One message through the first provider that reports deliveries, as its status changes; None if none does.

    The sandbox's clock is moved on meanwhile.
    """
    for profile in profiles:
        if Capability.REPORTS_DELIVERIES in profile.capabilities:
            kind = registry.load(profile.name, "async_client")
            async with kind(TOKEN, sender=profile.senders[0], base_url=box.url(profile.name)) as client:
                report = await client.send(RECIPIENT, TEXT)
                clock = asyncio.create_task(_move_on(box))
                try:
                    changes = [delivery async for delivery in client.track(report, timeout=TIME, polling=QUICK)]
                finally:
                    await cancel_all([clock])
            return FollowedMessage(profile.name, tuple(changes))
    return None


async def _move_on(box: Sandbox) -> None:
    while True:
        await asyncio.sleep(PAUSE)
        box.advance(STEP)


def follow_problems(followed: FollowedMessage | None) -> list[str]:
    """Where the message was not seen on its way and then delivered."""
    if followed is None or (len(followed.changes) > 1 and followed.statuses[-1] == "delivered"):
        return []
    return [f"{followed.provider}: a message was followed and seen as {', '.join(followed.statuses) or 'nothing'}"]
