"""One poll of a tracker's messages: the answers as they come, and which providers gave none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from smscore import clock
from smscore.calls.retry import asked_wait
from smscore.errors import SMSError
from smscore.loops.concurrency import AsFinished
from smscore.tracking.accounts import REFUSALS, DeliverySource, most_at_once
from smscore.tracking.asking import Asking, questions
from smscore.tracking.followed import Changes, Followed
from smscore.tracking.schedule import Ask, Plan


class Poll:
    """Asks about messages, until ``deadline`` (by ``clock.monotonic``) at the latest."""

    def __init__(
        self, sources: Mapping[str, DeliverySource], whom: Iterable[Followed], deadline: float | None = None
    ) -> None:
        self.asked: dict[str, float] = {}
        """By provider: the seconds that it asks to wait."""
        self.failures: dict[str, SMSError] = {}
        """By provider: why a question was not answered, or not by all of its accounts."""
        self._answered: set[str] = set()
        self._found: set[Followed] = set()
        self._refusals: dict[Followed, SMSError] = {}
        self._askings = {name: Asking.begin(source, deadline) for name, source in sources.items()}
        self._plan = Plan(whom, {name: source.lookups for name, source in sources.items()}, clock.callers_time())
        self._questions = questions(self._plan)
        self._answers = AsFinished(self._questions, self._answer, most_at_once(sources))

    @property
    def opens_in(self) -> Mapping[Followed, float]:
        """By whom, after the end: the seconds until something of it can be asked."""
        return self._plan.opens_in

    @property
    def failed(self) -> set[str]:
        """The providers that were asked and gave no answer at all."""
        return {*self.failures} - self._answered

    @property
    def refused(self) -> Mapping[str, SMSError]:
        """By provider: the refusal of its account, of several if all of them refuse."""
        return {name: asking.refusal for name, asking in self._askings.items() if asking.refusal is not None}

    @property
    def refusals(self) -> Mapping[Followed, SMSError]:
        """By whom: the refusal of an account that may know these messages, if no other says anything of them."""
        return {followed: refusal for followed, refusal in self._refusals.items() if followed not in self._found}

    async def next(self) -> list[Changes] | None:
        """What the next answer changes; None at the end. Raises ``ClientClosed`` and ``ConfigurationError``."""
        return await anext(self._answers, None)

    async def aclose(self) -> None:
        """Cancel what is under way."""
        await self._answers.aclose()
        await self._questions.aclose()

    async def _answer(self, ask: Ask) -> list[Changes]:
        answer = await self._askings[ask.provider].answer(ask)
        self._found.update(answer.found)
        if answer.failure is None or answer.found:
            self._answered.add(ask.provider)
        if answer.failure is not None:
            self._note(ask, answer.failure)
        return answer.changes

    def _note(self, ask: Ask, failure: SMSError) -> None:
        self.failures.setdefault(ask.provider, failure)
        self.asked[ask.provider] = max(self.asked.get(ask.provider, 0.0), asked_wait(failure) or 0.0)
        if isinstance(failure, REFUSALS):
            self._refusals.update((followed, failure) for followed, _ in ask.rows)
