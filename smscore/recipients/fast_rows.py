"""Reads rows of XML in the usual spelling with regular expressions, and leaves everything else to the parser.

A parser calls Python several times per cell, and most rows of a sheet differ only in their values: a regular expression
made from one row reads the next ones in one call each. A row is read this way only if every byte of it is as expected;
any other row goes to the parser, which also knows whether it is between the rows of the requested sheet.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Final, Protocol

CHARACTERS: Final = "[^<>&\x00-\x08\x0b-\x1f\ufffe\uffff]"
"""A pattern for a character that a parser passes on unchanged."""
ATTRIBUTES: Final = '((?: [A-Za-z0-9:-]{1,60}="[^"<>&\x00-\x1f\ufffe\uffff]{0,1000}"){0,30})'
"""A pattern for an element's attributes, for ``parse_attributes``."""

_MAX_HELD: Final = 1 << 20  # bytes buffered until a row is complete
_MAX_UNUSUAL: Final = 1_000  # rows; above this, they must not outnumber the usual ones
_DECLARATION: Final = re.compile(r"\ufeff?<\?xml(?P<attributes>\s[^<>?]*)?\?>")
_OTHER_ENCODING: Final = re.compile(r"""\sencoding\s*=\s*["'](?!utf-8["']|us-ascii["'])""", re.IGNORECASE)
# Comments, CDATA and processing instructions may contain what only looks like rows. A NUL means UTF-16.
_NOT_PLAIN: Final = ("<!", "<?", "\0")
_ATTRIBUTE: Final = re.compile(' ([^=]+)="([^"]*)"')


class RowReader(Protocol):
    """Reads the rows of one kind of file."""

    @property
    def is_between_rows(self) -> bool:
        """Whether the parser is between rows of the sheet that is read."""
        ...

    def read_row(self, text: str, at: int) -> int:
        """Read the row at ``at`` and return where it ends; ``at`` itself if it is not as expected."""
        ...


class FastRows:
    """Reads the rows it can from an XML part; ``begin`` and ``end`` are the tags around a row."""

    def __init__(self, reader: RowReader, begin: str, end: str) -> None:
        self._reader = reader
        self._begin = begin
        self._end = end
        self._usual = self._unusual = 0
        self._held = b""

    def divert(self, pieces: Iterable[bytes], has_parsed_all: Callable[[], bool]) -> Iterator[bytes]:
        """What remains of these pieces for the parser, which must read each before the next is requested.

        ``has_parsed_all`` says whether it has: a parser may defer the end of a tag that came in two pieces.
        """
        source, first = iter(pieces), True
        for piece in source:
            text = self._complete_tags(piece)
            if text is None or not _is_plain(text, first=first):
                yield b"" if text is None else text.encode()
                break
            first = first and not text
            yield from self._remaining(text, has_parsed_all)
            if len(self._held) > _MAX_HELD or self._unusual > max(_MAX_UNUSUAL, self._usual):
                break
            yield b""  # hands on the rows that were read
        yield self._held
        yield from source

    def _complete_tags(self, piece: bytes) -> str | None:
        """The text up to the end of the last tag; the rest is buffered. None if it is not UTF-8."""
        data = self._held + piece
        whole = data.rfind(b">") + 1
        try:
            text = data[:whole].decode()
        except UnicodeDecodeError:
            self._held = data
            return None
        self._held = data[whole:]
        return text

    def _remaining(self, text: str, has_parsed_all: Callable[[], bool]) -> Iterator[bytes]:
        at = 0
        while at < len(text):
            begin = text.find(self._begin, at)
            begin = len(text) if begin < 0 else begin
            if begin > at:
                yield text[at:begin].encode()
                at = begin
            if not (has_parsed_all() and self._reader.is_between_rows):
                yield text[at:].encode()
                return
            at = self._read_rows(text, at)
            if text.startswith(self._begin, at):
                end = text.find(self._end, at) + len(self._end)
                if end < len(self._end):
                    self._held = text[at:].encode() + self._held
                    return
                self._unusual += 1
                yield text[at:end].encode()
                at = end

    def _read_rows(self, text: str, at: int) -> int:
        while (end := self._reader.read_row(text, at)) > at:
            self._usual += 1
            at = end
        return at


def _is_plain(text: str, *, first: bool) -> bool:
    declaration = _DECLARATION.match(text) if first else None
    if declaration and _OTHER_ENCODING.search(declaration["attributes"] or ""):
        return False
    start = declaration.end() if declaration else 0
    return all(text.find(sign, start) < 0 for sign in _NOT_PLAIN)


@lru_cache(maxsize=1024)
def parse_attributes(text: str) -> dict[str, str] | None:
    """Attributes that match ``ATTRIBUTES``, by name; None if one is there twice, which XML forbids."""
    pairs = _ATTRIBUTE.findall(text)
    found = dict(pairs)
    return found if len(found) == len(pairs) else None
