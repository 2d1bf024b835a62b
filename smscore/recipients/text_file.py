"""CSV, and text with one number per line, as numbered rows of cells."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from itertools import chain, islice
from typing import IO, Final

from smscore.errors import InvalidRequest
from smscore.recipients.cells import Row
from smscore.recipients.encoding import undecodable

_DELIMITERS: Final = ",;\t"
_SAMPLE: Final = 200  # lines from which the delimiter is detected
_EXCEL_HINT: Final = re.compile(r'"?sep=(.)"?[\r\n]*')
_TEXT_FORMULA: Final = re.compile(r'="((?:[^"]|"")*)"')
_MOSTLY: Final = 0.9  # of the lines


def text_rows(file: IO[bytes], encoding: str, *, one_a_line: bool) -> Generator[Row]:
    """The rows of a text file; with ``one_a_line``, each line is one cell unless tabs make it a table."""
    with closing(_lines(file, encoding)) as lines:
        sample = list(islice(lines, _SAMPLE))
        rows = chain(sample, lines)
        if one_a_line and _agreement(sample, "\t")[0] < _MOSTLY:
            yield from _one_a_line(rows)
        else:
            yield from _csv(sample, rows)


def _lines(file: IO[bytes], encoding: str) -> Generator[str]:
    text = io.TextIOWrapper(file, encoding=encoding, newline="")
    try:
        for line in text:  # noqa: UP028 (a generator that is closed in a "yield from" closes the file too)
            yield line
    except UnicodeDecodeError as error:
        raise undecodable(encoding, error) from None
    finally:
        text.detach()  # the caller closes what it opened


def _one_a_line(lines: Iterable[str]) -> Generator[Row]:
    for number, line in enumerate(lines, 1):
        text = line.strip()
        yield number, [text] if text else []


def _csv(sample: Sequence[str], lines: Iterator[str]) -> Generator[Row]:
    hint = _EXCEL_HINT.fullmatch(sample[0]) if sample else None
    delimiter = hint[1] if hint else sniffed_delimiter(sample)
    if hint:
        next(lines)
        yield 1, []
    first = 2 if hint else 1
    number = first - 1
    try:
        for number, cells in enumerate(csv.reader(lines, delimiter=delimiter, strict=True), first):
            yield number, list(map(_without_formula, cells)) if '="' in "".join(cells) else cells
    except csv.Error as error:
        raise InvalidRequest(
            f"Row {number + 1} of the file is not valid CSV: {error}. Look for a quotation mark that is not closed, or "
            "not doubled inside a quoted cell."
        ) from None


def _without_formula(cell: str) -> str:
    """The text of ``="04521"``, with which exports make Excel show a number's zeros; any other cell as it is."""
    match = _TEXT_FORMULA.fullmatch(cell)
    return match[1].replace('""', '"') if match else cell


def sniffed_delimiter(sample: Sequence[str]) -> str:
    """The delimiter that splits most lines into the same number of cells, at least two; otherwise a comma."""
    return max(_DELIMITERS, key=lambda delimiter: _agreement(sample, delimiter))


def _agreement(sample: Sequence[str], delimiter: str) -> tuple[float, int]:
    widths: list[int] = []
    try:
        widths.extend(len(cells) for cells in csv.reader(sample, delimiter=delimiter) if cells)
    except csv.Error:
        return 0, 0
    usual = max(widths, key=widths.count, default=1)
    return (widths.count(usual) / len(widths), usual) if usual > 1 else (0, 0)
