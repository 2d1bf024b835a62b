"""Django's admin of the shop in both languages: nothing fails, nothing is cut off, and the pictures of the docs."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django_servers import served
from django_shop import Shop, shop_on_sqlite

from smscore.sandbox import Sandbox

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

SCENE = (Path(__file__).parent / "shop_scene.py").read_text("utf-8")
DESK = {"width": 1360, "height": 760}
PLACES = {
    "campaigns": "campaign/",
    "campaign": "campaign/1/change/",
    "messages": "queuedmessage/?q=0912+000+0001",
    "accounts": "account/",
    "inbound": "inboundmessage/",
    "suppressions": "suppression/",
}


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    """The address of the shop's admin, after its worker has sent what the scene has."""
    folder = Path(tempfile.mkdtemp())
    shop = shop_on_sqlite(folder)
    with Sandbox(port=0) as box:
        say = {name: str(value) for name, value in box.environment.items()}
        shop.manage("migrate", "-v0", **say)
        play(shop, "before", say)
        for sender, text in (("09121000009", "لغو۱۱"), ("09120000001", "۵، خیلی ممنون! بسته‌بندی عالی بود.")):
            box.feed("sepahan", sender=sender, number="50003300", text=text)
        shop.manage("sms_worker", "--seconds", "15", "--receive-every", "1", "--track-every", "1", **say)
        play(shop, "after", say)
        with served("runserver", shop, folder / "site.log", **say) as running:
            yield running.url
    shutil.rmtree(folder)


def play(shop: Shop, act: str, variables: dict[str, str]) -> None:
    shop.manage("shell", "-v0", "-c", SCENE, SCENE=act, **variables)


@pytest.fixture
def opened(browser: Browser, site: str) -> Iterator[Callable[..., Page]]:
    """``opened("campaign/", locale="fa-IR")``: that page of the admin, for staff who have logged in."""
    contexts, faults = [], []

    def make(place: str, **options: Any) -> Page:
        context = browser.new_context(**({"viewport": DESK, "timezone_id": "Asia/Tehran", "locale": "en-GB"} | options))
        contexts.append(context)
        context.on("weberror", lambda error: faults.append(f"error: {error.error}"))
        context.on("console", lambda line: line.type == "error" and faults.append(f"console: {line.text}"))
        context.on("request", lambda request: request.url.startswith(site) or faults.append(f"left: {request.url}"))
        context.route("**/favicon.ico", lambda route: route.fulfill(status=204))
        page = context.new_page()
        page.goto(f"{site}admin/login/?next=/admin/payamak/{place}")
        page.locator("#id_username").fill("maryam")
        page.locator("#id_password").fill("maryam")
        page.locator("[type=submit]").click()
        page.locator("#content").wait_for()
        return page

    yield make
    for context in contexts:
        context.close()
    assert faults == []


# What is wider than the page, or reaches over an edge of it.
CUT_OFF = """() => [...document.querySelectorAll("#content :is(td, th, button, .readonly, .results)")]
  .filter((each) => each.checkVisibility())
  .filter(({ scrollWidth, clientWidth }) => clientWidth && scrollWidth > clientWidth + 1)
  .map((each) => each.outerHTML.slice(0, 120))"""


@pytest.mark.parametrize("locale", ["en-GB", "fa-IR"])
@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_a_page_opens_in_its_direction_with_nothing_cut_off(opened: Callable[..., Page], place: str, locale: str):
    page = opened(place, locale=locale)
    assert page.evaluate("document.dir || document.documentElement.dir") == ("rtl" if locale == "fa-IR" else "ltr")
    assert page.evaluate(CUT_OFF) == []


def test_a_campaign_is_paused_from_its_page(opened: Callable[..., Page]):
    page = opened("campaign/")
    page.get_by_role("link", name="reminder-1024").click()
    page.get_by_role("button", name="Pause").click()
    page.get_by_label("Reason").fill("wait")
    page.get_by_role("button", name="Pause campaigns").click()
    row = page.get_by_role("row").filter(has_text="reminder-1024")
    assert "paused" in row.inner_text()
    row.get_by_role("link").click()
    page.get_by_role("button", name="Resume").click()
    assert "paused" not in page.get_by_role("row").filter(has_text="reminder-1024").inner_text()


PICTURES = ("campaigns", "campaign", "messages")


@pytest.mark.parametrize("locale", ["en-GB", "fa-IR"])
@pytest.mark.parametrize("name", PICTURES)
def test_pictures_of_the_admin(
    opened: Callable[..., Page], name: str, locale: str, site: str, pytestconfig: pytest.Config
):
    folder = pytestconfig.getoption("--pictures")
    if folder is None:
        pytest.skip("Pictures are taken with --pictures=docs/images")
    page = opened(PLACES[name], locale=locale, device_scale_factor=1.5, color_scheme="light")
    page.mouse.move(0, 0)
    page.screenshot(path=Path(folder) / f"admin-{name}{'-fa' if locale == 'fa-IR' else ''}.png")
