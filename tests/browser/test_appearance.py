"""Themes, languages, narrow screens, contrast, and the pictures of the README."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from browser.scenes import Clock, play

from smscore.sandbox import Sandbox

if TYPE_CHECKING:
    from playwright.sync_api import Page

PHONE = "#/phones/%2B989120000001"
PLACES = ["", "#/message/14", PHONE, "#/phones", "#/requests", "#/faults", "#/setup"]
NARROW = {"width": 360, "height": 740}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def box(clock: Clock) -> Iterator[Sandbox]:
    with Sandbox(clock=clock) as box:
        yield box


def refused(box: Sandbox) -> None:
    """Let Najva refuse a request, which sends nothing."""
    request = urllib.request.Request(box.url("najva") + "/v2/sms/send", b"{}", {"Authorization": "Bearer token"})
    with pytest.raises(urllib.error.HTTPError, match="400") as answer:
        urllib.request.urlopen(request, timeout=20)
    answer.value.close()


@pytest.fixture
def scene(box: Sandbox, clock: Clock, send: Callable[..., Any], new_page: Callable[..., Page]) -> Callable[..., Page]:
    """``scene("#/faults", color_scheme="dark")``: that part of the page, with lively messages in the box."""
    play(box, clock, send)
    for _ in range(3):
        refused(box)

    def open_at(place: str = "", **options: Any) -> Page:
        page = new_page(place, **options)
        page.clock.set_fixed_time(clock.now)
        page.locator(".row, .letter, .bubble, .numbers a, .card").and_(page.locator(":visible")).first.wait_for()
        page.wait_for_timeout(300)
        return page

    return open_at


def ground(page: Page) -> str:
    return page.evaluate("getComputedStyle(document.body).backgroundColor")


# Themes


def test_the_theme_follows_the_system(scene: Callable[..., Page]):
    light, dark = scene(color_scheme="light"), scene(color_scheme="dark")
    assert ground(light) != ground(dark)
    light.emulate_media(color_scheme="dark")
    assert ground(light) == ground(dark)


def test_a_chosen_theme_is_remembered(scene: Callable[..., Page]):
    page = scene(color_scheme="dark")
    dark = ground(page)
    page.get_by_role("button", name="Theme: As the system").click()
    page.get_by_role("button", name="Theme: Light").wait_for()
    assert ground(page) != dark
    page.reload()
    page.get_by_role("button", name="Theme: Light").wait_for()
    assert ground(page) != dark
    page.get_by_role("button", name="Theme: Light").click()
    assert ground(page) == dark


CONTRASTS = """() => {
  const context = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (color) => {
    context.clearRect(0, 0, 1, 1);
    context.fillStyle = color;
    context.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = context.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = (top, below) => [0, 1, 2].map((i) => top[i] * top[3] + below[i] * (1 - top[3])).concat(1);
  const groundOf = (element) => {
    const layers = [];
    for (let each = element; each; each = each.parentElement) layers.push(rgba(getComputedStyle(each).backgroundColor));
    return layers.reverse().reduce((below, top) => over(top, below), [255, 255, 255, 1]);
  };
  const light = ([r, g, b]) => [r, g, b]
    .map((value) => value / 255)
    .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4))
    .reduce((sum, value, i) => sum + value * [0.2126, 0.7152, 0.0722][i], 0);
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !element.checkVisibility({ visibilityProperty: true })) continue;
    if (element.closest(":disabled, .unseen, option, noscript")) continue;
    const below = groundOf(element);
    const text = over(rgba(getComputedStyle(element).color), below);
    const [one, other] = [light(text), light(below)].sort((a, b) => b - a);
    found.push([(one + 0.05) / (other + 0.05), walker.currentNode.data.trim().slice(0, 30), element.className]);
  }
  return found;
}"""


@pytest.mark.parametrize("locale", ["en-GB", "fa-IR"])
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("place", PLACES)
def test_every_text_stands_out_from_its_ground(scene: Callable[..., Page], theme: str, place: str, locale: str):
    """At least 4.5 to 1, as WCAG AA asks."""
    found = scene(place, color_scheme=theme, reduced_motion="reduce", locale=locale).evaluate(CONTRASTS)
    assert len(found) > 20
    assert [entry for entry in found if entry[0] < 4.5] == []


# Languages


def test_the_page_speaks_persian_with_jalali_dates_and_remembers_it(scene: Callable[..., Page]):
    page = scene("#/message/14")
    assert "21 Nov 2026" in page.locator(".facts").inner_text()
    page.get_by_role("button", name="فارسی").click()
    page.get_by_role("heading", name="۰۹۱۲ ۰۰۰ ۰۰۰۱").wait_for()
    page.reload()
    page.get_by_role("heading", name="۰۹۱۲ ۰۰۰ ۰۰۰۱").wait_for()
    assert page.evaluate("[document.documentElement.lang, document.documentElement.dir]") == ["fa", "rtl"]
    facts = page.locator(".facts").inner_text()
    assert "۳۰ آبان ۱۴۰۵" in facts
    assert "۲٬۸۳۷ ریال" in facts
    page.get_by_role("button", name="English").click()
    page.get_by_role("heading", name="0912 000 0001").wait_for()
    assert page.evaluate("[document.documentElement.lang, document.documentElement.dir]") == ["en", "ltr"]


def test_a_persian_browser_is_shown_the_page_in_persian(scene: Callable[..., Page]):
    page = scene(locale="fa-IR")
    assert page.get_by_role("link", name="صندوق").first.is_visible()
    assert page.title() == "محیط آزمایشی پیامک"


def test_persian_turns_the_layout_round(scene: Callable[..., Page]):
    page = scene(locale="fa-IR")
    side, main = page.locator(".side").bounding_box(), page.locator("main").bounding_box()
    assert side["x"] > main["x"] + main["width"] - 1


# Latin words that are left in the page, but for code, texts, and what a provider calls its calls, codes and statuses.
LATIN = """() => {
  const own = "bdi, pre, code, kbd, .text, .badge, .headers, [lang=en], noscript, button > span, td > span, .status";
  const found = [];
  const keep = (element, words) => {
    if (element.closest(`${own}, #fault-code, #fault-call, [hidden]`)) return;
    found.push(...((words ?? "").match(/[A-Za-z][A-Za-z_]+/g) ?? []));
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) keep(walker.currentNode.parentElement, walker.currentNode.data);
  for (const name of ["aria-label", "title", "placeholder"]) {
    for (const element of document.querySelectorAll(`[${name}]`)) keep(element, element.getAttribute(name));
  }
  return [...new Set(found)].sort();
}"""
KEYS = {"Enter", "Esc"}
NAMES = {"Sepahan", "Gostar", "IPPanel", "Edge", "Najva", "SMS", "JSON", "HTTP", "HTML", "CDN", "Retry", "After"} | KEYS
ADDRESSES = {"PUT", "GET", "POST", "api", "patterns", "http", "sms", "report"}


@pytest.mark.parametrize("place", PLACES)
def test_nothing_but_names_and_addresses_is_left_in_english(scene: Callable[..., Page], place: str):
    assert set(scene(place, locale="fa-IR").evaluate(LATIN)) - NAMES - ADDRESSES == set()


def test_a_line_that_is_a_name_stays_as_it_is(scene: Callable[..., Page], client: Any, apart: Any):
    apart(client("ippanel").send_votp, "09120000001", "4821")
    page = scene(locale="fa-IR")
    assert "+98votp" in page.locator(".row").first.inner_text()


def test_a_code_is_copied_in_ascii_digits_whatever_is_shown(scene: Callable[..., Page]):
    page = scene(locale="fa-IR")
    page.locator(".row .code").first.get_by_text("۴۸۲۹۱۳").click()
    page.get_by_text("کپی شد").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == "482913"


# Narrow screens


# What reaches over an edge, but for what scrolls in itself.
TOO_WIDE = """() => [...document.querySelectorAll("main *, nav *, header *")]
  .filter((each) => each.checkVisibility() && !each.closest("pre, table, select, .unseen"))
  .filter((each) => each.getBoundingClientRect().right > innerWidth + 1 || each.getBoundingClientRect().left < -1)
  .map((each) => each.outerHTML.slice(0, 80))"""


@pytest.mark.parametrize("locale", ["en-GB", "fa-IR"])
@pytest.mark.parametrize("place", PLACES)
def test_nothing_is_wider_than_a_narrow_screen(scene: Callable[..., Page], place: str, locale: str):
    page = scene(place, viewport=NARROW, locale=locale)
    for headers in page.locator("summary:visible").all():
        headers.click()
    assert page.evaluate("document.scrollingElement.scrollWidth") <= 360
    assert page.evaluate(TOO_WIDE) == []


def test_on_a_narrow_screen_messages_are_filtered_by_provider(scene: Callable[..., Page]):
    page = scene(viewport=NARROW)
    page.locator("#provider").select_option("Najva SMS")
    page.locator(".row").nth(4).wait_for(state="detached")
    assert page.locator(".row").count() == 4


def test_on_a_narrow_screen_a_message_takes_the_place_of_the_list(scene: Callable[..., Page]):
    page = scene(viewport=NARROW)
    page.locator(".row a").first.click()
    page.get_by_role("heading", name="0912 000 0001").wait_for()
    assert page.locator("#list").is_hidden()
    page.get_by_role("link", name="Back to the inbox").click()
    page.locator("#list").wait_for()


# Accessibility

NAMELESS = """() => [...document.querySelectorAll("button, a, input, select, textarea")]
  .filter((each) => each.checkVisibility() && !each.innerText.trim() && !each.ariaLabel && !each.labels?.length)
  .map((each) => each.outerHTML)"""
MOVING = """() => [...document.querySelectorAll("*")].map((each) => getComputedStyle(each))
  .filter(({ transitionDuration, animationName }) => /[1-9]/.test(transitionDuration) || animationName !== "none")
  .length"""


def test_the_page_has_landmarks_a_language_and_a_name_for_every_control(scene: Callable[..., Page]):
    for place in PLACES:
        page = scene(place)
        assert page.locator("html").get_attribute("lang") == "en"
        assert page.get_by_role("main").count() == page.get_by_role("navigation").count() == 1
        assert page.evaluate(NAMELESS) == []


def test_nothing_moves_for_those_who_asked_for_less_motion(scene: Callable[..., Page]):
    page = scene(reduced_motion="reduce")
    assert page.evaluate(MOVING) == 0


def test_focus_is_seen(scene: Callable[..., Page]):
    page = scene()
    for _ in range(3):
        page.keyboard.press("Tab")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


# The pictures


DESK = {"width": 1280, "height": 800}
PICTURES: dict[str, tuple[str, dict[str, Any]]] = {
    "inbox": ("", {}),
    "inbox-dark": ("", {"color_scheme": "dark"}),
    "message": ("#/message/14", {}),
    "phone": (PHONE, {}),
    "faults": ("#/faults", {}),
    "narrow": ("", {"viewport": NARROW}),
    "inbox-fa": ("", {"locale": "fa-IR"}),
    "message-fa-dark": ("#/message/14", {"locale": "fa-IR", "color_scheme": "dark"}),
    "narrow-fa": ("", {"viewport": NARROW, "locale": "fa-IR"}),
}


@pytest.mark.parametrize("name", PICTURES)
def test_pictures_of_the_page(scene: Callable[..., Page], name: str, box: Sandbox, pytestconfig: pytest.Config):
    folder = pytestconfig.getoption("--pictures")
    if folder is None:
        pytest.skip("Pictures are taken with --pictures=docs/images")
    place, options = PICTURES[name]
    page = scene(place, **({"viewport": DESK, "device_scale_factor": 1.5, "color_scheme": "light"} | options))
    if name == "faults":
        for kind, provider in (("server_error", "najva"), ("drop_after", "sepahan"), ("delay", "")):
            page.locator("#fault-kind").select_option(kind)
            page.locator("#fault-provider").select_option(provider)
            page.get_by_role("button", name="Set the fault").click()
            page.wait_for_timeout(300)
    page.screenshot(path=Path(folder) / f"{name}.png")
