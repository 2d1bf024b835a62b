"""Faults set on the page meet the next calls; the clock moves; the settings are shown."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from smscore import RetryPolicy, SMSError
from smscore.sandbox import Sandbox

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

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


def choose(page: Page, kind: str, **fields: str) -> None:
    page.get_by_label("What happens", exact=True).select_option(kind)
    for label, value in fields.items():
        field = page.get_by_role("form", name="Set a fault").get_by_label(label.replace("_", " "), exact=True)
        if field.evaluate("field => field.tagName") == "SELECT":
            field.select_option(value)
        else:
            field.fill(value)
    page.get_by_role("button", name="Set the fault").click()


def active(page: Page) -> Locator:
    return page.get_by_role("region", name="Active faults")


def test_a_fault_set_on_the_page_hits_the_next_send_and_is_used_up(faults: Page, outcome: Callable[[str], str]):
    choose(faults, "server_error", Provider="Sepahan Gostar")
    active(faults).get_by_text("1 call left").wait_for()
    assert outcome("sepahan") != "accepted"
    active(faults).get_by_text("No fault is set").wait_for()
    assert outcome("sepahan") == "accepted"


def test_a_fault_of_one_provider_leaves_the_others_alone(faults: Page, outcome: Callable[[str], str]):
    choose(faults, "no_credit", Provider="Najva SMS", How_long="until cleared")
    active(faults).get_by_text("until cleared").wait_for()
    assert outcome("sepahan") == "accepted"
    assert outcome("najva") == "InsufficientCredit"


def test_a_refusal_with_a_code_of_the_provider(faults: Page, outcome: Callable[[str], str]):
    choose(faults, "refuse", Provider="Sepahan Gostar", Code="-14")
    active(faults).get_by_text("1 call left").wait_for()
    assert outcome("sepahan") == "InsufficientCredit"


def test_a_fault_of_one_number_meets_only_that_number(
    faults: Page, client: Callable[..., Any], apart: Callable[..., Any]
):
    choose(faults, "server_error", Number="0912 000 0001", How_long="until cleared")
    active(faults).get_by_text("until cleared").wait_for()
    najva = client("najva", retry=RetryPolicy.none())
    assert apart(najva.send, "09120000002", TEXT).ok
    with pytest.raises(SMSError):
        apart(najva.send, "09120000001", TEXT)


def test_only_the_fields_that_a_fault_needs_are_there(faults: Page):
    kind = faults.get_by_label("What happens", exact=True)
    seen = {}
    for name in ("refuse", "delay", "server_error"):
        kind.select_option(name)
        seen[name] = [faults.get_by_label(label, exact=True).is_visible() for label in ("Code", "Seconds")]
    assert seen == {"refuse": [True, False], "delay": [False, True], "server_error": [False, False]}


FITS = """(select) => {
  const style = getComputedStyle(select);
  const context = document.createElement("canvas").getContext("2d");
  context.font = style.font;
  const room = select.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
  return [...select.options].every((option) => context.measureText(option.text).width < room);
}"""


@pytest.mark.parametrize("provider", ["Sepahan Gostar", "IPPanel Edge", "Najva SMS"])
def test_the_words_of_every_code_fit_into_the_form(faults: Page, provider: str):
    faults.get_by_label("What happens", exact=True).select_option("refuse")
    faults.get_by_role("form", name="Set a fault").get_by_label("Provider").select_option(provider)
    assert faults.get_by_label("Code", exact=True).evaluate(FITS)


def test_on_a_narrow_screen_the_words_of_the_code_are_whole_below_it(new_page: Callable[..., Page]):
    page = new_page("#/faults", viewport={"width": 360, "height": 740})
    page.get_by_label("What happens", exact=True).select_option("refuse")
    page.get_by_role("form", name="Set a fault").get_by_label("Provider").select_option("sepahan")
    page.get_by_label("Code", exact=True).select_option("-5")
    words = page.get_by_text("حداقل یکی از نودهای آرایه ارسالی، متن پیام آن خالی است", exact=True).and_(
        page.locator("p")
    )
    assert words.evaluate("element => element.scrollWidth <= element.clientWidth")


def test_faults_are_counted_beside_the_view_and_cleared(faults: Page, outcome: Callable[[str], str]):
    choose(faults, "server_error", How_long="until cleared")
    active(faults).get_by_text("until cleared").wait_for()
    choose(faults, "html", How_long="until cleared")
    faults.locator("#fault-count").get_by_text("2").wait_for()
    active(faults).get_by_role("button", name="Clear the fault server error").click()
    faults.locator("#fault-count").get_by_text("1").wait_for()
    active(faults).get_by_role("button", name="Clear all faults").click()
    active(faults).get_by_text("No fault is set").wait_for()
    assert outcome("ippanel") == "accepted"


def test_the_special_recipients_are_listed_and_do_what_is_said(
    faults: Page, client: Callable[..., Any], apart: Callable[..., Any]
):
    row = faults.get_by_role("row").filter(has_text="gets HTTP 500").first
    recipient = row.locator(".mono").inner_text()
    with pytest.raises(SMSError):
        apart(client("najva", retry=RetryPolicy.none()).send, recipient, TEXT)


# Setup


@pytest.fixture
def setup(new_page: Callable[..., Page]) -> Page:
    page = new_page("#/setup")
    page.get_by_role("heading", name="Setup").wait_for()
    return page


def test_the_clock_is_moved_forward(setup: Page, send: Callable[..., Any], box: Sandbox):
    send("najva", "09120000001", TEXT)
    setup.get_by_role("button", name="+1 h").click()
    setup.get_by_text("1 h ahead").wait_for()
    assert box.messages[0].code == 10


def test_the_environment_lines_are_copied(setup: Page, origin: str):
    setup.get_by_role("group", name="Provider").get_by_role("button", name="Sepahan").last.click()
    setup.get_by_role("button", name="Copy: Sepahan Gostar, environment").click()
    setup.get_by_text("Copied").wait_for()
    copied = setup.evaluate("navigator.clipboard.readText()")
    assert f"export SEPAHAN_BASE_URL={origin}/sepahan\n" in copied


def test_the_python_lines_run_as_they_stand(setup: Page, apart: Callable[..., Any], box: Sandbox):
    for provider in ("Sepahan Gostar", "IPPanel Edge", "Najva SMS"):
        setup.locator("#view-setup").get_by_role("button", name=provider, exact=True).click()
        code = setup.locator("#view-setup").get_by_label(f"{provider}, Python", exact=True).inner_text()
        apart(exec, code + "\nclient.close()", {})
    assert [message.provider for message in box.messages] == ["sepahan", "ippanel", "najva"]


def test_the_patterns_are_listed(setup: Page, box: Sandbox):
    box.set_pattern("ippanel", "mine", "کد شما: %code%")
    setup.reload()
    listed = setup.get_by_role("region", name="IPPanel Edge's patterns").get_by_role("rowheader")
    listed.get_by_text("mine").wait_for()
    assert listed.all_inner_texts() == ["otp", "welcome", "order", "mine"]


def test_the_webhook_is_kept(setup: Page):
    setup.get_by_label("Address").fill("http://127.0.0.1:9/report")
    setup.get_by_label("Method").select_option("POST")
    setup.get_by_role("button", name="Save").click()
    setup.get_by_text("Saved").wait_for()
    setup.reload()
    setup.get_by_label("Address").wait_for()
    assert setup.get_by_label("Address").input_value() == "http://127.0.0.1:9/report"
    assert setup.get_by_label("Method").input_value() == "POST"


def test_a_refused_setting_says_what_to_do(setup: Page, allowed: list[str]):
    allowed.append("422 (Unprocessable Entity)")
    setup.get_by_label("Address").fill("ftp://127.0.0.1/report")
    setup.get_by_role("button", name="Save").click()
    setup.get_by_text("url must be an http or https address").wait_for()
