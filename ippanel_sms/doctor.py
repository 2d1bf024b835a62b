"""What ``payamak doctor`` finds out about an account of IPPanel: whether it may send, and whose the line is."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from typing import Final

from ippanel_sms.account import Account
from ippanel_sms.envelope import IPPANEL
from smscore.wire import Doctor, Examination, Finding, bad, cannot_tell, check_sender, good

__all__ = ["DOCTOR", "account_finding", "line_finding"]

_VARIABLE: Final = "IPPANEL_SENDER"


async def reads(examination: Examination) -> AsyncIterator[Finding]:
    """Whether the account may send, and whether the line is one of its own."""
    yield account_finding(await examination.client.account())
    lines = [line.number for line in await examination.client.lines()]
    yield line_finding(examination.sender, lines)


def account_finding(account: Account) -> Finding:
    """Whether the owner of the token may send."""
    if account.send_block:
        return bad("account", "The account is blocked from sending.", "Ask IPPanel why.")
    if account.send_block is None:
        return cannot_tell("account", "The answer does not say whether the account may send.")
    return good("account", "The account may send.")


def line_finding(sender: str | None, lines: Sequence[str]) -> Finding:
    """Whether a line is one of these."""
    if not lines:
        return bad("line", "The account has no line.", "Order one in the panel.")
    if sender is not None and _key(sender) in {_key(line) for line in lines}:
        return good("line", "The line is one of the account's.")
    settings = {_VARIABLE: _as_sent(lines[0])}
    yours = f"The account's lines: {', '.join(map(_as_sent, lines))}."
    if sender is None:
        return bad("line", f"No line is set. {yours}", f"Set {_VARIABLE} to the one to send from.", settings)
    return bad("line", f"The line is not one of the account's. {yours}", f"Set {_VARIABLE} to one of them.", settings)


def _as_sent(line: str) -> str:
    return check_sender(line, IPPANEL, needed=True) or line


def _key(line: str) -> str:
    """What of a line is the same however it is spelled."""
    return re.sub(r"\W", "", line).casefold().removeprefix("98")


DOCTOR: Final = Doctor(reads=reads)
