"""Whether the token is taken, from this IP, and what the account has: reads alone, and nothing is marked as read."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from decimal import Decimal
from typing import Any

from smscore.cli.doctor.refusals import finding_of_error
from smscore.cli.output import money
from smscore.diagnosis import Doctor, Examination, Finding, bad, cannot_tell, good, warning
from smscore.errors import SMSError
from smscore.profile import Capability

__all__ = ["examine_account", "examine_inbound", "examine_reads"]


async def examine_account(examination: Examination, doctor: Doctor) -> AsyncIterator[Finding]:
    """The token, and the credit where the provider tells it."""
    client = examination.client
    credit: int | Decimal | None = None
    try:
        if Capability.TELLS_CREDIT in client.capabilities:
            credit = await client.credit()
        elif Capability.REPORTS_DELIVERIES in client.capabilities:
            await client.deliveries([1])
        else:
            yield cannot_tell("token", "The provider has no call that only reads.")
            return
    except SMSError as error:
        yield finding_of_error(error, doctor)
        return
    yield good("token", "The token is accepted, from this machine's IP.")
    yield _credit(credit)


def _credit(credit: int | Decimal | None) -> Finding:
    if credit is None:
        return cannot_tell("credit", "The provider has no call for it.")
    if credit <= 0:
        return bad("credit", f"The credit is {money(credit)}.", "Top up the account.")
    return good("credit", f"The credit is {money(credit)}, probably Rials.")


async def examine_reads(examination: Examination, doctor: Doctor) -> AsyncIterator[Finding]:
    """The provider's own checks that send nothing; whose line it is, only some can tell."""
    tells_line = False
    try:
        if doctor.reads is not None:
            async with aclosing(_generator(doctor.reads(examination))) as findings:
                async for found in findings:
                    tells_line = tells_line or found.check == "line"
                    yield found
    except SMSError as error:
        yield finding_of_error(error, doctor)
    if not tells_line:
        sender = "A send says it: give --to." if examination.sender else "None is set (<NAME>_SENDER)."
        yield cannot_tell("line", f"The provider has no call that lists your lines. {sender}")


async def examine_inbound(examination: Examination) -> AsyncIterator[Finding]:
    """Whether inbound messages can be read; the first is looked at, and none is marked."""
    client = examination.client
    if Capability.RECEIVES_MESSAGES not in client.capabilities:
        return
    try:
        async with aclosing(client.incoming()) as messages:
            found = await anext(messages, None)
    except SMSError as error:
        yield warning("inbound", str(error), "Sends do not depend on it. Ask the provider whether receiving is on.")
        return
    what = "There is at least one" if found is not None else "There is none"
    yield good("inbound", f"Inbound messages can be read. {what}; none was marked as read.")


def _generator(findings: AsyncIterator[Finding]) -> Any:
    return findings  # checks are async generator functions
