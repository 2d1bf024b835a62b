"""One poll of a tracker's messages: the answers as they come, and which providers gave none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from smscore import clock
from smscore.calls.retry import asked_wait
from smscore.errors import (
    AccountError,
    AuthenticationError,
    ClientClosed,
    ConfigurationError,
    InsufficientCredit,
    SMSError,
)
from smscore.loops.concurrency import AsFinished
from smscore.tracking.asking import Asking, DeliverySource, questions
from smscore.tracking.followed import Changes, Followed
from smscore.tracking.schedule import Ask, Plan

# An account's refusal would meet every other poll too; anything else may pass.
_ENDS: Final = (AccountError, AuthenticationError, ClientClosed, ConfigurationError, InsufficientCredit)


class Poll:
    """Asks about messages, until ``deadline`` (by ``clock.monotonic``) at the latest."""

    def __init__(
        self, sources: Mapping[str, DeliverySource], whom: Iterable[Followed], deadline: float | None = None
    ) -> None:
        self.asked: dict[str, float] = {}
        """By provider: the seconds that it asks to wait."""
        self.failures: dict[str, SMSError] = {}
        """By provider: why a question was not answered."""
        self._answered: set[str] = set()
        self._askings = {name: Asking.begin(source, deadline) for name, source in sources.items()}
        self._plan = Plan(whom, {name: source.lookups for name, source in sources.items()}, clock.callers_time())
        self._questions = questions(self._plan)
        limit = max(source.caller.settings.max_concurrency for source in sources.values())
        self._answers = AsFinished(self._questions, self._answer, limit)

    @property
    def opens_in(self) -> Mapping[Followed, float]:
        """By whom, after the end: the seconds until something of it can be asked."""
        return self._plan.opens_in

    @property
    def failed(self) -> set[str]:
        """The providers that were asked and gave no answer at all."""
        return {*self.failures} - self._answered

    async def next(self) -> list[Changes] | None:
        """What the next answer changes; None at the end. Raises an account's refusal."""
        return await anext(self._answers, None)

    async def aclose(self) -> None:
        """Cancel what is under way."""
        await self._answers.aclose()
        await self._questions.aclose()

    async def _answer(self, ask: Ask) -> list[Changes]:
        asking = self._askings[ask.provider]
        try:
            changes = await asking.answer(ask)
        except _ENDS:
            raise
        except SMSError as error:
            asking.rule.note(error)  # in an outage a few tries are enough
            self.failures.setdefault(ask.provider, error)
            self.asked[ask.provider] = max(self.asked.get(ask.provider, 0.0), asked_wait(error) or 0.0)
            return []
        asking.rule.note(None)
        self._answered.add(ask.provider)
        return changes
