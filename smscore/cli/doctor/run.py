"""The examination from the first check to the last, and what it printed."""

from __future__ import annotations

import shlex
import ssl
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final

from attrs import evolve

from smscore import registry
from smscore.cli import exit_codes
from smscore.cli.connection import connect
from smscore.cli.doctor.account import examine_account, examine_inbound, examine_reads
from smscore.cli.doctor.reaching import examine_host
from smscore.cli.doctor.sending import examine_sends
from smscore.cli.options import Connection
from smscore.cli.output import Output, ask, counted
from smscore.cli.signals import run_to_the_end
from smscore.config import RetryPolicy
from smscore.diagnosis import Doctor, Examination, Finding, Verdict, cannot_tell
from smscore.errors import InvalidRequest
from smscore.inputs import normalize_number
from smscore.masking import masked_number

__all__ = ["diagnose"]

_NAME: Final = "<NAME>"  # in the texts of checks that know no provider
MAX_MESSAGES: Final = 3
_MARGIN: Final = 13  # columns, of which the verdict has the first
TEXT: Final = "payamak doctor"  # one part


def diagnose(connection: Connection, sender: str | None, to: str | None, yes: bool) -> int:
    """Print each finding as it comes, and what to set; the exit code says whether a send should go well."""
    recipient = "" if to is None else normalize_number(to)
    client = connect(connection, sender=sender, retry=RetryPolicy.none(), ssl=ssl.create_default_context())
    client.check()
    doctor = _doctor(connection.provider)
    if recipient and not _may_send(connection.output, recipient, min(doctor.messages, MAX_MESSAGES), yes):
        recipient = ""
    findings = run_to_the_end(_shown(client, doctor, recipient, connection))
    settings = {name: value for found in findings for name, value in found.settings.items()}
    is_good = _is_good(findings)
    _show_end(connection.output, is_good, settings)
    return exit_codes.DONE if is_good else exit_codes.SOME_NOT


def _doctor(provider: str) -> Doctor:
    return Doctor() if registry.profile(provider).doctor is None else registry.load(provider, "doctor")


def _may_send(output: Output, recipient: str, messages: int, yes: bool) -> bool:
    """Ask before test messages are sent. Raises ``InvalidRequest`` without a terminal."""
    words = f"At most {counted(messages, 'message')} of one part will be sent to {masked_number(recipient)}."
    if yes:
        output.note(words)
        return True
    if not _can_be_asked():
        raise InvalidRequest(f"{words} No terminal to confirm on. Give --yes.")
    return ask(f"{words} Continue?")


def _can_be_asked() -> bool:
    return sys.stdin.isatty()


async def _shown(client: Any, doctor: Doctor, recipient: str, connection: Connection) -> list[Finding]:
    findings: list[Finding] = []
    async with client:
        async for found in _findings(client, doctor, recipient, connection.proxy):
            findings.append(_fit_to_show(found, connection.provider, recipient))
            _show(connection.output, findings[-1])
    return findings


async def _findings(client: Any, doctor: Doctor, recipient: str, proxy: str | None) -> AsyncIterator[Finding]:
    """All findings; what cannot be asked any more is left out."""
    account = client._resolve_account()
    examination = Examination(client, account.sender, recipient, TEXT)
    findings: list[Finding] = []
    for stage, is_needed in (
        (examine_host(client, account.base_url, proxy), True),
        (examine_account(examination, doctor), True),
        (examine_reads(examination, doctor), False),
        (examine_inbound(examination), False),
    ):
        async for found in stage:
            findings.append(found)
            yield found
        if is_needed and not _goes_on(findings):
            break
    if not recipient:
        return
    if not _is_good(findings):
        yield cannot_tell("send", "No test message was sent: it would be refused.", "Correct the above first.")
        return
    async for found in examine_sends(examination, doctor):
        yield found


def _fit_to_show(found: Finding, provider: str, recipient: str) -> Finding:
    """The finding with the provider's own variables, and without the number, which its words may repeat."""
    saw, advice = (text.replace(_NAME, provider.upper()) for text in (found.saw, found.advice))
    if recipient:
        saw = saw.replace(recipient.removeprefix("+98"), "***")
    return evolve(found, saw=saw, advice=advice)


def _goes_on(findings: Sequence[Finding]) -> bool:
    """Whether further calls can show anything: an empty account keeps none of them from it."""
    return all(found.verdict is not Verdict.BAD or found.check == "credit" for found in findings)


def _is_good(findings: Sequence[Finding]) -> bool:
    return all(found.verdict is not Verdict.BAD for found in findings)


def _show(output: Output, found: Finding) -> None:
    lines = [f"{found.verdict.value:<{_MARGIN}}{found.check}: {found.saw}"]
    if found.advice:
        lines.append(f"{'':<{_MARGIN}}{found.advice}")
    output.record(
        "finding",
        {
            "check": found.check,
            "verdict": found.verdict.value,
            "saw": found.saw,
            "advice": found.advice or None,
            "settings": dict(found.settings),
        },
        "\n".join(lines),
        indent=_MARGIN,
    )


def _show_end(output: Output, is_good: bool, settings: Mapping[str, str]) -> None:
    words = ["No problem found." if is_good else "A send would fail: correct what is bad above."]
    words += [f"Set: {name}={shlex.quote(value)}" for name, value in settings.items()]
    output.record("diagnosis", {"good": is_good, "settings": dict(settings)}, "\n".join(words))
