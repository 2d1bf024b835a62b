"""The journal beside a results file: what was about to be sent, written down before it was.

``results.csv`` has ``results.csv.journal``. Its first line says what is being sent; each further one says which rows
are about to go out, that rows which provably did not go are free again, that rows were refused, or what a batch cost.
The journal alone says what may be sent: a results file, which may be an older copy, can only add rows that are done.

Every line ends with a seal, a digest of that line and of all lines before it. A results row names the seal after which
it was written, and the witness, in another folder, the last one: a journal that lacks either is an older copy, or of
another send, and is refused.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any, BinaryIO, Final

import msgspec
from attrs import define, field, frozen

from smscore.cli.results_file import RowNumber, open_private, put_on_disk
from smscore.cli.send.locking import lock
from smscore.cli.send.witness import Witness
from smscore.errors import InvalidRequest

Ranges = list[tuple[RowNumber, RowNumber]]
"""Row numbers as (first, last) pairs."""

_VERSION: Final = 3


@frozen
class Header:
    """What a results file is about. A resume must be about the same."""

    provider: str
    messages: int
    recipients: str
    texts: str
    options: dict[str, str] = field(factory=dict[str, str])
    """Digests of what else was given, by name: a resume may be given something else, if that is wanted."""
    remembered: dict[str, Any] = field(factory=dict[str, Any])
    """Options that a resume takes from here where it is not given them."""
    run: str = field(factory=lambda: uuid.uuid4().hex)
    """The id of this send."""
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
    """Rows by what is said of them, or a batch's ``cost``."""

    sending: Ranges = field(factory=list[tuple[int, int]])
    again: Ranges = field(factory=list[tuple[int, int]])
    refused: Ranges = field(factory=list[tuple[int, int]])
    request_id: str | None = None
    cost: int | Decimal | None = None
    """What the provider said that a batch cost."""


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


def range_words(rows: Iterable[int], most: int | None = None, *, whole: bool = True) -> str:
    """Row numbers for people: ``2-101, 205``; with dots at the end where there are more, or these are not the whole."""
    found = ranges(rows)
    shown = [str(first) if first == last else f"{first}-{last}" for first, last in found[:most]]
    return ", ".join(shown) + (" …" if len(shown) < len(found) or not whole else "")


@define
class Journal:
    """An open journal, locked for this process alone."""

    _file: BinaryIO
    header: Header
    seals: list[str]
    """The seals of its lines, in order."""
    witness: Witness
    safe_seal: str = ""
    """The seal of the last line that is known to be on the disk."""

    def __attrs_post_init__(self) -> None:
        self.safe_seal = self.seals[-1]

    @classmethod
    def create(cls, results: Path, header: Header) -> Journal:
        """A new journal; ``FileExistsError`` if there is one."""
        path = journal_path(results)
        with ExitStack() as opened:
            file = open_private(path, "xb")
            opened.callback(path.unlink)  # if it cannot be written; after it is closed
            opened.callback(file.close)
            lock(file)
            line, seal = _sealed(header, "")
            put_on_disk(file, line)
            witness = Witness.of(header.run)
            witness.note(seal)
            opened.pop_all()
            return cls(file, header, [seal], witness)

    @classmethod
    def open(cls, results: Path) -> tuple[Journal, list[Mark]]:
        """The journal that an earlier run left, and its marks; a last line that was cut off is gone.

        Raises ``InvalidRequest`` where there is none, where it was changed or is older than what is known of its send,
        and where another process writes it.
        """
        with ExitStack() as opened:
            file = opened.enter_context(_opened(results))
            lock(file)
            data = file.read()
            whole = data[: data.rfind(b"\n") + 1]
            file.truncate(len(whole))
            name = journal_path(results).name
            header, marks, seals = _read(whole, name)
            witness = Witness.of(header.run)
            opened.callback(witness.close)
            if witness.known is not None and witness.known not in seals:
                raise _older(name, "this send went on after that copy was made")
            witness.note(seals[-1])
            opened.pop_all()
            return cls(file, header, seals, witness), marks

    def sending(self, rows: Sequence[int], request_id: str | None) -> None:
        """Write down that these rows are about to go out."""
        self._write_safely(Mark(sending=ranges(rows), request_id=request_id))

    def free(self, again: Sequence[int], refused: Sequence[int] = ()) -> None:
        """Write down which rows did not go, and may, and which may if that is asked for."""
        if again or refused:
            self._write_safely(Mark(again=ranges(again), refused=ranges(refused)))

    def add_cost(self, cost: int | Decimal) -> None:
        """Write down what a batch cost, without waiting for the disk."""
        self._append(Mark(cost=cost), wait=False)

    def _write_safely(self, mark: Mark) -> None:
        self._append(mark, wait=True)
        self.safe_seal = self.seals[-1]
        self.witness.note(self.safe_seal)

    def _append(self, mark: Mark, *, wait: bool) -> None:
        line, seal = _sealed(mark, self.seals[-1])
        put_on_disk(self._file, line, wait=wait)
        self.seals.append(seal)

    def close(self) -> None:
        """Close it, and give up the lock."""
        self.witness.close()
        self._file.close()


def check_marks(marks: Iterable[str | None], journal: Journal, name: str) -> None:
    """Raise ``InvalidRequest`` where results were written after a line that this journal has not."""
    if not set(marks) <= {*journal.seals}:
        raise _older(f"{name}.journal", f"{name} tells of what that journal does not know")


def _older(name: str, why: str) -> InvalidRequest:
    return InvalidRequest(
        f"{name} is an older copy, or that of another send: {why}. A resume could send to somebody twice, and so "
        "nothing was sent. Restore the newest copies of the results file and its journal, both together."
    )


def remembered(results: Path) -> dict[str, Any]:
    """The options that a send was begun with, for its resume; ``InvalidRequest`` where there is no journal."""
    with _opened(results) as file:
        first = file.readline()
    try:
        return msgspec.json.decode(first, type=Header).remembered
    except msgspec.MsgspecError:
        return {}  # what is wrong with it is told when it is opened


def _opened(results: Path) -> BinaryIO:
    path = journal_path(results)
    try:
        return path.open("r+b", buffering=0)
    except FileNotFoundError:
        raise InvalidRequest(
            f"There is no {path.name} beside {results.name}. Without it nobody knows what was being sent: restore "
            "it, or begin a new results file with --out."
        ) from None
    except OSError as error:
        raise InvalidRequest(f"{path.name} cannot be opened: {error.strerror}.") from None


_SEAL: Final = b',"seal":"%s"}'
_SEAL_LENGTH: Final = 16  # digits
_TAIL: Final = len(_SEAL) - 2 + _SEAL_LENGTH


def _seal(body: bytes, before: str) -> str:
    return hashlib.blake2b(before.encode() + body, digest_size=_SEAL_LENGTH // 2).hexdigest()


def _sealed(value: Header | Mark, before: str) -> tuple[bytes, str]:
    body = msgspec.json.encode(value)[:-1]
    seal = _seal(body, before)
    return body + _SEAL % seal.encode() + b"\n", seal


def _read(data: bytes, name: str) -> tuple[Header, list[Mark], list[str]]:
    lines = data.splitlines() or [b""]
    seals: list[str] = []
    for number, line in enumerate(lines, 1):
        body = line[:-_TAIL]
        seal = _seal(body, seals[-1] if seals else "")
        if line[len(body) :] != _SEAL % seal.encode():
            raise _damaged(name, number, line)
        seals.append(seal)
    try:
        header = msgspec.json.decode(lines[0], type=Header)
        return header, [msgspec.json.decode(line, type=Mark) for line in lines[1:]], seals
    except msgspec.MsgspecError:
        raise _damaged(name, 1, lines[0]) from None


def _damaged(name: str, number: int, line: bytes) -> InvalidRequest:
    if number == 1 and b'"journal_version"' in line and b'"journal_version":%d' % _VERSION not in line:
        return InvalidRequest(f"{name} was written by another version of Payamak. Resume it with that one.")
    return InvalidRequest(
        f"Line {number} of {name} is damaged, or was changed after Payamak wrote it. Restore the file as it was, or "
        "begin a new results file with --out."
    )


def marked_rows(marks: Iterable[Mark]) -> Iterator[tuple[range, Standing, str | None]]:
    """Each mark's rows, what it says of them, and the request id."""
    for mark in marks:
        for standing in Standing:
            for first, last in getattr(mark, standing.value):
                yield range(first, last + 1), standing, mark.request_id
