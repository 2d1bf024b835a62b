"""What ``payamak doctor`` is told about Najva: what its refusals of a test message mean."""

from __future__ import annotations

from typing import Final

from smscore.wire import Doctor

__all__ = ["DOCTOR"]

_TOKEN: Final = ("token", "Copy the token again from Najva's panel, and set NAJVA_TOKEN.")

DOCTOR: Final = Doctor(
    advice={
        400: ("line", "Najva does not say what is wrong. In a test message it can only be the line: set NAJVA_SENDER."),
        401: _TOKEN,
        403: _TOKEN,
        418: ("credit", "Top up the account in Najva's panel."),
    }
)
