"""What all tests share: clients with known settings, a clean environment, and aioresponses mended for aiohttp 3.14."""

import _thread
import asyncio
import importlib
import json
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from functools import partial, partialmethod
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import aiohttp
import aioresponses.core
import attrs
import pytest
from aiohttp.client_proto import ResponseHandler
from hypothesis import settings
from yarl import URL

from ippanel_sms import AsyncIPPanel
from najva_sms import AsyncNajva
from sepahan_sms import AsyncSepahan
from smscore import RetryPolicy
from smscore.loops import threads

TOKEN = "token-of-the-tests"
SENDERS = {AsyncSepahan: "50003300", AsyncIPPanel: "+983000505", AsyncNajva: "90000123"}


# A shell starts what it runs in the background with Ctrl-C ignored, and whatever we start would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
# ``nohup`` does so with a hangup. A handler is not inherited: whatever we start hears one, and the tests go on.
if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, lambda *_: None)


# A busy machine is no failure. The session ``tests`` has the same examples each time; all others look for new ones.
settings.register_profile("payamak", deadline=None)
settings.register_profile("same", deadline=None, derandomize=True)
settings.register_profile("thorough", deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "payamak"))


if os.environ.get("PAYAMAK_TEST_UVLOOP"):  # the session that runs the tests' own loops on uvloop
    asyncio.set_event_loop_policy(importlib.import_module("uvloop").EventLoopPolicy())


@pytest.fixture(scope="session", autouse=True)
def _threads_are_traced() -> Iterator[None]:
    """Coverage follows the threads that ``threading`` starts; ours start lower."""
    trace = threading.gettrace()
    if trace is None:
        yield
        return

    def start(function: Callable[..., object], args: tuple[object, ...]) -> int:
        def traced() -> None:
            sys.settrace(trace)
            function(*args)

        return _thread.start_new_thread(traced, ())

    with patch.object(threads, "_thread", SimpleNamespace(start_new_thread=start)):
        yield


@pytest.fixture(scope="session")
def state_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the command keeps what it remembers of its sends."""
    return tmp_path_factory.mktemp("state")


@pytest.fixture(scope="session")
def django_settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Django in this process: the app over a database of its own. One process has one configuration of Django."""
    import django
    from django.conf import settings
    from django.db import connections

    settings.configure(
        DEFAULT_CHARSET="utf-8",
        ALLOWED_HOSTS=["testserver"],
        INSTALLED_APPS=["smscore.contrib.django"],
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": os.fspath(tmp_path_factory.mktemp("django") / "pages.db"),
            }
        },
        USE_TZ=True,
    )
    django.setup()
    yield
    connections.close_all()


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, state_folder: Path) -> None:
    """No test sees the settings of the machine it runs on, or leaves anything there."""
    monkeypatch.setenv("XDG_STATE_HOME", os.fspath(state_folder))
    for name in list(os.environ):
        if name.startswith(("SEPAHAN_", "IPPANEL_", "NAJVA_")):
            monkeypatch.delenv(name)


@attrs.frozen
class Sent:
    """A request as it would have left."""

    method: str
    url: URL
    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return self.url.path

    @property
    def query(self) -> dict[str, str]:
        return dict(self.url.query)

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class ProviderHTTP(aioresponses.core.aioresponses):
    """aioresponses, with ``sent``: every request with the bytes of its body, in the order they came.

    The body counts as written, so a mocked exception is one after the request left.
    """

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[Sent] = []
        # aioresponses' own patcher inspects the whole of aiohttp's session for every test.
        self.patcher = patch("aiohttp.client.ClientSession._request", partialmethod(_answered, self))

    async def match(self, method: str, url: URL, *args: Any, **kwargs: Any) -> aiohttp.ClientResponse | None:
        sink = _Sink()
        await kwargs["data"].write(sink)
        self.sent.append(Sent(method, url, dict(kwargs["headers"]), bytes(sink.written)))
        return await super().match(method, url, *args, **kwargs)


async def _answered(session: aiohttp.ClientSession, http: ProviderHTTP, *args: Any, **kwargs: Any) -> Any:
    return await http._request_mock(session, *args, **kwargs)


class _Sink:
    def __init__(self) -> None:
        self.written = bytearray()

    async def write(self, piece: bytes) -> None:
        self.written += piece


class _Response(aiohttp.ClientResponse):
    # aiohttp 3.14 asks for the writer of the request, which aioresponses 0.7.9 does not give.
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, stream_writer=SimpleNamespace(output_size=0), **kwargs)


def _unlimited_reader(loop: Any) -> aiohttp.StreamReader:
    # With aioresponses' own limit a body over 64 KiB tries to pause a transport that is not there.
    return aiohttp.StreamReader(ResponseHandler(loop=loop), limit=2**62, loop=loop)


@pytest.fixture
def provider_http(monkeypatch: pytest.MonkeyPatch) -> Iterator[ProviderHTTP]:
    """Answers in place of the providers; an unexpected request fails as a lost connection."""
    monkeypatch.setattr(aioresponses.core, "ClientResponse", _Response)
    monkeypatch.setattr(aioresponses.core, "stream_reader_factory", _unlimited_reader)
    with ProviderHTTP() as http:
        yield http


@pytest.fixture
async def new_client() -> AsyncIterator[Callable[..., Any]]:
    """``new_client(AsyncSepahan, max_concurrency=1)``: an async client that repeats nothing, closed after the test."""
    made: list[Any] = []

    def make(kind: type[Any], **options: Any) -> Any:
        made.append(kind(TOKEN, **{"sender": SENDERS[kind], "retry": RetryPolicy.none()} | options))
        return made[-1]

    yield make
    for client in made:
        await client.aclose()


@pytest.fixture
def new_sepahan(new_client: Callable[..., Any]) -> Callable[..., AsyncSepahan]:
    return partial(new_client, AsyncSepahan)


@pytest.fixture
def new_ippanel(new_client: Callable[..., Any]) -> Callable[..., AsyncIPPanel]:
    return partial(new_client, AsyncIPPanel)


@pytest.fixture
def new_najva(new_client: Callable[..., Any]) -> Callable[..., AsyncNajva]:
    return partial(new_client, AsyncNajva)


@pytest.fixture
def sepahan(new_sepahan: Callable[..., AsyncSepahan]) -> AsyncSepahan:
    return new_sepahan()


@pytest.fixture
def ippanel(new_ippanel: Callable[..., AsyncIPPanel]) -> AsyncIPPanel:
    return new_ippanel()


@pytest.fixture
def najva(new_najva: Callable[..., AsyncNajva]) -> AsyncNajva:
    return new_najva()
