"""Everything that Payamak raises: one tree, every leaf an :class:`SMSError`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from smscore.outcomes import Outcome

if TYPE_CHECKING:
    from smscore.results import SendReport


class SMSError(Exception):
    """Something that a call of Payamak could not do.

    ``str()`` says in English what happened and what to do next; it never holds a token, a text or a full
    number. All else is in the attributes:

    - ``outcome``: what became of the messages; None for a call that sends nothing.
    - ``provider``: the provider's name, or None where the error is of none.
    - ``report``: the whole :class:`SendReport`, or None where there is none.
    - ``code``, ``http_status``, ``message`` (the provider's own words), ``details``: where there was an answer.
    - ``fields``: maps a field that the answer names to what it says of it.
    - ``body``: the first 2 KiB of the answer as text. Numbers and texts may be in it, so it is in no ``repr``, ``str``,
      log, copy or pickle.

    In the text, ``words #3fa2c1`` stands for the provider's own words: the same mark, the same words but for numbers.
    """

    default_outcome: ClassVar[Outcome | None] = None
    meets_every_batch: bool = False
    """Whether any other batch of the same call would meet the same."""

    __slots__ = ("_body",)  # apart from the other attributes, and so in no pickle

    def __init__(
        self,
        text: str = "",
        *,
        provider: str | None = None,
        code: int | str | None = None,
        http_status: int | None = None,
        message: str | None = None,
        details: Sequence[str] = (),
        fields: Mapping[str, Sequence[str]] | None = None,
        body: str | None = None,
    ) -> None:
        super().__init__(text)
        self.outcome: Outcome | None = self.default_outcome
        self.provider = provider
        self.report: SendReport | None = None
        self.code = code
        self.http_status = http_status
        self.message = message
        self.details: list[str] = list(details)
        self.fields: dict[str, list[str]] = {name: list(words) for name, words in (fields or {}).items()}
        self._body = body

    @property
    def body(self) -> str | None:
        """The first 2 KiB of the answer as text, or None where there was none."""
        return getattr(self, "_body", None)


class ConfigurationError(SMSError):
    """The client cannot work like this: no token, a bad base URL, a limit out of range, a real host in a test run."""

    meets_every_batch: bool = True


class ClientClosed(SMSError):
    """The client was closed, before this call or while it waited to send: what it names was not sent."""

    default_outcome: ClassVar[Outcome | None] = Outcome.NOT_SENT


class InvalidRequest(SMSError, ValueError):
    """The input is wrong; it was refused here and nothing was sent."""

    default_outcome: ClassVar[Outcome | None] = Outcome.NOT_SENT


class InvalidNumber(InvalidRequest):
    """Some recipients are not mobile numbers: ``numbers`` lists (position from 0, as given)."""

    def __init__(self, text: str = "", *, numbers: Sequence[tuple[int, object]] = (), **answer: Any) -> None:
        super().__init__(text, **answer)
        self.numbers: list[tuple[int, object]] = list(numbers)


class ConnectionFailed(SMSError):
    """The request never reached the provider: it may be sent again."""

    default_outcome: ClassVar[Outcome | None] = Outcome.NOT_SENT


class NotAttempted(SMSError):
    """The request was not tried; ``reason`` says why, and ``__cause__`` is what ``on_batch`` raised, if it did."""

    default_outcome: ClassVar[Outcome | None] = Outcome.NOT_SENT

    def __init__(self, text: str = "", *, reason: str = "", **answer: Any) -> None:
        super().__init__(text, **answer)
        self.reason = reason


class OutcomeUnknown(SMSError):
    """No usable answer came after the request may have left: the messages may have been sent."""

    default_outcome: ClassVar[Outcome | None] = Outcome.UNKNOWN


class ResponseLost(OutcomeUnknown):
    """The answer timed out, broke off or was cut short."""


class MalformedResponse(OutcomeUnknown):
    """A whole answer came, and it is not the documented one."""


class ServerError(OutcomeUnknown):
    """The provider answered with a 5xx; ``retry_after`` is the wait in seconds that it asks for, or None."""

    def __init__(self, text: str = "", *, retry_after: float | None = None, **answer: Any) -> None:
        super().__init__(text, **answer)
        self.retry_after = retry_after


class ProviderError(SMSError):
    """The provider said no. A code that no table knows is this very class, the code kept."""

    default_outcome: ClassVar[Outcome | None] = Outcome.REJECTED


class AuthenticationError(ProviderError):
    """The token is wrong, expired or not approved, or this machine's IP is not allowed."""

    meets_every_batch: bool = True


class AccountError(ProviderError):
    """The user, manager, line or service is inactive, expired or has no price."""

    meets_every_batch: bool = True


class InsufficientCredit(ProviderError):
    """The credit is too low."""

    meets_every_batch: bool = True


class InvalidParameters(ProviderError):
    """The provider found the request wrong: ``fields`` maps a field to what is wrong, where it says."""


class DuplicateRequest(ProviderError):
    """The request id was used before. That earlier request may well have gone: do not send again."""


class OutsideServiceHours(ProviderError):
    """The provider serves this call at other hours only."""

    meets_every_batch: bool = True


class RateLimited(ProviderError):
    """Too many requests; ``retry_after`` is the wait in seconds that the provider asks for, or None."""

    def __init__(self, text: str = "", *, retry_after: float | None = None, **answer: Any) -> None:
        super().__init__(text, **answer)
        self.retry_after = retry_after


class NotFound(ProviderError):
    """The provider does not know what was asked for."""


class PartialSendError(SMSError):
    """Some recipients were accepted and some were not, or may not have been: ``report`` tells each one's fate.

    ``errors`` holds every distinct error once, in the order of the recipients.
    """

    if TYPE_CHECKING:
        report: SendReport  # pyright: ignore[reportIncompatibleVariableOverride]  # it is never without one

    def __init__(self, text: str = "", *, errors: Sequence[SMSError] = (), **answer: Any) -> None:
        super().__init__(text, **answer)
        self.errors: list[SMSError] = list(errors)
