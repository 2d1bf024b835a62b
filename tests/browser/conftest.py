"""A sandbox, its page in headless Chromium, and what must hold on every page: no error, no foreign request."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from ippanel_sms import IPPanel
from najva_sms import Najva
from sepahan_sms import Sepahan
from smscore.sandbox import Sandbox

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
CLIENTS = {"sepahan": (Sepahan, "50003300"), "ippanel": (IPPanel, "+983000505"), "najva": (Najva, "90000123")}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--pictures", metavar="FOLDER", help="take the README's pictures, into this folder")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed: run `nox -s browser`")
    program = next(filter(None, map(shutil.which, CHROMIUMS)), None)
    if program is None:
        pytest.skip(f"None of {', '.join(CHROMIUMS)} is on the PATH: install Chromium")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def box() -> Iterator[Sandbox]:
    with Sandbox() as box:
        yield box


@pytest.fixture
def origin(box: Sandbox) -> str:
    return box.url("sepahan").removesuffix("/sepahan")


@pytest.fixture
def allowed() -> list[str]:
    """What the console may say in this test: the browser itself writes of every answer that is an error."""
    return []


@pytest.fixture
def new_context(browser: Browser, origin: str, allowed: list[str]) -> Iterator[Callable[..., BrowserContext]]:
    """``new_context(color_scheme="dark")``: a fresh profile whose pages may neither fail nor call another origin."""
    contexts: list[BrowserContext] = []
    faults: list[str] = []

    def make(**options: Any) -> BrowserContext:
        given = {"viewport": {"width": 1280, "height": 800}, "timezone_id": "Asia/Tehran", "locale": "en-GB"}
        context = browser.new_context(**(given | options))
        context.grant_permissions(["clipboard-read", "clipboard-write"], origin=origin)
        context.set_default_timeout(10_000)
        context.on("request", lambda request: request.url.startswith(origin) or faults.append(f"left: {request.url}"))
        context.on("console", lambda line: line.type in ("error", "warning") and faults.append(f"console: {line.text}"))
        context.on("weberror", lambda error: faults.append(f"error: {error.error}"))
        contexts.append(context)
        return context

    yield make
    for context in contexts:
        context.close()
    assert [fault for fault in faults if not any(words in fault for words in allowed)] == []


@pytest.fixture
def new_page(new_context: Callable[..., BrowserContext], origin: str) -> Callable[..., Page]:
    """``new_page("#/faults", color_scheme="dark")``: that part of the page, once it listens to the sandbox."""

    def make(place: str = "", **options: Any) -> Page:
        page = new_context(**options).new_page()
        page.goto(f"{origin}/{place}")
        page.get_by_text("زنده" if options.get("locale") == "fa-IR" else "Live", exact=True).wait_for()
        return page

    return make


@pytest.fixture
def page(new_page: Callable[..., Page]) -> Page:
    return new_page()


@pytest.fixture
def apart() -> Iterator[Callable[..., Any]]:
    """``apart(client.send, number, text)``: in another thread, as Playwright has an event loop running in this one."""
    with ThreadPoolExecutor(1) as pool:
        yield lambda work, *given, **named: pool.submit(work, *given, **named).result()


@pytest.fixture
def client(box: Sandbox, apart: Callable[..., Any]) -> Iterator[Callable[..., Any]]:
    """``client("najva", retry=…)``: a blocking client of ours that talks to the sandbox."""
    made: list[Any] = []

    def make(provider: str, **options: Any) -> Any:
        kind, sender = CLIENTS[provider]
        made.append(kind("token", **({"sender": sender, "base_url": box.url(provider)} | options)))
        return made[-1]

    yield make
    for each in made:
        apart(each.close)


@pytest.fixture
def send(client: Callable[..., Any], apart: Callable[..., Any]) -> Callable[..., Any]:
    """``send("sepahan", "09120000001", "سلام")``: through our own client, as an application would."""
    clients: dict[str, Any] = {}

    def give(provider: str, recipients: str | list[str], text: str) -> Any:
        if provider not in clients:
            clients[provider] = client(provider)
        return apart(clients[provider].send, recipients, text)

    return give
