"""What a send tells and asks before it begins or resumes."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Final

import click

from smscore.cli.output import Output, ask, counted, row_words
from smscore.cli.send.options import SendOptions
from smscore.cli.send.queue_file import QueueFile
from smscore.errors import InvalidRequest
from smscore.outcomes import Outcome

_ASK_ABOVE: Final = 100  # messages


class Declined(click.ClickException):
    """The answer to a question was no."""

    def __init__(self) -> None:
        super().__init__("Nothing was sent.")


def confirm(given: SendOptions, count: int) -> None:
    """Ask before many messages; ``InvalidRequest`` where nobody can be asked, ``Declined`` for a no."""
    ask_before(count, yes=given.yes)


def ask_before(count: int, *, yes: bool) -> None:
    """Ask before so many messages, unless the answer is ``yes``; raises as :func:`confirm` does."""
    if count <= _ASK_ABOVE or yes:
        return
    if not sys.stdin.isatty():
        raise InvalidRequest(
            f"{count:,} messages need a confirmation (more than {_ASK_ABOVE}), and there is no terminal to ask on. "
            "Give --yes."
        )
    if not ask(f"Send {counted(count, 'message')}?"):
        raise Declined


def note_resumed(output: Output, given: SendOptions, queue: QueueFile, to_send: int) -> None:
    """Tell what an earlier run left, and what is left to send."""
    states = queue.states
    counts = states.counts()
    rows = [*states.unknown]
    output.note(f"Resuming: {counts[Outcome.ACCEPTED.value]:,} accepted earlier, {to_send:,} to send.")
    if given.restored:
        output.note(f"Options of the earlier run: {', '.join(given.restored)}.")
    if not queue.is_witnessed:
        output.note(
            "WARNING: this machine has no record of this send. If it was resumed elsewhere after its files were "
            "copied, stop now and resume the newest files: with these, recipients since then get the message twice."
        )
    repeated = row_words(states.in_progress)
    if repeated:
        output.note(
            f"In progress when the earlier run ended: {repeated}. Their requests are repeated with their request ids, "
            "by which nobody gets the message twice."
        )
    if rows:
        name = given.out.name if given.out else ""
        output.note(
            f"{len(rows):,} unknown, not sent again: {row_words(rows)}. They may have been sent; {name} lists them."
        )


def ask_about_changes(output: Output, given: SendOptions, changed: Sequence[str], count: int) -> None:
    """Ask before a resume that would use other options than the send was begun with."""
    if not changed or not count:
        return
    words = f"The remaining messages would go out with a different {' and a different '.join(changed)}."
    if given.yes:
        output.note(words)
    elif not sys.stdin.isatty():
        raise InvalidRequest(f"{words} Give the same as before, or --yes if this is intended.")
    elif not ask(f"{words} Continue?"):
        raise Declined
