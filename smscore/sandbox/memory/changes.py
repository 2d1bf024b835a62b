"""The messages whose status changed lately, for those who watch."""

from __future__ import annotations

from collections import deque
from typing import Final

from smscore.sandbox.memory.messages import Outbound

__all__ = ["MAX_RECENT", "Changes"]

MAX_RECENT: Final = 200


class Changes:
    """How many changes of a status there were in all (``count``), and the messages of the last ``MAX_RECENT``."""

    def __init__(self) -> None:
        self.count: int = 0
        self._recent: deque[Outbound] = deque(maxlen=MAX_RECENT)

    def add(self, message: Outbound) -> None:
        """Count a change of a message's status."""
        self.count += 1
        self._recent.append(message)

    def since(self, count: int) -> list[Outbound]:
        """The messages that changed after the first ``count`` changes, each once; at most the last ``MAX_RECENT``."""
        new = min(self.count - count, len(self._recent))
        recent = list(self._recent)[len(self._recent) - new :]
        return list({message.seq: message for message in recent}.values())
