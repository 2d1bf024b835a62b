"""The inbox: every message as it comes, found again, counted and cleared."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from recipients import numbers

from smscore.sandbox import Sandbox

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

PERSIAN = "سلام! سفارش شما فردا می‌رسد."


def rows(page: Page) -> Locator:
    return page.locator(".row")


def row(page: Page, words: str) -> Locator:
    return rows(page).filter(has_text=words)


def test_an_empty_inbox_tells_how_a_client_is_pointed_at_it(page: Page, origin: str):
    page.get_by_role("heading", name="Nothing has been sent yet").wait_for()
    page.get_by_role("button", name="Najva SMS", exact=True).last.click()
    shown = page.locator("#empty").inner_text()
    assert f"export NAJVA_BASE_URL={origin}/najva" in shown
    assert "from najva_sms import Najva" in shown


def test_a_message_of_our_client_appears_without_a_reload(page: Page, send: Callable[..., Any]):
    send("sepahan", "09120000001", PERSIAN)
    new = row(page, PERSIAN)
    new.wait_for()
    words = new.inner_text()
    assert "0912 000 0001" in words
    assert "from 50003300 · Sepahan" in words
    assert "1 part · 28 chars" in words
    assert "2,837 Rials" in words


def test_the_newest_message_comes_first(page: Page, send: Callable[..., Any]):
    for provider in ("sepahan", "ippanel", "najva"):
        send(provider, "09120000001", f"از {provider}")
        row(page, f"از {provider}").wait_for()
    assert [text.strip() for text in page.locator(".row .text").all_inner_texts()] == [
        "از najva",
        "از ippanel",
        "از sepahan",
    ]


def test_persian_text_runs_from_right_to_left_and_latin_text_does_not(page: Page, send: Callable[..., Any]):
    send("sepahan", "09120000001", PERSIAN)
    send("sepahan", "09120000001", "Hello")
    shape = "p => [getComputedStyle(p).direction, getComputedStyle(p).unicodeBidi, p.lang]"
    assert row(page, PERSIAN).locator(".text").evaluate(shape) == ["rtl", "plaintext", "fa"]
    assert row(page, "Hello").locator(".text").evaluate(shape) == ["ltr", "plaintext", ""]


def test_a_status_moves_in_the_row_by_itself(page: Page, send: Callable[..., Any]):
    send("najva", "09120000001", PERSIAN)
    status = row(page, PERSIAN).locator(".status")
    status.and_(page.get_by_text("Queued")).wait_for()
    status.and_(page.get_by_text("Delivered")).wait_for()


def test_a_message_that_is_not_due_is_scheduled_until_the_clock_reaches_its_time(
    page: Page, box: Sandbox, client: Callable[..., Any], apart: Callable[..., Any]
):
    due = datetime.now(UTC) + timedelta(hours=2)
    apart(client("ippanel").send, "09120000001", PERSIAN, send_time=due)
    status = row(page, PERSIAN).locator(".status")
    status.and_(page.get_by_text("Scheduled")).wait_for()
    page.evaluate(RECORD_STATUSES)
    box.advance((due - datetime.now(UTC)).total_seconds())
    status.and_(page.get_by_text("Delivered")).wait_for()
    assert page.evaluate("window.statuses") == ["Sent 0", "Sent 1", "Delivered 2"]


def test_a_scheduled_message_says_when_it_is_to_go_out_and_that_it_was_cancelled(
    page: Page, client: Callable[..., Any], apart: Callable[..., Any]
):
    due = datetime.now(UTC) + timedelta(hours=2)
    [message_id] = apart(client("ippanel").send, "09120000001", PERSIAN, send_time=due).message_ids
    row(page, PERSIAN).locator("a").click()
    assert "Scheduled for" in page.locator("dl.facts").inner_text()
    apart(client("ippanel").cancel, message_id)
    page.locator("header .status").and_(page.get_by_text("Cancelled")).wait_for()


# Every status that the only row has from now on, with its code.
RECORD_STATUSES = """() => {
  window.statuses = [];
  const status = document.querySelector(".row .status");
  const observer = new MutationObserver(() => window.statuses.push(`${status.textContent} ${parseInt(status.title)}`));
  observer.observe(status, { childList: true });
}"""


def test_markup_in_a_message_stays_text(page: Page, send: Callable[..., Any]):
    evil = "<script>document.title='x'</script><img src=x onerror=alert(1)>"
    send("sepahan", "09120000001", evil)
    assert row(page, "<script>").locator(".text").inner_text() == evil
    row(page, "<script>").get_by_role("link").click()
    assert page.locator(".letter .text").inner_text() == evil
    assert page.title() != "x"
    assert page.locator("#main script, #main .text img").count() == 0


def test_the_code_of_a_message_is_one_click_away(page: Page, send: Callable[..., Any]):
    send("sepahan", "09120000001", "کد ورود شما: ۴۸۲۹۱۳")
    page.get_by_role("button", name="Copy the code 482913").click()
    page.get_by_text("Copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == "482913"


@pytest.mark.parametrize("text", ["مبلغ: ۱۲۵۰۰۰ ریال", "تلفن ۰۲۱۹۱۰۰۰۰۰۰", "کد YALDA تا ۱۴۰۵/۰۹/۰۱"])
def test_a_price_a_telephone_number_or_a_date_is_not_a_code(page: Page, send: Callable[..., Any], text: str):
    send("sepahan", "09120000001", text)
    assert row(page, text).locator(".code").count() == 0


# Finding


@pytest.fixture
def mixed(page: Page, send: Callable[..., Any], box: Sandbox) -> Page:
    send("sepahan", "09120000001", "نوبت شما فرداست")
    send("ippanel", "09350000002", "قبض شما صادر شد")
    send("najva", "09190000003", "نوبت شما لغو شد")
    box.settle("sepahan", box.messages[0].message_id, 5)
    page.get_by_text("3 messages").wait_for()
    return page


NEXT_FRAME = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


def found(page: Page, count: int) -> list[str]:
    page.locator("#count").get_by_text(f"{count} of 3").wait_for()
    page.evaluate(NEXT_FRAME)
    return [text.strip() for text in page.locator(".row .text").all_inner_texts()]


def test_messages_are_found_by_their_text(mixed: Page):
    mixed.get_by_label("Search in texts").fill("نوبت")
    assert found(mixed, 2) == ["نوبت شما لغو شد", "نوبت شما فرداست"]


@pytest.mark.parametrize(
    "given",
    ["09350000002", "0935 000 0002", "+989350000002", "۰۹۳۵۰۰۰۰۰۰۲", "50000002", "0935 000", "۰۹۳۵", "935"],
)
def test_messages_are_found_by_a_number_in_any_spelling(mixed: Page, given: str):
    mixed.get_by_label("Search by number").fill(given)
    assert found(mixed, 1) == ["قبض شما صادر شد"]


def test_messages_are_filtered_by_provider_and_status(mixed: Page):
    mixed.get_by_role("group", name="Provider").get_by_role("button", name="Sepahan").click()
    assert found(mixed, 1) == ["نوبت شما فرداست"]
    mixed.get_by_label("Status").select_option("Delivered")
    mixed.get_by_text("No message matches.").wait_for()
    mixed.get_by_label("Status").select_option("Blocked")
    assert found(mixed, 1) == ["نوبت شما فرداست"]


@pytest.mark.parametrize(("label", "most"), [("Search in texts", 200), ("Search by number", 100)])
def test_a_search_takes_no_more_letters_than_the_sandbox_looks_for(mixed: Page, label: str, most: int):
    mixed.get_by_label(label).focus()
    mixed.keyboard.insert_text("ن" * 300)
    assert len(mixed.get_by_label(label).input_value()) == most
    mixed.get_by_text("No message matches.").wait_for()


def test_a_filter_also_holds_for_new_messages(mixed: Page, send: Callable[..., Any]):
    mixed.get_by_label("Search in texts").fill("نوبت")
    found(mixed, 2)
    send("sepahan", "09120000001", "چیز دیگر")
    send("sepahan", "09120000001", "نوبت تازه")
    row(mixed, "نوبت تازه").wait_for()
    assert rows(mixed).count() == 3
    assert row(mixed, "چیز دیگر").count() == 0


def test_nothing_found_offers_to_show_all(mixed: Page):
    mixed.get_by_label("Search in texts").fill("هیچ‌کجا نیست")
    mixed.get_by_role("button", name="Show all").click()
    mixed.get_by_text("3 messages").wait_for()
    rows(mixed).nth(2).wait_for()


# Clearing


def test_clearing_asks_first(mixed: Page, box: Sandbox):
    mixed.get_by_role("button", name="Clear").click()
    mixed.get_by_role("button", name="Keep them").click()
    assert len(box.messages) == 3
    mixed.get_by_role("button", name="Clear").click()
    mixed.get_by_role("dialog").get_by_role("button", name="Clear all").click()
    mixed.get_by_role("heading", name="Nothing has been sent yet").wait_for()
    assert box.messages == []
    assert rows(mixed).count() == 0


def test_messages_that_come_after_clearing_are_shown(mixed: Page, box: Sandbox, send: Callable[..., Any]):
    box.clear()
    mixed.get_by_role("heading", name="Nothing has been sent yet").wait_for()
    send("sepahan", "09120000001", "از نو")
    row(mixed, "از نو").wait_for()
    assert rows(mixed).count() == 1


# Keys


def test_keys_search_move_open_and_close(mixed: Page):
    mixed.keyboard.press("j")
    mixed.keyboard.press("j")
    mixed.keyboard.press("Enter")
    mixed.get_by_role("heading", name="0935 000 0002").wait_for()
    mixed.keyboard.press("k")
    mixed.get_by_role("heading", name="0919 000 0003").wait_for()
    mixed.keyboard.press("Escape")
    mixed.get_by_role("article").wait_for(state="hidden")
    mixed.keyboard.press("/")
    mixed.keyboard.type("قبض")
    assert found(mixed, 1) == ["قبض شما صادر شد"]
    mixed.keyboard.press("Escape")
    mixed.get_by_text("3 messages").wait_for()
    assert mixed.get_by_label("Search in texts").input_value() == ""


def test_the_arrow_keys_move_the_selection(mixed: Page):
    focused = mixed.locator(".row:has(a:focus)")
    seen = []
    for key in ("ArrowDown", "ArrowDown", "ArrowDown", "ArrowUp"):
        mixed.keyboard.press(key)
        seen.append(focused.get_attribute("data-seq"))
    assert seen == ["3", "2", "1", "2"]
    mixed.keyboard.press("Enter")
    mixed.get_by_role("article").wait_for()
    assert mixed.url.endswith("#/message/2")
    mixed.keyboard.press("ArrowDown")
    mixed.wait_for_url("**/#/message/1")


def test_the_arrow_keys_stay_with_a_field(mixed: Page):
    mixed.get_by_label("Status").focus()
    mixed.keyboard.press("ArrowDown")
    assert mixed.locator(".row:has(a:focus)").count() == 0


@pytest.mark.parametrize("place", ["", "#/phones", "#/requests", "#/faults", "#/setup"])
def test_a_question_mark_lists_the_keys(new_page: Callable[..., Page], place: str):
    page = new_page(place)
    page.keyboard.press("?")
    keys = page.get_by_role("dialog", name="Keys")
    keys.wait_for()
    assert keys.locator("kbd").all_inner_texts() == ["/", "↓", "↑", "Enter", "Esc", "?"]
    page.keyboard.press("Escape")
    keys.wait_for(state="hidden")


def test_a_question_mark_in_a_search_is_one(page: Page):
    page.get_by_label("Search in texts").fill("کجا")
    page.get_by_label("Search in texts").press("?")
    assert page.get_by_role("dialog").count() == 0
    assert page.get_by_label("Search in texts").input_value() == "کجا?"


# Many


def test_ten_thousand_messages_are_a_few_rows_and_scrolling_reaches_older_ones(page: Page, send: Callable[..., Any]):
    send("najva", numbers(10_000), PERSIAN)
    page.get_by_text("10,000 messages").wait_for()
    row(page, "0912 000 9999").wait_for()
    for _ in range(8):
        page.locator("#list").evaluate("list => list.scrollTo(0, list.scrollHeight)")
        page.wait_for_timeout(150)
    assert rows(page).count() < 40
    first = page.locator(".row a").first.inner_text().replace(" ", "")
    assert int(first[-5:]) < 9_000
    shown = rows(page).evaluate_all("rows => rows.map(row => Number(row.dataset.seq))")
    assert shown == list(range(shown[0], shown[0] - len(shown), -1))


def test_a_reader_further_down_is_told_of_new_messages_and_not_moved(page: Page, send: Callable[..., Any]):
    send("najva", numbers(1_000), PERSIAN)
    page.get_by_text("1,000 messages").wait_for()
    page.locator("#list").evaluate("list => list.scrollTo(0, 3000)")
    page.wait_for_timeout(200)
    before = page.locator(".row a").all_inner_texts()
    send("najva", numbers(3, 2_000), "تازه")
    pill = page.get_by_role("button", name="3 new messages")
    pill.wait_for()
    assert page.locator(".row a").all_inner_texts() == before
    pill.click()
    row(page, "تازه").nth(2).wait_for()
    assert page.locator("#list").evaluate("list => list.scrollTop") == 0
    assert pill.is_hidden()


def test_a_page_that_was_away_catches_up(page: Page, box: Sandbox, send: Callable[..., Any], allowed: list[str]):
    allowed.append("net::ERR_")
    send("sepahan", "09120000001", "پیش از وقفه")
    row(page, "پیش از وقفه").wait_for()
    port = int(box.url("sepahan").split(":")[2].split("/")[0])
    box.__exit__(None, None, None)
    page.get_by_text("Reconnecting").wait_for()
    with Sandbox(port):
        send("sepahan", "09120000001", "در میان وقفه")
        row(page, "در میان وقفه").wait_for()
        page.get_by_text("Live", exact=True).wait_for()
        assert rows(page).count() == 1


MEASURE = """() => {
  window.gaps = []; let last = performance.now();
  const frame = (now) => { window.gaps.push(now - last); last = now; requestAnimationFrame(frame); };
  requestAnimationFrame(frame);
}"""


def test_a_thousand_messages_a_second_leave_the_page_usable(
    page: Page, client: Callable[..., Any], capsys: pytest.CaptureFixture[str]
):
    """For five seconds, in which a message is opened and closed, and a text is searched."""
    stream = _Stream(client("najva"))
    page.evaluate(MEASURE)
    stream.start()
    page.get_by_text(re.compile("^1,[0-9]{3} messages$")).wait_for()
    page.locator(".row a").nth(3).click()
    page.get_by_role("button", name="Delivered 10").wait_for()
    page.keyboard.press("Escape")
    page.get_by_label("Search in texts").fill("شماره 17")
    page.locator("#count").get_by_text(" of ").wait_for()
    page.get_by_label("Search in texts").fill("")
    sent, seconds = stream.stop()
    page.get_by_text(f"{sent:,} messages").wait_for()
    gaps = sorted(page.evaluate("window.gaps"))
    median = gaps[len(gaps) // 2]
    with capsys.disabled():
        print(f"\n{sent / seconds:.0f} messages/s; a frame took {median:.0f} ms (median), {gaps[-1]:.0f} ms at most")
    assert sent / seconds > 500
    assert median < 50
    assert gaps[-1] < 1_000
    assert rows(page).count() < 40


class _Stream:
    """100 messages every tenth of a second, in a thread of its own, for five seconds."""

    def __init__(self, client: Any) -> None:
        self._pool = ThreadPoolExecutor(1)
        self._client = client

    def start(self) -> None:
        self._running = self._pool.submit(self._run)

    def stop(self) -> tuple[int, float]:
        with self._pool:
            return self._running.result()

    def _run(self) -> tuple[int, float]:
        began = time.monotonic()
        for turn in range(50):
            self._client.send(numbers(100, turn * 100), f"پیام شماره {turn}")
            time.sleep(max(0.0, began + (turn + 1) / 10 - time.monotonic()))
        return 5_000, time.monotonic() - began
