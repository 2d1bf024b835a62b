"""Helpers for the tests of a project that sends: assertions, and the sandbox of this test run."""

from __future__ import annotations

from functools import cache
from typing import Any

from smscore.contrib.django.recording import SentMessage, outbox, uncommitted
from smscore.numbers import Recipient
from smscore.sandbox import Sandbox

__all__ = ["SMSAssertions", "sandbox", "sandbox_options"]


class SMSAssertions:
    """Assertions for a Django ``TestCase``, over ``smscore.contrib.django.outbox``."""

    def assertSMSSent(  # noqa: N802  # as Django's and unittest's are named
        self, to: Recipient | None = None, *, text: str | None = None, count: int | None = None, **expected: Any
    ) -> list[SentMessage]:
        """The messages sent to a number (None: to anybody) whose text contains ``text``.

        ``count`` is how many there must be (None: at least one). Further arguments are attributes of ``SentMessage``
        and their values, such as ``account="codes"``. Raises ``AssertionError``, which shows no number and no text.
        """
        found = outbox.find(to, text=text, **expected)
        if (not found) if count is None else len(found) != count:
            wanted = "at least one message" if count is None else f"{count} messages"
            raise AssertionError(f"Expected {wanted} that match, found {len(found)} among {len(outbox)} sent.{_hint()}")
        return found

    def assertNoSMSSent(self, to: Recipient | None = None, **expected: Any) -> None:  # noqa: N802  # likewise
        """Raise ``AssertionError`` if a message was sent (to this number)."""
        found = outbox.find(to, **expected)
        if found:
            raise AssertionError(
                f"Expected no message, found {len(found)}: by {found[0].method} of {found[0].account}."
            )


def _hint() -> str:
    waiting = uncommitted()
    if not waiting:
        return ""
    return (
        f" {waiting} enqueued in this test's transaction, which has not committed: enqueue inside "
        "captureOnCommitCallbacks(execute=True)."
    )


@cache
def sandbox() -> Sandbox:
    """The sandbox that accounts send to under ``PAYAMAK_TEST_BACKEND = "sandbox"``: one for the process, started here.

    Accounts with a ``base_url`` of their own send there.
    """
    box = Sandbox(port=0)
    box.__enter__()  # its thread ends with the process
    return box


def sandbox_options(provider: str) -> dict[str, Any]:
    """The options by which a client of this provider sends to the sandbox."""
    return {"token": "sandbox", "base_url": sandbox().url(provider)}
