"""How the conformance tests call a provider: through either face, against the sandbox or a recorder."""

from __future__ import annotations

import asyncio
import inspect
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from typing import Any, ClassVar, Final, TypeAlias

from smscore import registry
from smscore.blocking import BlockingClient
from smscore.client import AsyncClient
from smscore.config import RetryPolicy, Timeouts
from smscore.errors import SMSError
from smscore.outcomes import Outcome
from smscore.profile import Capability, Profile
from smscore.results import SendReport
from smscore.sandbox import Sandbox

__all__ = [
    "NUMBERS",
    "ONCE",
    "TEXT",
    "TOKEN",
    "TWICE",
    "Runner",
    "SampleCall",
    "numbers",
    "other_sends",
    "report_of",
    "send",
    "stream",
]

SampleCall: TypeAlias = Callable[[Any], Any]
"""Makes a call on the async client that it is given, and returns what the method returns."""

TOKEN: Final = "t0ken-9f8e7d6c5b4a"  # noqa: S105  # not like a name, since those of fields may be shown
TEXT: Final = "سلام، این متن آزمون است."
PATTERN_VALUE: Final = "90817263"
NUMBERS: Final = ("09123456789", "09123456780")
ONCE: Final = RetryPolicy.none()
TWICE: Final = RetryPolicy(attempts=2, wait_initial=0, wait_max=0)
_PLACEHOLDER: Final = re.compile(r"%([^%\s]+)%")  # as the sandbox writes patterns
PATIENT: Final = Timeouts(connect=10, read=20, total=30)


def numbers(count: int) -> list[str]:
    """So many different mobile numbers in local form."""
    return [f"0912{place:07}" for place in range(count)]


class Runner:
    """A provider's clients, made with known settings; the parts of ``ProviderConformance`` stand on it."""

    profile: ClassVar[Profile]

    def _async(self) -> type[AsyncClient]:
        kind: type[AsyncClient] = registry.load(self.profile.name, "async_client")
        return kind

    def _blocking(self) -> type[BlockingClient[Any]]:
        kind: type[BlockingClient[Any]] = registry.load(self.profile.name, "client")
        return kind

    def _faces(self) -> tuple[Callable[..., Any], Callable[..., Any]]:
        return self._call, self._call_blocking

    def _call(self, box: Sandbox, call: SampleCall, **options: Any) -> Any:
        return self._run(box.url(self.profile.name), call, **options)

    def _run(self, url: str, call: SampleCall, **options: Any) -> Any:
        async def run() -> Any:
            kind: Any = self._async()
            async with kind(TOKEN, **self._options(url, options)) as client:
                return await result_of(call(client))

        return asyncio.run(run())

    def _call_blocking(self, box: Sandbox, call: SampleCall, **options: Any) -> Any:
        kind: Any = self._blocking()
        with kind(TOKEN, **self._options(box.url(self.profile.name), options)) as client:
            return call(client)

    def _options(self, url: str, options: Mapping[str, Any]) -> dict[str, Any]:
        settings = {"sender": self.profile.senders[0], "base_url": url, "timeout": PATIENT, "retry": ONCE}
        return {**settings, **options}

    def _ledger(self, box: Sandbox) -> Counter[str]:
        """How many messages the provider took for each recipient, E.164."""
        return Counter(message.recipient for message in box.messages if message.provider == self.profile.name)

    def _contradictions(self, box: Sandbox, report: SendReport) -> list[str]:
        """Where what the client says of its recipients cannot be true, by what the provider took."""
        ledger, problems = self._ledger(box), list[str]()
        for result in report:
            taken = ledger[result.recipient]
            possible = {Outcome.ACCEPTED: (1,), Outcome.UNKNOWN: (0, 1)}.get(result.outcome, (0,))
            if taken not in possible:
                problems.append(f"{result.outcome.name}, and taken {taken} times: {type(result.error).__name__}")
        if set(ledger) - {result.recipient for result in report}:
            problems.append("taken for somebody who was not asked for")
        return problems


async def result_of(result: Any) -> Any:
    """What a call gives in the end: awaited, or gathered where it is an async iterator."""
    if hasattr(result, "__aiter__"):
        async with aclosing(result) as items:
            return [item async for item in items]
    return await result if inspect.isawaitable(result) else result


def report_of(
    face: Callable[..., Any],
    box: Sandbox,
    to: Sequence[str] = NUMBERS,
    *,
    call: SampleCall | None = None,
    **options: Any,
) -> SendReport:
    """The report of a send to these numbers, or of another call, whether it is returned or on the error."""
    try:
        report = face(box, call or send(to), **options)
    except SMSError as error:
        report = error.report
    assert isinstance(report, SendReport)
    return report


class Keeping:
    """An observer that keeps what it is told in this list."""

    def __init__(self, told: list[Any]) -> None:
        self.start: Callable[[Any], None] = told.append
        self.request: Callable[[Any], None] = told.append
        self.batch: Callable[[Any], None] = told.append
        self.call: Callable[[Any], None] = told.append


def send(to: Sequence[str], **more: Any) -> SampleCall:
    """A send of the usual text to these numbers."""

    def call(client: Any) -> Any:
        return client.send([*to], TEXT, **more)

    return call


def other_sends(profile: Profile) -> dict[str, SampleCall]:
    """The sends besides ``send`` that the profile declares, each to numbers of ``NUMBERS``, by their names."""
    emulation = registry.load(profile.name, "sandbox")
    code, text = next(iter(emulation.built_in_patterns.items()), ("", ""))
    values = dict.fromkeys(_PLACEHOLDER.findall(text), PATTERN_VALUE)
    calls: dict[Capability, SampleCall] = {
        Capability.SENDS_P2P: lambda client: client.send_p2p([(number, TEXT) for number in NUMBERS]),
        Capability.SENDS_PATTERNS: lambda client: client.send_pattern(NUMBERS[0], code, values),
    }
    return {capability: call for capability, call in calls.items() if capability in profile.capabilities}


def stream(to: Sequence[str]) -> SampleCall:
    """The same as a stream, all its reports."""

    async def call(client: Any) -> list[SendReport]:
        async with aclosing(client.send_stream([*to], TEXT)) as reports:
            return [report async for report in reports]

    return call
