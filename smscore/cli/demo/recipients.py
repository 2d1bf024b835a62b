"""The demo's spreadsheet: good numbers, and some that are not, in a CSV file."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from attrs import frozen

from smscore.errors import InvalidNumber
from smscore.numbers import local_form
from smscore.results import RecipientResult

# Mixed in among the good rows of the CSV: a landline, a short number, Persian digits, a duplicate.
ODD_NUMBERS: Final = ("02188776655", "0912345", "۰۹۱۲۰۰۲۵۰۰۰", "09120000001")


@frozen
class CsvRow:
    """A row of the CSV, counted from 1 below the header."""

    place: int
    number: str


@frozen
class OddRow:
    """A row that is not like the others, and what happened to it."""

    row: CsvRow
    words: str


def numbers(count: int) -> list[str]:
    """``count`` different mobile numbers."""
    return [f"0912{number:07}" for number in range(count)]


def write_recipients(path: Path, count: int) -> None:
    """Write a CSV of ``count`` different mobile numbers, with the odd ones among them."""
    good = numbers(count - 1)  # the number in Persian digits is valid too
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["name", "number"])
        rows = [*good[:500], *ODD_NUMBERS, *good[500:]]
        writer.writerows([f"مشترک {place}", number] for place, number in enumerate(rows, 1))


def read_rows(path: Path) -> list[CsvRow]:
    """The rows of a CSV with a column ``number``."""
    with path.open(newline="", encoding="utf-8") as file:
        return [CsvRow(place, fields["number"]) for place, fields in enumerate(csv.DictReader(file), 1)]


def distinct(rows: Iterable[CsvRow]) -> tuple[list[CsvRow], list[OddRow]]:
    """The rows with each number once, however it is written, and the duplicates."""
    first: dict[str, CsvRow] = {}
    duplicates: list[OddRow] = []
    for row in rows:
        earlier = first.setdefault(local_form(row.number) or row.number, row)
        if earlier is not row:
            duplicates.append(OddRow(row, f"skipped: same number as row {earlier.place}"))
    return list(first.values()), duplicates


def odd_rows(rows: Iterable[CsvRow], results: Iterable[RecipientResult]) -> list[OddRow]:
    """What happened to the rows whose number is invalid, or is not written in ASCII digits."""
    found: list[OddRow] = []
    for row, result in zip(rows, results, strict=True):
        if isinstance(result.error, InvalidNumber):
            found.append(OddRow(row, "not sent: invalid Iranian mobile number"))
        elif not row.number.isascii():
            found.append(OddRow(row, f"{result.outcome.value} as {result.recipient}"))
    return found
