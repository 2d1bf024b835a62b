"""The phones: conversations by number, the latest code, and what people answer."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from smscore.numbers import e164, local_form, with_ascii_digits, without_separators
from smscore.sandbox import Sandbox

if TYPE_CHECKING:
    from playwright.sync_api import Page

PHONE = "#/phones/%2B989120000001"


def bubbles(page: Page) -> list[str]:
    return [text.strip() for text in page.locator(".bubble .text").all_inner_texts()]


@pytest.fixture
def phone(new_page: Callable[..., Page], send: Callable[..., Any]) -> Page:
    """The phone 0912 000 0001, with a code from Sepahan and a reminder from Najva; another phone has a message too."""
    send("sepahan", "09120000001", "کد ورود شما: ۴۸۲۹۱۳")
    send("ippanel", "09350000002", "قبض شما صادر شد")
    send("najva", "09120000001", "نوبت شما فرداست")
    page = new_page(PHONE)
    page.locator(".bubble").nth(1).wait_for()
    return page


def test_a_phone_shows_what_was_sent_to_it_oldest_first(phone: Page):
    assert bubbles(phone) == ["کد ورود شما: ۴۸۲۹۱۳", "نوبت شما فرداست"]


def test_the_numbers_are_listed_and_lead_to_their_phones(phone: Page):
    numbers = phone.get_by_role("list", name="Numbers")
    assert numbers.get_by_role("listitem").count() == 2
    numbers.get_by_text("0935 000 0002").click()
    phone.get_by_role("heading", name="0935 000 0002").wait_for()
    phone.get_by_text("قبض شما صادر شد").last.wait_for()
    assert bubbles(phone) == ["قبض شما صادر شد"]


def test_a_number_is_found_or_opened_by_typing_it(phone: Page):
    field = phone.get_by_label("Find or open a number")
    field.fill("0935")
    phone.get_by_role("list", name="Numbers").get_by_text("0912 000 0001").wait_for(state="hidden")
    field.fill("۰۹۹۰۰۰۰۰۰۰۹")
    field.press("Enter")
    phone.get_by_role("heading", name="0990 000 0009").wait_for()
    assert bubbles(phone) == []


@pytest.mark.parametrize(
    "given", ["0935 000", "۰۹۳۵", "935", "+98 935", "0098935", "(0935) 000-0002", "350000", "tel:+98-935"]
)
def test_a_number_is_found_by_a_piece_in_any_spelling(phone: Page, given: str):
    numbers = phone.get_by_role("list", name="Numbers")
    phone.get_by_label("Find or open a number").fill(given)
    numbers.get_by_text("0912 000 0001").wait_for(state="hidden")
    assert numbers.get_by_text("0935 000 0002").is_visible()


SPELLED = [
    "+98 (0) 912 345 6789",
    "+98 (0912) 345 6789",
    "+98 0 912 345 6789",
    "0912.345.6789",
    "0912.3456789",
    "0.9123456789",
    "tel:+98-912-345-6789",
    "०९१२३४५६७८९",
    "𝟎𝟗𝟏𝟐𝟑𝟒𝟓𝟔𝟕𝟖𝟗",
    "²9123456789",
    "\u31640912\u28003456789\ufe0f",
    "\uff0b98[912]3456789",
    "+7 912 345 6789",
    "۰۹۱۲ ۳۴۵",
]


def test_the_page_reads_numbers_as_the_server_does(phone: Page):
    script = """async (texts) => {
      const { asciiDigits, e164, plainNumber } = await import("/static/numbers.js");
      return texts.map((text) => [e164(text), asciiDigits(text), plainNumber(text)]);
    }"""
    expected = [
        [(local := local_form(text)) and e164(local), with_ascii_digits(text), without_separators(text)]
        for text in SPELLED
    ]
    assert phone.evaluate(script, SPELLED) == expected


def test_a_leading_zero_is_the_start_of_a_number(phone: Page):
    phone.get_by_label("Find or open a number").fill("0500")
    phone.get_by_text("Press Enter to open this number.").wait_for()


def test_older_numbers_than_those_listed_are_found_by_searching(
    new_page: Callable[..., Page], send: Callable[..., Any]
):
    send("najva", [f"0912{index:07}" for index in range(300)], "نوبت شما فرداست")
    page = new_page("#/phones")
    page.get_by_text("The latest 200 numbers: search for others.").wait_for()
    oldest = page.get_by_role("list", name="Numbers").get_by_text("0912 000 0000")
    assert oldest.count() == 0
    page.get_by_label("Find or open a number").fill("0912 000 0000")
    oldest.wait_for()


def test_a_search_says_that_it_looked_at_the_latest_numbers_only(
    new_page: Callable[..., Page], send: Callable[..., Any]
):
    send("najva", [f"0912{index:07}" for index in range(1_001)], "نوبت شما فرداست")
    page = new_page("#/phones")
    page.get_by_label("Find or open a number").fill("09120000000")
    page.get_by_text("Only the latest 1,000 numbers were searched. Press Enter to open another.").wait_for()
    page.keyboard.press("Enter")
    page.locator(".bubble").wait_for()


@pytest.mark.parametrize("place", ["#/phones/%", "#/phones/%E0%A4", "#/phones/" + "9" * 101])
def test_an_address_that_names_no_number_leads_to_the_list(phone: Page, new_page: Callable[..., Page], place: str):
    page = new_page(place)
    page.get_by_text("There is no number in this address: choose one here.").wait_for()
    page.get_by_role("list", name="Numbers").get_by_text("0912 000 0001").wait_for()


def test_an_address_may_spell_the_number_as_people_do(new_page: Callable[..., Page], send: Callable[..., Any]):
    page = new_page("#/phones/09120000001")
    page.get_by_role("heading", name="0912 000 0001").wait_for()
    send("sepahan", "09120000001", "پیام تازه")
    page.locator(".bubble").filter(has_text="پیام تازه").wait_for()


def test_a_message_comes_onto_the_open_phone_by_itself(phone: Page, send: Callable[..., Any]):
    send("ippanel", "09120000001", "پیام تازه")
    phone.locator(".bubble").nth(2).wait_for()
    assert bubbles(phone)[-1] == "پیام تازه"


def test_the_latest_code_of_the_phone_is_copied_by_one_click(phone: Page, send: Callable[..., Any]):
    send("sepahan", "09120000001", "رمز یکبار مصرف: 739204")
    phone.locator(".latest").get_by_role("button", name="Copy the code 739204").click()
    phone.get_by_text("Copied").wait_for()
    assert phone.evaluate("navigator.clipboard.readText()") == "739204"


def test_what_the_phone_writes_is_what_sepahan_receives(
    phone: Page, client: Callable[..., Any], apart: Callable[..., Any]
):
    phone.get_by_role("form").get_by_label("Provider").select_option("Sepahan Gostar")
    assert phone.get_by_role("form").get_by_label("Line", exact=True).input_value() == "50003300"
    phone.get_by_role("textbox", name="Text", exact=True).fill("لغو")
    phone.get_by_role("textbox", name="Text", exact=True).press("Enter")
    phone.locator(".bubble.mine").wait_for()
    assert bubbles(phone)[-1] == "لغو"
    (message,) = apart(client("sepahan").receive)
    assert (message.number, message.text) == ("50003300", "لغو")
    assert message.sender.endswith("9120000001")


def test_markup_in_an_answer_stays_text(phone: Page):
    phone.get_by_role("textbox", name="Text", exact=True).fill("<b>سلام</b>")
    phone.get_by_role("button", name="Send to the line").click()
    phone.locator(".bubble.mine").wait_for()
    assert bubbles(phone)[-1] == "<b>سلام</b>"


def test_a_message_from_a_phone_is_in_the_inbox_as_received(phone: Page):
    phone.get_by_role("textbox", name="Text", exact=True).fill("بله")
    phone.get_by_role("textbox", name="Text", exact=True).press("Enter")
    phone.locator(".bubble.mine").wait_for()
    phone.get_by_role("link", name="Inbox").first.click()
    phone.get_by_label("Status").select_option("Received")
    phone.locator("#count").get_by_text("1 of 4").wait_for()
    assert "0912 000 0001" in phone.locator(".row").inner_text()


def line(page: Page) -> tuple[str, str]:
    """The provider and the line that an answer goes to."""
    form = page.get_by_role("form")
    chosen = form.get_by_label("Provider").locator("option:checked").inner_text()
    return chosen, form.get_by_label("Line", exact=True).input_value()


VOICE = {"sending_type": "votp", "message": "45852", "params": {"recipients": ["+989120000001"]}}


@pytest.fixture
def call(box: Sandbox) -> Callable[[], None]:
    """Let IPPanel call 0912 000 0001 and speak a code."""

    def give() -> None:
        url = box.url("ippanel") + "/api/send"
        request = urllib.request.Request(url, json.dumps(VOICE).encode(), {"Authorization": "token"})
        urllib.request.urlopen(request, timeout=20).close()

    return give


def test_an_answer_goes_to_the_line_that_wrote_last(phone: Page):
    assert line(phone) == ("Najva SMS", "90000123")


def test_an_answer_never_goes_to_the_line_of_a_voice_call(phone: Page, call: Callable[[], None]):
    call()
    phone.locator(".bubble").nth(2).wait_for()
    phone.reload()
    phone.locator(".bubble").nth(2).wait_for()
    assert line(phone) == ("Najva SMS", "90000123")


def test_where_only_a_voice_call_came_the_answer_goes_to_a_line_of_that_provider(
    new_page: Callable[..., Page], call: Callable[[], None]
):
    call()
    page = new_page(PHONE)
    page.locator(".bubble").wait_for()
    assert line(page) == ("IPPanel Edge", "+983000505")


def test_the_line_follows_a_message_that_comes_until_it_is_chosen_by_hand(
    new_page: Callable[..., Page], send: Callable[..., Any]
):
    page = new_page(PHONE)
    page.get_by_role("textbox", name="Text", exact=True).wait_for()
    send("sepahan", "09120000001", "سلام")
    page.locator(".bubble").wait_for()
    assert line(page) == ("Sepahan Gostar", "50003300")
    page.get_by_role("form").get_by_label("Line", exact=True).fill("50009900")
    send("najva", "09120000001", "سلام")
    page.locator(".bubble").nth(1).wait_for()
    assert line(page) == ("Sepahan Gostar", "50009900")
