"""Faults set on the page meet the next calls; the clock moves; the settings are shown."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from smscore import RetryPolicy, SMSError

if TYPE_CHECKING:
    from playwright.sync_api import Page

TEXT = "سلام"


@pytest.fixture
def faults(new_page: Callable[..., Page]) -> Page:
    page = new_page("#/faults")
    page.get_by_role("heading", name="Set a fault").wait_for()
    return page


@pytest.fixture
def outcome(client: Callable[..., Any], apart: Callable[..., Any]) -> Callable[[str], str]:
    """``outcome("najva")``: what one send, without a repeat, came to."""

    def give(provider: str) -> str:
        try:
            apart(client(provider, retry=RetryPolicy.none(), timeout=2.0).send, "09120000001", TEXT)
        except SMSError as error:
            return type(error).__name__
        return "accepted"

    return give
