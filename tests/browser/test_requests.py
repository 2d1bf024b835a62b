"""Requests that failed, and messages whose answer was lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from smscore import RetryPolicy, SMSError
from smscore.sandbox import Sandbox

if TYPE_CHECKING:
    from playwright.sync_api import Page

Send = Callable[[str], None]


@pytest.fixture
def try_to_send(client: Callable[..., Any], apart: Callable[..., Any]) -> Send:
    """Send through Najva once, whatever comes of it."""
    najva = client("najva", retry=RetryPolicy.none())

    def give(number: str = "09120000001") -> None:
        try:
            apart(najva.send, number, "سفارش ۷۷۴۱۲ ثبت شد")
        except SMSError:
            return

    return give


def test_a_fault_that_answers_500_is_shown_with_its_request(page: Page, box: Sandbox, try_to_send: Send):
    box.fail("server_error", times=1)
    try_to_send("09120000001")
    page.locator("#request-count").get_by_text("1", exact=True).wait_for()
    page.get_by_role("link", name="Failed").click()
    failed = page.locator("#failed > li")
    failed.get_by_text("HTTP 500").first.wait_for()
    assert "fault: server error" in failed.inner_text()
    assert "nothing accepted" in failed.inner_text()
    failed.locator("summary").first.click()
    assert '"sender": "90000123"' in failed.get_by_role("region", name="Request", exact=True).inner_text()


def test_a_failed_request_comes_into_the_open_list_and_what_is_open_stays_open(
    new_page: Callable[..., Page], try_to_send: Send
):
    page = new_page("#/requests")
    page.get_by_text("No request failed").wait_for()
    try_to_send("09990000008")
    page.locator("#failed summary").first.click()
    page.get_by_role("region", name="Request", exact=True).wait_for()
    try_to_send("09990000009")
    page.locator("#failed > li").nth(1).wait_for()
    assert page.get_by_role("region", name="Request", exact=True).count() == 1


@pytest.mark.parametrize(
    ("number", "mark", "words"),
    [
        ("09990000011", "No response", "No response: connection closed"),
        ("09990000013", "Half a response", "HTTP 200, cut in half"),
    ],
)
def test_a_message_whose_answer_was_lost_is_marked(page: Page, try_to_send: Send, number: str, mark: str, words: str):
    try_to_send("09120000001")
    try_to_send(number)
    page.locator(".row").nth(1).wait_for()
    assert page.locator(".row").first.locator(".lost").inner_text() == mark
    assert page.locator(".row").nth(1).locator(".lost").count() == 0
    page.locator(".row a").first.click()
    answer = page.get_by_role("region", name="Response")
    answer.wait_for()
    assert words in answer.inner_text()
    assert "null" not in answer.inner_text()


def test_an_order_number_has_no_code_chip(page: Page, try_to_send: Send):
    try_to_send("09120000001")
    page.locator(".row").wait_for()
    assert page.locator(".row .code").count() == 0
