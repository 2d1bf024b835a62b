"""What a send is about, kept in its queue file: a resume must be about the same."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from attrs import field, frozen

from smscore.errors import InvalidRequest
from smscore.queue.databases.base import Transaction
from smscore.recipients.plan import Plan

NO_OPTIONS: Final[Mapping[str, object]] = {}

_VERSION: Final = 1


@frozen
class Header:
    """What is sent, to whom and how, without a text or a number."""

    provider: str
    messages: int
    recipients: str
    texts: str
    options: dict[str, str] = field(factory=dict[str, str])
    """Digests of the other options, by name: a resume may differ in them, after a question."""
    remembered: dict[str, Any] = field(factory=dict[str, Any])
    """Options that a resume takes over unless it is given them."""
    run: str = field(factory=lambda: uuid.uuid4().hex)
    """The id of this send."""
    version: int = _VERSION

    def write(self, transaction: Transaction) -> None:
        """Write it into a queue file that has none."""
        transaction.run("CREATE TABLE payamak_send (header TEXT NOT NULL)")
        transaction.run("INSERT INTO payamak_send (header) VALUES (%s)", msgspec.json.encode(self).decode())

    def rewrite(self, transaction: Transaction) -> None:
        """Write it in place of the one that a queue file has."""
        transaction.run("UPDATE payamak_send SET header = %s", msgspec.json.encode(self).decode())


_MISMATCHES: Final = {
    "provider": "provider",
    "recipients": "list of recipients",
    "texts": "text",
}
_OPTIONS: Final = {
    "account": "account (token or base URL)",
    "sender": "line",
    "file_id": "attached file",
    "send_time": "send time",
}


def header_of(
    plan: Plan,
    provider: str,
    options: Mapping[str, object] = NO_OPTIONS,
    remembered: Mapping[str, object] = NO_OPTIONS,
) -> Header:
    """What a send of this plan is about."""
    given = {name: str(options[name]) for name in _OPTIONS if options.get(name) is not None}
    digests = {name: hashlib.blake2b(value.encode(), digest_size=16).hexdigest() for name, value in given.items()}
    return Header(provider, plan.messages, plan.recipients_digest, plan.texts_digest, digests, dict(remembered))


def read_header(transaction: Transaction, name: str) -> Header:
    """The header of a queue file; ``InvalidRequest`` where there is none that this Payamak knows."""
    row = transaction.row("SELECT header FROM payamak_send") if transaction.has_table("payamak_send") else None
    if row is None:
        raise InvalidRequest(
            f"{name} holds no send of `payamak send --out`: that one ended before it began, and sent nothing. Remove "
            "the file, and begin with --out."
        )
    found = msgspec.json.decode(row[0], type=dict[str, Any])
    if found.get("version") != _VERSION:
        raise InvalidRequest(f"{name} was written by another version of Payamak. Resume it with that version.")
    return msgspec.convert(found, Header)


def check_same(found: Header, wanted: Header, name: str) -> None:
    """Raise ``InvalidRequest`` where a resume would send something else than the first run."""
    other = [word for field, word in _MISMATCHES.items() if getattr(found, field) != getattr(wanted, field)]
    if other:
        raise InvalidRequest(
            f"{name} was begun with a different {' and a different '.join(other)}. Resume it with the same file, text "
            "and provider, or begin a new results file with --out."
        )


def other_options(found: Header, wanted: Header) -> list[str]:
    """Which options of a resume differ from those of the first run, in words."""
    return [word for name, word in _OPTIONS.items() if found.options.get(name) != wanted.options.get(name)]
