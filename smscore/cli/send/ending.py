"""How a run of a send ends: its results are written, its summary is printed, and what failed is raised."""

from __future__ import annotations

import signal
import sqlite3

from smscore.cli import exit_codes
from smscore.cli.output import Output
from smscore.cli.results_file import write_results
from smscore.cli.send.options import SendOptions
from smscore.cli.send.results import open_rows, result_rows
from smscore.cli.send.sending import Sending
from smscore.cli.send.summary import summary_code, summary_fields, summary_words
from smscore.cli.signals import SIGNALS
from smscore.recipients.plan import Plan


def sum_up(sending: Sending, plan: Plan, given: SendOptions, output: Output) -> int:
    """Write the results, print the summary, and return the exit code. Raises what kept the run from its end."""
    failure = sending.failure
    is_refused = failure is not None and not _is_of_disk(failure)
    sending.finish()
    if not is_refused or sending.queue.dispatched:
        _write(sending, plan)
    if failure is not None and is_refused:
        _note_unwritten(sending, given, output)
        raise failure
    words = summary_words(sending, plan, given.out.name if given.out else None)
    fields = summary_fields(sending, plan) | {"results": str(given.out) if given.out else None}
    code = summary_code(sending, plan)
    if SIGNALS.number is not None or sending.abandoned:
        code = exit_codes.SIGNALLED + (SIGNALS.number or signal.SIGINT)
    try:
        output.record("summary", fields | {"unwritten": sending.unwritten, "exit_code": code}, words)
    except OSError:
        output.note(words)  # standard output is closed, or its disk is full
        raise
    if sending.sink_error is not None:
        raise sending.sink_error
    if failure is not None:
        _note_unwritten(sending, given, output)
        raise _stopped(failure, sending, given)
    if sending.export_error is not None:
        raise _not_written(sending.export_error, given)
    return code


def _note_unwritten(sending: Sending, given: SendOptions, output: Output) -> None:
    """Say that there are no results, where another error is raised."""
    if sending.export_error is not None:
        problem = _not_written(sending.export_error, given)
        output.note(f"WARNING: {getattr(problem, 'strerror', None) or type(problem).__name__}.")


def _write(sending: Sending, plan: Plan) -> None:
    """Write the results, or print those that have not been. Whatever prevents it, the summary comes first."""
    queue, reason = sending.queue, sending.reason
    try:
        if queue.results is not None:
            write_results(queue.results, result_rows(queue, plan, reason), queue.mark)
        elif sending.sink is not None:
            sending.show(open_rows(queue, reason))
    except Exception as error:
        sending.export_error = error


def _is_of_disk(error: Exception) -> bool:
    return isinstance(error, (OSError, sqlite3.Error))


def _stopped(error: Exception, sending: Sending, given: SendOptions) -> OSError:
    words = f"{getattr(error, 'strerror', None) or error}, so the send was stopped"
    if sending.unwritten:
        words += f". The outcomes of {sending.unwritten:,} recipients were lost: a resume finds them in progress"
    return OSError(getattr(error, "errno", None), words, str(given.out))


def _not_written(error: Exception, given: SendOptions) -> Exception:
    if not _is_of_disk(error):
        return error
    words = f"{getattr(error, 'strerror', None) or error}, so the results were not "
    words += "all printed" if given.out is None else "written. They are in the queue file: --resume writes them"
    return OSError(getattr(error, "errno", None), words, given.out and str(given.out))
