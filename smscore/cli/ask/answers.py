"""Credit, prices, cancelling, request ids, uploads and inbound messages: each asked for and printed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, Final

import click

from smscore.cli import exit_codes
from smscore.cli.connection import accepted_options, ask, ask_for
from smscore.cli.options import Connection
from smscore.cli.output import Output, as_json, money
from smscore.dates import read_day
from smscore.errors import InvalidRequest
from smscore.profile import Capability

# Credit, a price, a cancel, a request, an upload


def show_credit(connection: Connection) -> None:
    """Print the remaining credit."""
    credit = ask_for(connection, Capability.TELLS_CREDIT, "credit", lambda client: client.credit())
    connection.output.record(
        "credit", {"provider": connection.provider, "credit": credit, "unit": "IRR"}, f"{money(credit)} Rials"
    )


def show_price(connection: Connection, text: str, sender: str | None) -> None:
    """Print what a text costs."""
    price = ask(connection, ("price",), lambda call: call(text, sender=sender))
    connection.output.record(
        "price",
        {"mci": price.mci, "other": price.other, "parts": price.parts, "unit": "IRR"},
        f"{money(price.mci)} Rials to MCI, {money(price.other)} to others; {price.parts:,} "
        + ("part" if price.parts == 1 else "parts"),
    )


def cancel_message(connection: Connection, message_id: int) -> None:
    """Cancel a scheduled bulk message."""
    ask(connection, ("cancel",), lambda call: call(message_id))
    connection.output.record_once("cancelled", {"message_id": message_id}, f"Cancelled {message_id}.")


def show_request(connection: Connection, request_id: str) -> int:
    """Print whether a request arrived; the exit code tells it too."""
    seen = ask(connection, ("check_request_id",), lambda call: call(request_id))
    words = (
        "It arrived." if seen else "It did not arrive in the past 4 hours. For an older request this proves nothing."
    )
    connection.output.record("request", {"request_id": request_id, "seen": seen}, words)
    return exit_codes.DONE if seen else exit_codes.SOME_NOT


def show_upload(connection: Connection, file: Path) -> None:
    """Print the id of an uploaded file."""
    file_id = ask(connection, ("upload_file",), lambda call: call(file))
    connection.output.record_once("upload", {"file_id": file_id}, file_id)


# Inbound messages


def show_received(
    connection: Connection,
    number: str | None,
    since: str | None,
    limit: int | None,
    peek: bool,
    after_id: int | None,
) -> None:
    """Print inbound messages, each of them flushed."""
    wanted = {
        "number": number,
        "since": _date(since),
        "limit": limit,
        "mark_as_read": False if peek else None,
        "after_id": after_id,
    }

    async def use(call: Any) -> list[Any]:
        return await _RECEIVE_CALLS[call.__name__](call, accepted_options(call, wanted), connection.output)

    _print_all(connection.output, ask(connection, tuple(_RECEIVE_CALLS), use))


async def _print_later(call: Any, options: dict[str, Any], output: Output) -> list[Any]:
    if options.get("mark_as_read") is not False:
        output.note("These messages are not returned again. Keep this output, or use --peek.")
    found: list[Any] = await call(**options)
    return found


async def _print_as_read(call: Any, options: dict[str, Any], output: Output) -> list[Any]:
    # The provider keeps them, and there may be many: each is printed when it arrives.
    async for message in call(**options):
        output.record("inbound", _inbound_fields(message), _inbound_words(message))
    return []


_RECEIVE_CALLS: Final[dict[str, Callable[[Any, dict[str, Any], Output], Awaitable[list[Any]]]]] = {
    "receive": _print_later,
    "inbox": _print_as_read,
}


def _print_all(output: Output, messages: Sequence[Any]) -> None:
    for position, message in enumerate(messages):
        try:
            output.record("inbound", _inbound_fields(message), _inbound_words(message))
        except OSError:
            # The provider does not return them again: print the rest wherever it can still be read.
            for left in messages[position:]:
                click.echo(as_json("inbound", _inbound_fields(left)), err=True)
            raise


def _inbound_fields(message: Any) -> dict[str, Any]:
    return {
        "number": message.number,
        "sender": message.sender,
        "text": message.text,
        "date": message.date,
        "raw": message.raw,
        **({} if message.message_id is None else {"message_id": message.message_id}),
        **({} if message.received_at is None else {"received_at": message.received_at}),
    }


def _inbound_words(message: Any) -> str:
    marked = "" if message.message_id is None else f"  [{message.message_id}]"
    return f"{message.date or 'no date'}{marked}  {message.sender} to {message.number}: {message.text}"


def _date(text: str | None) -> dt.date | None:
    if text is None:
        return None
    date = read_day(text)
    if date is None:
        raise InvalidRequest("--since must be a date (YYYY-MM-DD), e.g. 2026-03-21, or 1405/01/01 for a Jalali one.")
    return date
