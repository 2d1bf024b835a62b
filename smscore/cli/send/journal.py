"""The journal beside a results file: what is about to be sent, written to disk before it is.

``results.csv`` has ``results.csv.journal``. Its first line says what is being sent. Each further line says which rows
are about to go out, which rows provably did not and may be sent again, which rows were rejected, or what a batch cost.
Only the journal decides what may be sent: a results file, which may be an older copy, can only add rows that are done.

Every line ends with a seal, a digest of that line and all lines before it. A results row names the seal after which
it was written, and the witness, in another folder, the last one. A journal that lacks either is an older copy, or
belongs to another send, and is refused.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any, BinaryIO, Final, TypeAlias

import msgspec
from attrs import define, field, frozen

from smscore.cli.output import ranges
from smscore.cli.results_file import RowNumber, open_private, put_on_disk
from smscore.cli.send.locking import lock
from smscore.cli.send.witness import Witness
from smscore.errors import InvalidRequest

_VERSION: Final = 3

RowRanges: TypeAlias = list[tuple[RowNumber, RowNumber]]
"""Row numbers as (first, last) pairs."""


@frozen
class Header:
    """What a results file is about. A resume must match it."""

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
    journal_version: int = _VERSION


class Standing(Enum):
    """What an entry says of its rows; a later entry replaces an earlier one."""

    SENDING = "sending"
    """They are about to be sent, or were."""
    AGAIN = "again"
    """They provably were not sent, and may be."""
    REFUSED = "refused"
    """They were rejected, and may be sent again with ``--rejected-too``."""


@frozen
class JournalEntry:
    """A line of the journal: rows by their standing, or a batch's ``cost``."""

    sending: RowRanges = field(factory=list[tuple[int, int]])
    again: RowRanges = field(factory=list[tuple[int, int]])
    refused: RowRanges = field(factory=list[tuple[int, int]])
    request_id: str | None = None
    cost: int | Decimal | None = None
    """What a batch cost, as reported by the provider."""


_MISMATCHES: Final = {
    "provider": "provider",
    "recipients": "list of recipients",
    "texts": "text",
}
_OPTIONS: Final = {"sender": "line", "file_id": "attached file", "send_time": "send time"}


def journal_path(results: Path) -> Path:
    """Where the journal of a results file is."""
    return results.with_name(results.name + ".journal")


def check_same(found: Header, wanted: Header, name: str) -> None:
    """Raise ``InvalidRequest`` where a resume would send something else than the first run."""
    other = [word for field, word in _MISMATCHES.items() if getattr(found, field) != getattr(wanted, field)]
    if other:
        raise InvalidRequest(
            f"{name} was begun with a different {' and a different '.join(other)}. Resume it with the same file, text "
            "and provider, or begin a new results file with --out."
        )


def option_digests(options: Mapping[str, object]) -> dict[str, str]:
    """Digests of a send's options, by name, without those that are None."""
    given = {name: str(options[name]) for name in _OPTIONS if options.get(name) is not None}
    return {name: hashlib.blake2b(value.encode(), digest_size=16).hexdigest() for name, value in given.items()}


def other_options(found: Header, wanted: Header) -> list[str]:
    """Which options of a resume differ from those of the first run, in words."""
    return [word for name, word in _OPTIONS.items() if found.options.get(name) != wanted.options.get(name)]


@define
class Journal:
    """An open journal, locked by this process."""

    _file: BinaryIO
    header: Header
    seals: list[str]
    """The seals of its lines, in order."""
    witness: Witness
    safe_seal: str = ""
    """The seal of the last line that is on disk for certain."""

    def __attrs_post_init__(self) -> None:
        self.safe_seal = self.seals[-1]

    @classmethod
    def create(cls, results: Path, header: Header) -> Journal:
        """A new journal; ``FileExistsError`` if there already is one."""
        path = journal_path(results)
        with ExitStack() as opened:
            file = open_private(path, "xb")
            opened.callback(path.unlink)  # if writing it fails; after it is closed
            opened.callback(file.close)
            lock(file)
            line, seal = _sealed(header, "")
            put_on_disk(file, line)
            witness = Witness.of(header.run)
            witness.note(seal)
            opened.pop_all()
            return cls(file, header, [seal], witness)

    @classmethod
    def open(cls, results: Path) -> tuple[Journal, list[JournalEntry]]:
        """The journal of an earlier run, and its entries; an incomplete last line is removed.

        Raises ``InvalidRequest`` where there is none, where it was changed or is older than the witness of its send,
        and where another process is writing it.
        """
        with ExitStack() as opened:
            file = opened.enter_context(_opened(results))
            lock(file)
            data = file.read()
            whole = data[: data.rfind(b"\n") + 1]
            file.truncate(len(whole))
            name = journal_path(results).name
            header, entries, seals = _read(whole, name)
            witness = Witness.of(header.run)
            opened.callback(witness.close)
            if witness.known is not None and witness.known not in seals:
                raise _older(name, "the send continued after that copy was made")
            witness.note(seals[-1])
            opened.pop_all()
            return cls(file, header, seals, witness), entries

    def sending(self, rows: Sequence[int], request_id: str | None) -> None:
        """Record, on disk, that these rows are about to be sent."""
        self._write_safely(JournalEntry(sending=ranges(rows), request_id=request_id))

    def free(self, again: Sequence[int], refused: Sequence[int] = ()) -> None:
        """Record, on disk, which rows may be sent again, and which may with ``--rejected-too``."""
        if again or refused:
            self._write_safely(JournalEntry(again=ranges(again), refused=ranges(refused)))

    def add_cost(self, cost: int | Decimal) -> None:
        """Record what a batch cost, without waiting for the disk."""
        self._append(JournalEntry(cost=cost), wait=False)

    def _write_safely(self, entry: JournalEntry) -> None:
        self._append(entry, wait=True)
        self.safe_seal = self.seals[-1]
        self.witness.note(self.safe_seal)

    def _append(self, entry: JournalEntry, *, wait: bool) -> None:
        line, seal = _sealed(entry, self.seals[-1])
        put_on_disk(self._file, line, wait=wait)
        self.seals.append(seal)

    def close(self) -> None:
        """Close the file and release the lock."""
        self.witness.close()
        self._file.close()


def check_seals(seals: Iterable[str | None], journal: Journal, name: str) -> None:
    """Raise ``InvalidRequest`` where results name a seal that this journal does not have."""
    if not set(seals) <= {*journal.seals}:
        raise _older(f"{name}.journal", f"{name} has results that the journal does not know of")


def _older(name: str, why: str) -> InvalidRequest:
    return InvalidRequest(
        f"{name} is an older copy, or belongs to another send: {why}. Nothing was sent, since a resume could send to "
        "somebody twice. Restore the newest copies of the results file and of its journal together."
    )


def remembered(results: Path) -> dict[str, Any]:
    """The options that a resume takes over; ``InvalidRequest`` where there is no journal."""
    with _opened(results) as file:
        first = file.readline()
    try:
        return msgspec.json.decode(first, type=Header).remembered
    except msgspec.MsgspecError:
        return {}  # opening it will say what is wrong


def _opened(results: Path) -> BinaryIO:
    path = journal_path(results)
    try:
        return path.open("r+b", buffering=0)
    except FileNotFoundError:
        raise InvalidRequest(
            f"There is no {path.name} beside {results.name}. Without it, what was being sent is unknown: restore it, "
            "or begin a new results file with --out."
        ) from None
    except OSError as error:
        raise InvalidRequest(f"{path.name} cannot be opened: {error.strerror}.") from None


_SEAL: Final = b',"seal":"%s"}'
_SEAL_LENGTH: Final = 16  # digits
_TAIL: Final = len(_SEAL) - 2 + _SEAL_LENGTH


def _seal(body: bytes, before: str) -> str:
    return hashlib.blake2b(before.encode() + body, digest_size=_SEAL_LENGTH // 2).hexdigest()


def _sealed(value: Header | JournalEntry, before: str) -> tuple[bytes, str]:
    body = msgspec.json.encode(value)[:-1]
    seal = _seal(body, before)
    return body + _SEAL % seal.encode() + b"\n", seal


def _read(data: bytes, name: str) -> tuple[Header, list[JournalEntry], list[str]]:
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
        return header, [msgspec.json.decode(line, type=JournalEntry) for line in lines[1:]], seals
    except msgspec.MsgspecError:
        raise _damaged(name, 1, lines[0]) from None


def _damaged(name: str, number: int, line: bytes) -> InvalidRequest:
    if number == 1 and b'"journal_version"' in line and b'"journal_version":%d' % _VERSION not in line:
        return InvalidRequest(f"{name} was written by another version of Payamak. Resume it with that version.")
    return InvalidRequest(
        f"Line {number} of {name} is damaged, or was changed after Payamak wrote it. Restore the original file, or "
        "begin a new results file with --out."
    )


def entry_rows(entries: Iterable[JournalEntry]) -> Iterator[tuple[range, Standing, str | None]]:
    """The rows of each entry, their standing, and the request id."""
    for entry in entries:
        for standing in Standing:
            for first, last in getattr(entry, standing.value):
                yield range(first, last + 1), standing, entry.request_id
