"""What ``payamak doctor`` is told about Kabutar."""

from __future__ import annotations

from typing import Final

from smscore.wire import Doctor

DOCTOR: Final = Doctor(
    advice={
        1: ("token", "Copy the API key again from Kabutar's panel, and set KABUTAR_TOKEN."),
        3: ("credit", "Top up the account at kabutar.example."),
    }
)
