"""What ``payamak doctor`` finds out about Sepahan: how its server reads what its document says in two ways.

Deciding is apart from asking: each ``…_finding`` makes of what was seen what is to be said, and asks nobody.
"""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

from attrs import field, frozen

from sepahan_sms.client import AsyncSepahan
from sepahan_sms.wire_options import ALLOWED, VARIABLE, Wire, changed
from smscore import DuplicateRequest, InvalidParameters, SendReport, SMSError
from smscore.wire import Doctor, Examination, Finding, bad, cannot_tell, good, tehran_day, warning

__all__ = ["DOCTOR", "Dates", "Ids", "form_finding", "id_finding", "since_finding"]

MESSAGES: Final = 3
_FORM_CODES: Final = frozenset({-21, -6, -5, -4, None})  # what a server may say of a body in the other form
_NO_REPEATS: Final = "Until then give the client retry=smscore.RetryPolicy.none(), so that no send is repeated"


def settings_of(wire: Wire) -> Mapping[str, str]:
    """The variable that sets this; empty where it is what is taken by itself."""
    usual = Wire()
    pairs = [f"{name}={getattr(wire, name)}" for name in ALLOWED if getattr(wire, name) != getattr(usual, name)]
    return {VARIABLE: ",".join(pairs)}


def advice_of(wire: Wire) -> str:
    """What to do to have requests written so."""
    ((name, value),) = settings_of(wire).items()
    return f"Set {name}={value}, or give the client wire=sepahan_sms.{wire!r}."


# Receive's date


@frozen
class Dates:
    """What Receive made of dates: ``taken`` has the calendars that it did not refuse.

    ``has_messages``: some came in within a day. ``by_yesterday``: they came for a Gregorian yesterday.
    ``by_tomorrow``: some came for a Jalali tomorrow.
    """

    taken: frozenset[str]
    has_messages: bool = False
    by_yesterday: bool = False
    by_tomorrow: bool = False

    @property
    def calendar(self) -> str | None:
        """The calendar that it reads, ``"both"``, or None where nothing tells."""
        if len(self.taken) < 2:
            return next(iter(self.taken), None)
        if not self.has_messages:
            return None
        if not self.by_yesterday:
            return "jalali"  # a Gregorian year is a Jalali one of the far future
        return "gregorian" if self.by_tomorrow else "both"  # a Jalali year is a Gregorian one of long ago


def since_finding(dates: Dates, wire: Wire) -> tuple[Finding, Wire]:
    """The calendar of Receive's date, and the options with it."""
    calendar = dates.calendar
    if not dates.taken:
        return cannot_tell("since", "Receive refuses a date in either calendar."), wire
    if calendar is None:
        why = "Receive takes a date in either calendar, and there is no message to tell which it reads."
        return cannot_tell("since", why), wire
    if calendar in ("both", wire.since):
        return good("since", f"Receive reads its date as it is sent ({wire.since})."), wire
    found = changed(wire, since=calendar)

    saw = f"Receive reads its date in the other calendar ({calendar})."
    return warning("since", saw, advice_of(found), settings_of(found)), found


async def reads(examination: Examination) -> AsyncIterator[Finding]:
    """In which calendar Receive reads its date; nothing is marked as read."""
    client: AsyncSepahan = examination.client
    try:
        dates = await _dates(client)
    except SMSError as error:  # no send depends on it
        yield cannot_tell("since", str(error))
        return
    found, wire = since_finding(dates, client._wire_now())
    examination.client = client._with_wire(wire)  # later checks go by what was found
    yield found


async def _dates(client: AsyncSepahan) -> Dates:
    today = tehran_day(dt.datetime.now(dt.UTC)) or dt.date.today()
    yesterday, tomorrow = today - dt.timedelta(days=1), today + dt.timedelta(days=1)
    recent = await _count(client, "jalali", None)
    jalali = await _count(client, "jalali", yesterday), await _count(client, "jalali", tomorrow)
    gregorian = await _count(client, "gregorian", yesterday)
    taken = {"jalali": None not in jalali, "gregorian": gregorian is not None}
    return Dates(
        frozenset(name for name, is_taken in taken.items() if is_taken),
        has_messages=bool(recent),
        by_yesterday=bool(gregorian),
        by_tomorrow=bool(jalali[1]),
    )


async def _count(client: AsyncSepahan, calendar: Any, since: dt.date | None) -> int | None:
    """How many messages are there, at most one; None if the date is refused."""
    asked = client._with_wire(changed(client._wire_now(), since=calendar))
    try:
        return len(await asked.receive(since=since, limit=1, mark_as_read=False))
    except InvalidParameters:
        if since is None:
            raise
        return None


# The form of Send


def form_finding(wire: Wire, taken: str | None, refusals: Mapping[str, str]) -> Finding:
    """The form of Send that was taken; ``refusals`` are the errors by form."""
    if taken is None:
        seen = " ".join(f"As {form}: {words}" for form, words in refusals.items())
        return bad("form of Send", f"Send is refused in either form. {seen}", "Ask Sepahan what is wrong with it.")
    if taken == wire.send:
        return good("form of Send", f"Send takes its text and sender as {taken}.")
    found = changed(wire, send=taken)
    saw = f"Send takes its text and sender as {taken} alone."
    return bad("form of Send", saw, advice_of(found), settings_of(found))


# Request ids


@frozen
class Ids:
    """What became of request ids: ``header`` is the one under which the server knew an id, None if under none.

    ``repeat_refused``: a second send with the same id was refused; None if that was not tried.
    """

    header: str | None
    repeat_refused: bool | None = None


def id_finding(wire: Wire, ids: Ids) -> Finding:
    """What to do so that a repeated send is not sent twice."""
    check = "request id"
    if ids.header is None:
        saw = "The server knows no request id, under either header: a repeated send would be sent twice."
        return bad(check, saw, f"Ask Sepahan. {_NO_REPEATS}.")
    if ids.repeat_refused is False:
        saw = "The server knows the request id, but sent a repeated send twice."
        return bad(check, saw, f"Ask Sepahan. {_NO_REPEATS}.")
    if ids.header != wire.request_id:
        found = changed(wire, request_id=ids.header)
        saw = f"The server does not read the header that is set ({wire.request_id}), but {ids.header}."
        return bad(check, saw, advice_of(found), settings_of(found))
    if ids.repeat_refused is None:
        return cannot_tell(check, "check_request_id knows it. Whether a repeat is refused was not tried.")
    return good(check, "A repeated request id is refused, and check_request_id knows it.")


# Test messages


@frozen
class Spent:
    """Messages that were accepted, and what is left of ``MESSAGES``."""

    reports: list[SendReport] = field(factory=list[SendReport])

    @property
    def has_more(self) -> bool:
        """Whether another one may be sent."""
        return len(self.reports) < MESSAGES


async def sends(examination: Examination) -> AsyncIterator[Finding]:
    """The form of Send, what becomes of request ids, and a message whose status can be asked for."""
    client: AsyncSepahan = examination.client
    wire, spent = client._wire_now(), Spent()
    request_id = ""
    refusals: dict[str, str] = {}
    taken: str | None = None
    for form in (wire.send, *(other for other in ALLOWED["send"] if other != wire.send)):
        asked, request_id = client._with_wire(changed(wire, send=form)), _new_id()
        try:
            spent.reports.append(await asked.send(examination.to, examination.text, request_id=request_id))
        except InvalidParameters as error:
            if error.code not in _FORM_CODES:
                raise
            refusals[form] = str(error)
        else:
            taken = form
            break
    yield form_finding(wire, taken, refusals)
    if taken is None:
        return
    examination.known["report"] = spent.reports[0]
    wire = changed(wire, send=taken)
    ids = await _ids(client, wire, examination, request_id, spent)
    yield id_finding(wire, ids)


async def _ids(client: AsyncSepahan, wire: Wire, examination: Examination, request_id: str, spent: Spent) -> Ids:
    """What becomes of request ids; a message is sent for each header that has to be tried."""
    header: str | None = wire.request_id
    if not await client.check_request_id(request_id):
        header, request_id = await _other_header(client, wire, examination, spent)
    if header is None or not spent.has_more:
        return Ids(header)
    asked = client._with_wire(changed(wire, request_id=header))
    try:
        spent.reports.append(await asked.send(examination.to, examination.text, request_id=request_id))
    except DuplicateRequest:
        return Ids(header, repeat_refused=True)
    return Ids(header, repeat_refused=False)


async def _other_header(
    client: AsyncSepahan, wire: Wire, examination: Examination, spent: Spent
) -> tuple[str | None, str]:
    """The header under which the server knows an id, and that id."""
    for header in ALLOWED["request_id"]:
        if header != wire.request_id and spent.has_more:
            request_id = _new_id()
            asked = client._with_wire(changed(wire, request_id=header))
            spent.reports.append(await asked.send(examination.to, examination.text, request_id=request_id))
            if await client.check_request_id(request_id):
                return header, request_id
    return None, ""


def _new_id() -> str:
    return f"doctor-{secrets.token_hex(12)}"


_TOKEN: Final = ("token", "Copy the token again from Sepahan's panel, and set SEPAHAN_TOKEN.")
_CREDIT: Final = ("credit", "Top up the account.")
_USER: Final = ("account", "Ask Sepahan: the account, or its manager's, may not send as it is.")

DOCTOR: Final = Doctor(
    reads=reads,
    sends=sends,
    messages=MESSAGES,
    advice={
        -1: _TOKEN,
        -2: ("token", "Ask Sepahan to approve the token."),
        -3: ("IP", "Add this machine's public IP to those of the token in Sepahan's panel."),
        -12: ("line", "Give a line of yours: set SEPAHAN_SENDER, or ask Sepahan which lines you have."),
        -14: _CREDIT,
        -19: ("credit", "The manager's credit is too low: ask whoever sold you the account."),
        **dict.fromkeys((-8, -9, -10, -11, -13, -15, -16, -17, -18), _USER),
    },
)
