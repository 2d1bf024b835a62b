"""One call of an endpoint: its request, its tries, and what its answer says."""

from __future__ import annotations

import logging
import random
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final, TypeVar

from attrs import frozen

from smscore import clock
from smscore.account import ResolvedAccount
from smscore.calls.echoes import IN_THE_URL, hide_token
from smscore.calls.ratelimit import RateLimit
from smscore.calls.retry import RetryBudget, final_error, next_wait, time_to_repeat
from smscore.calls.stop import StopRule, not_attempted
from smscore.calls.watch import Watch
from smscore.config import LARGE_ANSWER_BYTES, Settings, within
from smscore.errors import ConfigurationError, DuplicateRequest, OutcomeUnknown, RateLimited, SMSError
from smscore.loops.concurrency import let_others_run
from smscore.loops.logs import logger_for_callers
from smscore.observing import Registered, everywhere, observers_for
from smscore.wire.endpoint import Answer, Endpoint, NoAnswer, Provider, Repeat, Request, request_for
from smscore.wire.error_body import keys_in, shown_content_type, shown_names
from smscore.wire.error_mapping import malformed, no_answer_error

if TYPE_CHECKING:
    from smscore.calls.transport import Transport

P = TypeVar("P")
R = TypeVar("R")

_log: Final = logger_for_callers(__name__)


@frozen
class Caller:
    """Calls a provider's endpoints, with a client's settings, over its connections."""

    provider: Provider
    settings: Settings
    transport: Transport
    budget: RetryBudget
    limit: RateLimit | None
    new_rule: Callable[[float | None], StopRule] = StopRule
    """Makes what may stop a call, from the call's deadline."""
    observers: tuple[Registered, ...] = ()

    async def call(
        self,
        endpoint: Endpoint[P, R],
        params: P,
        rule: StopRule,
        account: ResolvedAccount,
        *,
        has_turn: bool = False,
        watch: Watch | None = None,
    ) -> R:
        """Call the endpoint and return its result, repeating the request as the endpoint and the policy allow.

        ``has_turn``: the caller has waited for the first try's turn. ``watch`` is told of the tries, if not the rule's.
        """
        watch = watch or rule.watch
        request = self._request(endpoint, params, account)
        began = clock.monotonic()
        earlier: OutcomeUnknown | None = None
        wait: float | None = None
        tries = 0
        while True:
            tries += 1
            try:
                if wait is not None:
                    async with self.transport.waiting():
                        await clock.sleep(wait)
                if self.limit is not None and (tries > 1 or not has_turn):
                    await self.turn(_left(endpoint, began, rule))
                if watch is None:
                    answer = await self._attempt(request, rule, tries)
                    result = await self._read(endpoint, answer, params, rule)
                else:
                    with watch.trying(params, tries) as trying:
                        trying.answer = await self._attempt(request, rule, tries)
                        result = await self._read(endpoint, trying.answer, params, rule)
            except SMSError as error:
                error.provider = self.provider.name
                if isinstance(endpoint.credentials or self.provider.credentials, IN_THE_URL):
                    hide_token(error, account.token)
                if earlier is not None and isinstance(error, DuplicateRequest) and endpoint.arrived is not None:
                    return endpoint.arrived(params)
                left = _left(endpoint, began, rule)
                wait = None if self._moves_on(error, earlier) else self._wait(error, endpoint.repeat, tries, left)
                if wait is None or self.transport.is_closed:
                    raise final_error(error, earlier) from None
                if endpoint.repeat is not Repeat.FREELY and isinstance(error, OutcomeUnknown):
                    earlier = error
            else:
                self.budget.succeed()
                return result

    async def turn(self, left: float | None) -> None:
        """Wait for the rate limit. Raises ``NotAttempted`` if that takes over ``left`` s, or ``ClientClosed``."""
        self.transport.check_open()
        if self.limit is None:
            return
        async with self.transport.waiting():
            has_turn = await self.limit.wait(left)
        if not has_turn:
            raise not_attempted("its turn would come too late", self.provider.name)

    def stop_rule(self, call: str | None = None, recipients: int | None = None) -> StopRule:
        """What stops a call that begins now, and tells observers of it under this name, if one is given."""
        seconds = self.settings.timeout.call
        rule = self.new_rule(None if seconds is None else clock.monotonic() + seconds)
        # A dry run is stopped from the start.
        if call is not None and (self.observers or everywhere) and rule.reason is None:
            rule.watch = self.watch(call, recipients)
        return rule

    def watch(self, call: str, recipients: int | None = None) -> Watch | None:
        """What tells observers of a call; None if nobody observes. ``recipients``: None for one that sends nothing."""
        if not self.observers and not everywhere:
            return None
        return Watch(observers_for(self.observers), self.provider.name, call, recipients)

    async def connect(self, rule: StopRule, account: ResolvedAccount) -> None:
        """Open a connection in advance. Raises ``ConnectionFailed``."""
        timeouts = within(self.settings.timeout, rule.time_left())
        try:
            failure = await self.transport.connect(account.base_url, timeouts)
        except ConfigurationError as error:
            error.provider = self.provider.name
            raise
        if failure is not None:
            raise no_answer_error(failure, provider=self.provider.name)

    def _request(self, endpoint: Endpoint[P, R], params: P, account: ResolvedAccount) -> Request:
        try:
            return request_for(endpoint, params, provider=self.provider, base_url=account.base_url, token=account.token)
        # A fault of ours in one batch must not take the results of the others with it.
        except Exception as error:
            _log.error("%s: a request could not be built: %s", endpoint.name, type(error).__name__)
            raise not_attempted(
                f"its request could not be built ({type(error).__name__})", self.provider.name
            ) from None

    def _moves_on(self, error: SMSError, earlier: OutcomeUnknown | None) -> bool:
        """Whether another provider is to be tried instead, which nothing that may have arrived allows."""
        return not self.settings.waits_when_limited and isinstance(error, RateLimited) and earlier is None

    def _wait(self, error: SMSError, repeat: Repeat, tries: int, left: float | None) -> float | None:
        """The seconds until the next try, or None to stop."""
        wait = next_wait(
            error,
            repeat=repeat,
            tries=tries,
            policy=self.settings.retry,
            jitter=random.random(),  # noqa: S311  # it spreads requests, and hides nothing
            left=left,
        )
        return wait if wait is not None and self.budget.take() else None

    def _attempt(self, request: Request, rule: StopRule, tries: int) -> Awaitable[Answer | NoAnswer]:
        # A reason to stop the rest of a call does not forbid safe repeats of a request that has begun.
        if tries == 1:
            rule.check(self.provider.name)
        else:
            rule.check_time(self.provider.name)
        return self.transport.send(request, self.settings.timeout, rule.deadline)

    async def _read(self, endpoint: Endpoint[P, R], answer: Answer | NoAnswer, params: P, rule: StopRule) -> R:
        if isinstance(answer, NoAnswer) or len(answer.body) < LARGE_ANSWER_BYTES:
            return self._result_of(endpoint, answer, params)
        # Several that arrive at once would all be decoded in one turn of the loop, and block it.
        async with rule.reading:
            try:
                return self._result_of(endpoint, answer, params)
            finally:
                await let_others_run()

    def _result_of(self, endpoint: Endpoint[P, R], answer: Answer | NoAnswer, params: P) -> R:
        name = self.provider.name
        if isinstance(answer, NoAnswer):
            _log.debug("%s %s: %s", name, endpoint.name, answer.reason)
            raise no_answer_error(answer, provider=name)
        if _log.isEnabledFor(logging.DEBUG):
            keys = shown_names(keys_in(answer.body))
            content = shown_content_type(answer.content_type)
            _log.debug("%s %s: HTTP %d, %s, keys: %s", name, endpoint.name, answer.status, content, keys or "none")
        try:
            return endpoint.read(answer, params)
        except SMSError:
            raise
        # As above: whatever an answer holds, its batch gets an outcome.
        except Exception as error:
            _log.error("%s: an answer could not be read: %s", endpoint.name, type(error).__name__)
            raise malformed(answer, f"it could not be read ({type(error).__name__})", provider=name) from None


def _left(endpoint: Endpoint[Any, Any], began: float, rule: StopRule) -> float | None:
    lifetime = None if endpoint.request_ids is None else endpoint.request_ids.lifetime
    return time_to_repeat(endpoint.repeat, clock.monotonic() - began, rule.time_left(), lifetime)
