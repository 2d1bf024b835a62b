"""One message's page: its address, the raw request and answer, and its status set by hand."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from queue import Queue
from typing import TYPE_CHECKING, Any

import pytest

from najva_sms import parse_webhook
from smscore import DeliveryStatus
from smscore.sandbox import Sandbox

if TYPE_CHECKING:
    from playwright.sync_api import Page

TEXT = "سلام! سفارش شما فردا می‌رسد."


@pytest.fixture
def opened(page: Page, send: Callable[..., Any]) -> Page:
    """The page of a message that has been delivered."""
    send("najva", "09120000001", TEXT)
    page.locator(".row").get_by_text("Delivered").wait_for()
    page.locator(".row a").click()
    page.get_by_role("heading", name="0912 000 0001").wait_for()
    return page


def test_a_message_has_an_address_of_its_own(opened: Page, new_page: Callable[..., Page]):
    address = opened.url[opened.url.index("#") :]
    assert address == "#/message/1"
    other = new_page(address)
    assert other.locator(".letter .text").inner_text() == TEXT


def test_the_back_button_leads_to_the_inbox_and_forward_to_the_message(opened: Page):
    opened.go_back()
    opened.get_by_role("article").wait_for(state="hidden")
    opened.go_forward()
    opened.get_by_role("heading", name="0912 000 0001").wait_for()


def test_it_shows_what_is_known_of_the_message(opened: Page, box: Sandbox):
    facts = opened.locator(".facts").inner_text()
    for words in ("1 part, 28 characters", "1,000 Rials", "+989120000001", str(box.messages[0].message_id)):
        assert words in facts


def test_request_and_answer_are_laid_out_with_every_digit_of_an_id(opened: Page, box: Sandbox):
    request = opened.get_by_role("region", name="Request")
    assert "POST /najva/v2/sms/send" in request.inner_text()
    assert f'  "message": "{TEXT}",\n' in request.locator("pre").inner_text()
    answer = opened.get_by_role("region", name="Response")
    assert "HTTP 200" in answer.inner_text()
    assert box.messages[0].message_id > 2**53
    assert f'"messageid": {box.messages[0].message_id},\n' in answer.locator("pre").inner_text()


def test_the_raw_body_is_there_as_it_came(opened: Page):
    request = opened.get_by_role("region", name="Request")
    request.get_by_role("button", name="Raw").click()
    assert "\n" not in request.locator("pre").inner_text().strip()


def test_the_token_is_nowhere_on_the_page(opened: Page):
    opened.get_by_text(re.compile("^[0-9]+ headers$")).click()
    opened.locator(".headers").get_by_text("Content-Type", exact=True).wait_for()
    opened.locator(".headers").get_by_text("application/json").first.wait_for()
    words = opened.get_by_role("article").inner_text()
    assert "token" not in words
    assert "Authorization" not in words


def test_a_status_set_on_the_page_is_what_the_client_reads(
    opened: Page, box: Sandbox, client: Callable[..., Any], apart: Callable[..., Any]
):
    opened.get_by_role("region", name="Set the status").get_by_role("button", name="Blocked").click()
    opened.locator(".row").get_by_text("Blocked").wait_for()
    opened.locator(".message header").get_by_text("Blocked").wait_for()
    (status,) = apart(client("najva").status, [box.messages[0].message_id])
    assert status.status is DeliveryStatus.BLOCKED


@pytest.fixture
def reports() -> Iterator[tuple[str, Queue[bytes]]]:
    """The address of a server on this machine, and the bodies that it was called with."""
    called: Queue[bytes] = Queue()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            called.put(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/report", called
        server.shutdown()
        thread.join()


def test_a_status_set_on_the_page_sends_the_report_whose_address_was_set_there(
    page: Page, send: Callable[..., Any], box: Sandbox, reports: tuple[str, Queue[bytes]]
):
    address, called = reports
    send("najva", "09120000001", TEXT)
    page.locator(".row").get_by_text("Delivered").wait_for()
    page.get_by_role("link", name="Setup").click()
    page.get_by_label("Address").fill(address)
    page.get_by_label("Method").select_option("POST")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Saved").wait_for()
    page.goto(f"{page.url.split('#')[0]}#/message/1")
    page.get_by_role("region", name="Set the status").get_by_role("button", name="Undelivered").click()
    report = parse_webhook(body=called.get(timeout=10))
    assert report.message_id == box.messages[0].message_id
    assert report.status is DeliveryStatus.UNDELIVERED


def test_a_message_that_is_gone_says_so(opened: Page, box: Sandbox):
    box.clear()
    opened.get_by_role("article").get_by_text("This message was cleared.").wait_for()
