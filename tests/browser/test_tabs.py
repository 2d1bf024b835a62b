"""Many tabs at once: a browser gives a host six connections, and the page's live events take one of them in all."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page

TABS = 8
# A browser whose tabs share no worker, such as Chrome on Android; and a tab that is put out of sight and shown again.
ALONE = "delete window.SharedWorker"
TURN = """(hidden) => {
  Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}"""


def opened(context: BrowserContext, origin: str) -> Page:
    page = context.new_page()
    page.goto(origin)
    page.get_by_text("Live", exact=True).wait_for()
    return page


def test_every_one_of_many_tabs_is_live(
    new_context: Callable[..., BrowserContext], origin: str, send: Callable[..., Any]
):
    context = new_context()
    pages = [opened(context, origin) for _ in range(TABS)]
    send("sepahan", "09120000001", "برای همه")
    for page in pages:
        page.locator(".row").filter(has_text="برای همه").wait_for()


def test_the_other_tabs_stay_live_when_the_first_is_closed(
    new_context: Callable[..., BrowserContext], origin: str, send: Callable[..., Any]
):
    context = new_context()
    first, second = opened(context, origin), opened(context, origin)
    first.close()
    send("sepahan", "09120000001", "پس از رفتن")
    second.locator(".row").filter(has_text="پس از رفتن").wait_for()


def test_without_a_shared_worker_tabs_out_of_sight_hold_no_connection_and_catch_up(
    new_context: Callable[..., BrowserContext], origin: str, send: Callable[..., Any]
):
    context = new_context()
    context.add_init_script(ALONE)
    pages = []
    for _ in range(TABS):
        pages.append(opened(context, origin))
        pages[-1].evaluate(TURN, True)
    send("sepahan", "09120000001", "در نبود شما")
    assert pages[0].locator(".row").count() == 0
    pages[0].evaluate(TURN, False)
    pages[0].locator(".row").filter(has_text="در نبود شما").wait_for()
