"""The journal beside a results file: what was about to be sent, written down before it was.

``results.csv`` has ``results.csv.journal``. Its first line says what is being sent; each further one says which rows
are about to go out, that rows which provably did not go are free again, or that rows were refused. The journal alone
says what may be sent: a results file, which may be an older copy, can only add rows that are done.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from enum import Enum
from pathlib import Path
from typing import BinaryIO, Final

import msgspec
from attrs import define, field, frozen

from smscore.cli.results_file import RowNumber, put_on_disk
from smscore.errors import InvalidRequest

Ranges = list[tuple[RowNumber, RowNumber]]
"""Row numbers as (first, last) pairs."""

_VERSION: Final = 2


@frozen
class Header:
    """What a results file is about. A resume must be about the same."""

    provider: str
    messages: int
    recipients: str
    texts: str
    options: dict[str, str] = field(factory=dict[str, str])
    """Digests of what else was given, by name: a resume may be given something else, if that is wanted."""
    journal_version: int = _VERSION


class Standing(Enum):
    """What a mark says of its rows; a later mark takes the place of an earlier one."""

    SENDING = "sending"
    """They are about to go out, or have gone."""
    AGAIN = "again"
    """They provably did not go, and are free to."""
    REFUSED = "refused"
    """They were rejected, and may go out again if that is asked for."""


@frozen
class Mark:
    """Rows by what is said of them."""

    sending: Ranges = field(factory=list[tuple[int, int]])
    again: Ranges = field(factory=list[tuple[int, int]])
    refused: Ranges = field(factory=list[tuple[int, int]])
    request_id: str | None = None


_MISMATCHES: Final = {
    "provider": "provider",
    "recipients": "list of recipients",
    "texts": "text",
}
_OPTIONS: Final = {"sender": "line", "file_id": "file", "send_time": "time of sending"}


def journal_path(results: Path) -> Path:
    """Where the journal of a results file is."""
    return results.with_name(results.name + ".journal")


def check_same(found: Header, wanted: Header, name: str) -> None:
    """Raise ``InvalidRequest`` where a resume would send something else than what was begun."""
    if found.journal_version != _VERSION:
        raise InvalidRequest(f"{name} was written by another version of Payamak. Resume it with that one.")
    other = [word for field, word in _MISMATCHES.items() if getattr(found, field) != getattr(wanted, field)]
    if other:
        raise InvalidRequest(
            f"{name} was begun with another {' and another '.join(other)}. Resume it with the same file, text and "
            "provider, or begin a new results file with --out."
        )


def option_digests(options: Mapping[str, object]) -> dict[str, str]:
    """Digests of a send's options, by name; those that are None are left out."""
    given = {name: str(options[name]) for name in _OPTIONS if options.get(name) is not None}
    return {name: hashlib.blake2b(value.encode(), digest_size=16).hexdigest() for name, value in given.items()}


def other_options(found: Header, wanted: Header) -> list[str]:
    """What a resume is given otherwise than what was begun, in words."""
    return [word for name, word in _OPTIONS.items() if found.options.get(name) != wanted.options.get(name)]


def ranges(rows: Iterable[int]) -> Ranges:
    """Row numbers in ascending order as ranges."""
    found: Ranges = []
    for row in rows:
        if found and row == found[-1][1] + 1:
            found[-1] = (found[-1][0], row)
        else:
            found.append((row, row))
    return found


def range_words(rows: Iterable[int], most: int | None = None) -> str:
    """Row numbers for people: ``2-101, 205``."""
    parts = [str(first) if first == last else f"{first}-{last}" for first, last in ranges(rows)]
    shown, more = parts[:most], len(parts[most:]) if most is not None else 0
    return ", ".join(shown) + (" …" if more else "")


@define
class Journal:
    """An open journal, locked for this process alone."""

    _file: BinaryIO
    header: Header

    @classmethod
    def create(cls, results: Path, header: Header) -> Journal:
        """A new journal; ``FileExistsError`` if there is one."""
        path = journal_path(results)
        with ExitStack() as opened:
            file = path.open("xb", buffering=0)
            opened.callback(path.unlink)  # if it cannot be written; after it is closed
            opened.callback(file.close)
            lock(file)
            put_on_disk(file, _line(header))
            opened.pop_all()
            return cls(file, header)

    @classmethod
    def open(cls, results: Path) -> tuple[Journal, list[Mark]]:
        """The journal that an earlier run left, and its marks; a last line that was cut off is gone.

        Raises ``InvalidRequest`` where there is none, where it is damaged, and where another process writes it.
        """
        with ExitStack() as opened:
            file = opened.enter_context(_opened(results))
            lock(file)
            data = file.read()
            whole = data[: data.rfind(b"\n") + 1]
            file.truncate(len(whole))
            header, marks = _read(whole, journal_path(results).name)
            opened.pop_all()
            return cls(file, header), marks

    def sending(self, rows: Sequence[int], request_id: str | None) -> None:
        """Write down that these rows are about to go out."""
        put_on_disk(self._file, _line(Mark(sending=ranges(rows), request_id=request_id)))

    def free(self, again: Sequence[int], refused: Sequence[int] = ()) -> None:
        """Write down which rows did not go, and may, and which may if that is asked for."""
        if again or refused:
            put_on_disk(self._file, _line(Mark(again=ranges(again), refused=ranges(refused))))

    def close(self) -> None:
        """Close it, and give up the lock."""
        self._file.close()


def _opened(results: Path) -> BinaryIO:
    path = journal_path(results)
    try:
        return path.open("r+b", buffering=0)
    except FileNotFoundError:
        raise InvalidRequest(
            f"There is no {path.name} beside {results.name}. Without it nobody knows what was being sent: restore "
            "it, or begin a new results file with --out."
        ) from None


def _line(value: Header | Mark) -> bytes:
    return msgspec.json.encode(value) + b"\n"


def _read(data: bytes, name: str) -> tuple[Header, list[Mark]]:
    first, *others = data.splitlines() or [b""]
    try:
        header = msgspec.json.decode(first, type=Header)
        return header, [msgspec.json.decode(line, type=Mark) for line in others]
    except msgspec.MsgspecError:
        raise InvalidRequest(f"{name} is damaged. Restore it, or begin a new results file with --out.") from None


def marked_rows(marks: Iterable[Mark]) -> Iterator[tuple[range, Standing, str | None]]:
    """Each mark's rows, what it says of them, and the request id."""
    for mark in marks:
        for standing in Standing:
            for first, last in getattr(mark, standing.value):
                yield range(first, last + 1), standing, mark.request_id


if sys.platform == "win32":

    def lock(file: BinaryIO) -> None:
        """Keep other processes from this file; ``InvalidRequest`` where one has it."""
        import msvcrt

        try:
            file.seek(2**40)  # far behind the end, since Windows keeps others from reading what is locked
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
            file.seek(0)
        except OSError:
            raise _taken() from None
else:

    def lock(file: BinaryIO) -> None:
        """Keep other processes from this file; ``InvalidRequest`` where one has it."""
        import fcntl

        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _taken() from None


def _taken() -> InvalidRequest:
    return InvalidRequest("Another payamak is writing to this results file. Wait until it has ended.")
