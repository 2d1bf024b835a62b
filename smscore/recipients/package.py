"""Spreadsheets that are zip archives of XML or binary parts, read in bounded memory."""

from __future__ import annotations

import posixpath
import zipfile
import zlib
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from typing import IO, Any, Final, TypeAlias
from xml.parsers import expat

from attrs import frozen

from smscore.errors import InvalidRequest
from smscore.recipients.sheet import damaged

Divert: TypeAlias = Callable[[Iterable[bytes], Callable[[], bool]], Iterable[bytes]]

_PIECE: Final = 1 << 16  # bytes
_FREE: Final = 1 << 26  # bytes that a part may have at any compression ratio
_MAX_RATIO: Final = 250  # of a part beyond that; sheets are compressed by 5 to 50
_MAX_PART: Final = 1 << 30
_MAX_FILES: Final = 10_000

_BROKEN: Final = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
)


@frozen
class Package:
    """A zip archive."""

    _zip: zipfile.ZipFile

    @classmethod
    @contextmanager
    def opened(cls, file: IO[bytes]) -> Generator[Package]:
        """The archive in this file. Raises ``InvalidRequest`` for anything else."""
        try:
            archive = zipfile.ZipFile(file)
        except (*_BROKEN, OSError, KeyError, IndexError) as error:
            raise InvalidRequest(f"The file is not a readable spreadsheet: {_words(error)}.") from None
        with archive:
            if len(archive.namelist()) > _MAX_FILES:
                raise damaged("it has too many parts")
            yield cls(archive)

    def __contains__(self, name: str) -> bool:
        return name in self._zip.NameToInfo

    def pieces(self, name: str) -> Generator[bytes]:
        """A part in pieces. Raises ``InvalidRequest`` for one that is missing, damaged or too large."""
        try:
            info = self._zip.getinfo(name)
        except KeyError:
            raise damaged(f"its part {name} is missing") from None
        limit = min(max(_FREE, info.compress_size * _MAX_RATIO), _MAX_PART)
        count = 0
        try:
            with self._zip.open(info) as part:
                while piece := part.read(_PIECE):
                    count += len(piece)
                    if count > limit:
                        raise damaged(f"its part {name} unpacks to far more than a spreadsheet contains")
                    yield piece
        except (*_BROKEN, OSError) as error:
            if isinstance(error, InvalidRequest):
                raise
            raise damaged(f"its part {name} cannot be unpacked ({_words(error)})") from None

    def relations(self, of: str) -> dict[str, tuple[str, str]]:
        """The relationships of a part, by id: kind (the last segment of the type) and target part."""
        folder, _, name = of.rpartition("/")
        part = f"{folder}/_rels/{name}.rels" if folder else f"_rels/{name}.rels"
        found: dict[str, tuple[str, str]] = {}
        if part not in self:
            return found

        def start(name: str, attributes: dict[str, str]) -> None:
            if local(name) == "Relationship" and attributes.get("TargetMode") != "External":
                target = posixpath.normpath(posixpath.join("/" + folder, attributes.get("Target", ""))).lstrip("/")
                found[attributes.get("Id", "")] = attributes.get("Type", "").rpartition("/")[2], target

        for _ in self.parsed(part, start=start):
            pass
        return found

    def parsed(
        self,
        name: str,
        *,
        start: Callable[[str, dict[str, str]], Any],
        end: Callable[[str], Any] | None = None,
        text: Callable[[str], Any] | None = None,
        divert: Divert | None = None,
    ) -> Iterator[None]:
        """Parse an XML part with these handlers, one step per piece.

        ``divert`` gets the pieces first and returns what remains of them for the parser. It may ask whether the parser
        has parsed everything so far.
        """
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.buffer_size = _PIECE
        parser.StartElementHandler = start
        parser.EndElementHandler = end
        parser.CharacterDataHandler = text
        # No spreadsheet has a DOCTYPE; without one there are no entities, which could expand without bounds.
        parser.StartDoctypeDeclHandler = _refuse_doctype
        given = 0

        def has_parsed_all() -> bool:
            return parser.CurrentByteIndex == given

        try:
            pieces: Iterable[bytes] = self.pieces(name)
            for piece in pieces if divert is None else divert(pieces, has_parsed_all):
                parser.Parse(piece)
                given += len(piece)
                yield
            parser.Parse(b"", True)
            yield
        except expat.ExpatError as error:
            raise damaged(f"its part {name} is not XML ({expat.ErrorString(error.code)})") from None
        except (KeyError, IndexError, OverflowError, ValueError) as error:
            if isinstance(error, InvalidRequest):
                raise
            raise damaged(f"its part {name} has invalid content") from None


def _refuse_doctype(*_: object) -> None:
    raise damaged("it has a DOCTYPE, which spreadsheets do not have")


def local(name: str) -> str:
    """An element's name without its prefix."""
    return name.rpartition(":")[2]


def _words(error: BaseException) -> str:
    # A quotation contains bytes of the file.
    return str(error).partition("'")[0].rstrip(". ") or type(error).__name__
