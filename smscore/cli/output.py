"""What the command prints: words for people, or with ``--json`` one JSON object per line for scripts."""

from __future__ import annotations

import os
import sys
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from decimal import Decimal
from typing import Any, Final, TextIO, cast

import click
import msgspec

from smscore.cli.exit_codes import exit_code
from smscore.error_words import error_lines, provider_words
from smscore.errors import SMSError

# Decimals stay exact.
_ENCODER: Final = msgspec.json.Encoder(decimal_format="number", enc_hook=str)

DONE_OF_ALL: Final = "{task.completed:,.0f}/{task.total:,.0f}"
"""The numbers of a progress bar, as a template of rich."""

_NARROWEST: Final = 20  # columns: on a narrower terminal, lines are not wrapped
_ANSWERS: Final = "\u00a0[y/N]:"  # what click prints after a question, on the same line as its last word


class Output:
    """Prints data on standard output and flushes it; prints notes and errors on standard error."""

    def __init__(self, *, json: bool) -> None:
        self.json = json

    def record(self, kind: str, fields: Mapping[str, Any], words: str, *, indent: int | None = None) -> None:
        """Print a result: as JSON with a ``type``, or in words, wrapped with this ``indent``."""
        click.echo(as_json(kind, fields) if self.json else wrapped(words, sys.stdout, indent=indent))
        sys.stdout.flush()

    def record_unwrapped(self, kind: str, fields: Mapping[str, Any], words: str) -> None:
        """The same for words to copy and paste: their lines are not wrapped."""
        click.echo(as_json(kind, fields) if self.json else words)
        sys.stdout.flush()

    def record_once(self, kind: str, fields: Mapping[str, Any], words: str) -> None:
        """Print what cannot be had again: on standard error if standard output is closed or full, which it raises."""
        try:
            self.record(kind, fields, words)
        except OSError:
            tell(as_json(kind, fields) if self.json else words)
            raise

    def note(self, words: str) -> None:
        """Print something that people should know."""
        tell(as_json("note", {"text": words}) if self.json else wrapped(words, sys.stderr))

    def error(self, fields: Mapping[str, Any], words: str) -> None:
        """Print an error."""
        tell(as_json("error", fields) if self.json else wrapped(words, sys.stderr))


def ask(question: str) -> bool:
    """Ask on the terminal. An empty line means no."""
    return click.confirm(wrapped(question + _ANSWERS, sys.stderr).removesuffix(_ANSWERS), err=True)


def tell(words: str) -> None:
    """Print this on standard error; one that is closed or full changes neither the send nor its exit code."""
    with suppress(OSError):
        click.echo(words, err=True)


def wrapped(words: str, stream: TextIO, *, indent: int | None = None) -> str:
    """The words with lines wrapped to the width of the terminal; unchanged where ``stream`` is none.

    Continuation lines are indented by ``indent``, or by two columns more than the line's beginning.
    """
    width = _terminal_width(stream)
    if width is None:
        return words
    return "\n".join(_wrapped_line(line, width - 1, indent) for line in words.split("\n"))


def _terminal_width(stream: TextIO) -> int | None:
    """The columns of a terminal; None for a narrow one, and for anything else."""
    try:
        columns = os.get_terminal_size(stream.fileno()).columns if stream.isatty() else 0
    except (OSError, ValueError):  # it has no descriptor, or is closed
        return None
    return columns if columns >= _NARROWEST else None


def _wrapped_line(line: str, width: int, indent: int | None) -> str:
    if len(line) <= width:
        return line
    margin = len(line) - len(line.lstrip(" ")) + 2 if indent is None else indent
    return textwrap.fill(
        line,
        width,
        subsequent_indent=" " * margin,
        break_long_words=False,
        break_on_hyphens=False,
        expand_tabs=False,
        replace_whitespace=False,
    )


def as_json(kind: str, fields: Mapping[str, Any]) -> str:
    """One line of JSON; invalid Unicode, which the name of a file may contain, is escaped with backslashes."""
    record = {"type": kind, **fields}
    try:
        return _ENCODER.encode(record).decode()
    except UnicodeEncodeError:
        return _ENCODER.encode(_encodable(record)).decode()


def _encodable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode(errors="backslashreplace").decode()
    if isinstance(value, Mapping):
        return {_encodable(key): _encodable(one) for key, one in cast("Mapping[str, Any]", value).items()}
    if isinstance(value, list | tuple):
        return [_encodable(one) for one in cast("Sequence[Any]", value)]
    return value


def error_fields(error: BaseException, text: str) -> dict[str, Any]:
    """An error for scripts; every key is always present."""
    return {
        "error": type(error).__name__,
        "text": text,
        "exit_code": exit_code(error),
        "provider": getattr(error, "provider", None),
        "code": getattr(error, "code", None),
        "http_status": getattr(error, "http_status", None),
        "message": provider_words(error),
        "details": list(getattr(error, "details", ())),
        "fields": getattr(error, "fields", {}),
    }


def error_words(error: SMSError) -> str:
    """An error for people: what happened, and the provider's own words."""
    return "Error: " + "\n".join(error_lines(error))


def counted(count: int, thing: str) -> str:
    """``1 row``, ``1,000 rows``."""
    return f"{count:,} {thing}" + ("" if count == 1 else "s")


def money(amount: Decimal | int) -> str:
    """``1,000,000,000``, with decimals only where there are any."""
    words = f"{amount:,f}" if isinstance(amount, Decimal) else f"{amount:,}"
    return words.rstrip("0").rstrip(".") if "." in words else words


def ranges(rows: Iterable[int]) -> list[tuple[int, int]]:
    """Row numbers, in ascending order, as (first, last) pairs."""
    found: list[tuple[int, int]] = []
    for row in rows:
        if found and row == found[-1][1] + 1:
            found[-1] = (found[-1][0], row)
        else:
            found.append((row, row))
    return found


def row_words(rows: Iterable[int], most: int | None = None, *, whole: bool = True) -> str:
    """``row 2`` or ``rows 2-101, 205``, as in :func:`range_words`; empty for no rows."""
    words = range_words(rows, most, whole=whole)
    return words and f"{'row' if words.isdecimal() else 'rows'} {words}"


def range_words(rows: Iterable[int], most: int | None = None, *, whole: bool = True) -> str:
    """Row numbers for people: ``2-101, 205``; with dots at the end if there are more, or these are not all."""
    found = ranges(rows)
    shown = [str(first) if first == last else f"{first}-{last}" for first, last in found[:most]]
    return ", ".join(shown) + (" …" if len(shown) < len(found) or not whole else "")
