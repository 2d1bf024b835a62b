"""What a test message shows: whether it is taken, and whether its status comes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

from smscore.cli.doctor.refusals import finding_of_error
from smscore.cli.output import money
from smscore.diagnosis import Doctor, Examination, Finding, cannot_tell, good, warning
from smscore.errors import SMSError
from smscore.profile import Capability
from smscore.results import SendReport

__all__ = ["examine_sends"]


async def examine_sends(examination: Examination, doctor: Doctor) -> AsyncIterator[Finding]:
    """The provider's own checks, or one message and its status."""
    try:
        checks: Any = (doctor.sends or _one_message)(examination)
        async with aclosing(checks) as findings:
            async for found in findings:
                yield found
    except SMSError as error:
        yield finding_of_error(error, doctor)
        return
    async for found in _statuses(examination):
        yield found


async def _one_message(examination: Examination) -> AsyncIterator[Finding]:
    report = await examination.client.send(examination.to, examination.text)
    examination.known["report"] = report
    yield good("send", f"The provider accepted a message{_cost(report)}.")


def _cost(report: SendReport) -> str:
    return "" if report.cost is None else f" for {money(report.cost)} Rials"


async def _statuses(examination: Examination) -> AsyncIterator[Finding]:
    report: SendReport | None = examination.known.get("report")
    if report is None or Capability.REPORTS_DELIVERIES not in examination.client.capabilities:
        return
    try:
        (delivery,) = await examination.client.deliveries(report)
    except SMSError as error:
        yield warning("status", str(error), "Deliveries cannot be tracked until this is resolved.")
        return
    if delivery.status is None:
        yield cannot_tell("status", "The provider has no status for the message yet.")
    else:
        yield good("status", f"The provider reports the message's status: {delivery.status.value}.")
