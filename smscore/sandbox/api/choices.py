"""REST calls for what there is to choose from: providers, codes, patterns, faults and special recipients."""

from __future__ import annotations

from typing import Annotated, Final

from attrs import frozen
from msgspec import Meta

from smscore import registry
from smscore.profile import Capability
from smscore.sandbox.api.errors import RestError
from smscore.sandbox.api.message_views import StatusChoice, status_choices
from smscore.sandbox.api.routing import Nothing, ProviderName, RestCall, RestRoute, emulation_of
from smscore.sandbox.emulation import Emulation
from smscore.sandbox.fault_kinds import FAULT_RULES, FaultKind
from smscore.sandbox.special_recipients import SPECIAL_RECIPIENTS

__all__ = ["CHOICES"]


@frozen(kw_only=True)
class ErrorChoice:
    """A documented error code of a provider."""

    code: int
    words: str


@frozen
class PatternChoice:
    """A pattern, which a send may name by its `code`; `%name%` in its `text` is a placeholder."""

    code: str
    text: str


@frozen(kw_only=True)
class PythonClient:
    """How a provider's client is imported: `from package import name`."""

    package: str
    name: str


@frozen(kw_only=True)
class ProviderChoice:
    """A provider: its name as people write it, how its clients find it, its calls, codes, valid lines and patterns.

    `calls_webhook`: it reports status changes to the webhook. `receives_messages`: its clients can read what came in.
    """

    name: str
    title: str
    base_url: str
    client: PythonClient
    calls: list[str]
    statuses: list[StatusChoice]
    error_codes: list[ErrorChoice]
    lines: list[str]
    patterns: list[PatternChoice]
    calls_webhook: bool
    receives_messages: bool


@frozen(kw_only=True)
class KindChoice:
    """A kind of fault, and the settings that it needs."""

    kind: FaultKind
    words: str
    needs: list[str]


@frozen(kw_only=True)
class SpecialRecipientChoice:
    """A recipient that always ends the same way."""

    recipient: str
    words: str


@frozen(kw_only=True)
class Choices:
    """What there is to choose from."""

    providers: list[ProviderChoice]
    fault_kinds: list[KindChoice]
    special_recipients: list[SpecialRecipientChoice]


def list_choices(call: RestCall[Nothing, Nothing, Nothing]) -> Choices:
    return Choices(
        providers=[_provider_choice(call.origin, emulation) for emulation in call.state.emulations.values()],
        fault_kinds=[
            KindChoice(kind=kind, words=rule.description, needs=list(rule.needs)) for kind, rule in FAULT_RULES.items()
        ],
        special_recipients=[
            SpecialRecipientChoice(recipient=number, words=scenario.description)
            for number, scenario in SPECIAL_RECIPIENTS.items()
        ],
    )


def _provider_choice(origin: str, emulation: Emulation) -> ProviderChoice:
    profile = registry.profile(emulation.name)
    module, _, client = profile.client.partition(":")
    return ProviderChoice(
        name=emulation.name,
        title=profile.title,
        base_url=f"{origin}/{emulation.name}",
        client=PythonClient(package=module.partition(".")[0], name=client),
        calls=list(dict.fromkeys(route.name for route in emulation.routes)),
        statuses=status_choices(emulation),
        error_codes=[ErrorChoice(code=code, words=error.description) for code, error in emulation.errors.items()],
        lines=list(emulation.lines),
        patterns=[PatternChoice(code, text) for code, text in emulation.patterns.items()],
        calls_webhook=emulation.calls_webhook,
        receives_messages=Capability.RECEIVES_MESSAGES in profile.capabilities,
    )


@frozen(kw_only=True, repr=False)
class PatternBody:
    """A pattern to add to a provider: `%name%` in its `text` is a placeholder."""

    provider: ProviderName
    code: Annotated[str, Meta(min_length=1, max_length=100)]
    text: Annotated[str, Meta(max_length=10_000)]


def set_pattern(call: RestCall[Nothing, Nothing, PatternBody]) -> PatternChoice:
    body = call.body
    try:
        emulation_of(call.state, body.provider).set_pattern(body.code, body.text)
    except ValueError as error:
        raise RestError(422, str(error)) from None
    return PatternChoice(body.code, body.text)


CHOICES: Final = (
    RestRoute("GET", "/api/choices", list_choices, "List providers, codes, faults and special recipients", Choices),
    RestRoute("PUT", "/api/patterns", set_pattern, "Add or replace a pattern", PatternChoice, body=PatternBody),
)
