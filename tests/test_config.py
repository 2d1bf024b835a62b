"""A client's settings: where they come from, what they may be, and what a refused one says."""

from __future__ import annotations

import asyncio
import math
import ssl

import aiohttp
import pytest

from ippanel_sms import AsyncIPPanel, IPPanel
from najva_sms import AsyncNajva, Najva
from sepahan_sms import RESELLERS_BASE_URL, AsyncSepahan, Sepahan
from smscore import ClientClosed, ConfigurationError, InvalidRequest, RetryPolicy, SMSError, Timeouts
from smscore.config import from_environment
from smscore.sandbox import Sandbox

KINDS = [AsyncSepahan, AsyncIPPanel, AsyncNajva, Sepahan, IPPanel, Najva]
EVERY = pytest.mark.parametrize("kind", KINDS)
PROVIDERS = [
    (AsyncSepahan, "SEPAHAN", "https://api.sepahansms.com"),
    (AsyncIPPanel, "IPPANEL", "https://edge.ippanel.com/v1"),
    (AsyncNajva, "NAJVA", "https://sms.najva.com"),
]

# Token, sender and base URL


@EVERY
def test_without_a_token_there_is_no_client(kind: type) -> None:
    with pytest.raises(ConfigurationError) as caught:
        kind()
    name = kind.__name__.removeprefix("Async").upper()
    assert f"{name}_TOKEN" in str(caught.value)
    assert caught.value.provider == name.lower()
    assert caught.value.outcome is None


@pytest.mark.parametrize(("kind", "prefix", "base_url"), PROVIDERS)
async def test_settings_left_out_come_from_the_environment(
    kind: type, prefix: str, base_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = prefix.lower()
    async with Sandbox() as box:
        monkeypatch.setenv(f"{prefix}_TOKEN", "from-the-environment")
        monkeypatch.setenv(f"{prefix}_SENDER", "+985000123" if prefix == "IPPANEL" else "5000123")
        monkeypatch.setenv(f"{prefix}_BASE_URL", box.url(name))
        before = box.credit(name, "from-the-environment")
        async with kind() as client:
            await client.send("09123456789", "سلام")
        assert box.messages[0].sender.endswith("5000123")
        assert box.credit(name, "from-the-environment") < before
    assert "from-the-environment" not in repr(client)


@pytest.mark.parametrize(("kind", "prefix", "base_url"), PROVIDERS)
def test_arguments_win_over_the_environment(
    kind: type, prefix: str, base_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"{prefix}_TOKEN", "bad\ntoken")
    monkeypatch.setenv(f"{prefix}_SENDER", "1")
    monkeypatch.setenv(f"{prefix}_BASE_URL", "http://elsewhere.example.ir")
    client = kind("token", sender="5000", base_url="https://here.example.ir")
    assert repr(client) == f"{kind.__name__}(base_url='https://here.example.ir', sender='5000')"


@pytest.mark.parametrize(("kind", "prefix", "base_url"), PROVIDERS)
def test_empty_variables_count_as_none(kind: type, prefix: str, base_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for setting in ("TOKEN", "SENDER", "BASE_URL"):
        monkeypatch.setenv(f"{prefix}_{setting}", "")
    with pytest.raises(ConfigurationError):
        kind()
    assert repr(kind("token")) == f"{kind.__name__}(base_url='{base_url}', sender=None)"
    assert from_environment(prefix.lower(), "token") is None


def test_the_environment_of_one_provider_is_not_anothers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NAJVA_TOKEN", "token")
    with pytest.raises(ConfigurationError):
        AsyncSepahan()


@pytest.mark.parametrize(
    "token",
    ["", " ", "a\nb", "a\r\nX-Evil: 1", "a\x00b", "a\x7f", "توکن", "tökén", "\ud800", "a\u200cb", 5, b"token", True],
)
def test_a_token_that_no_header_can_carry_is_refused_and_not_shown(token: object) -> None:
    with pytest.raises(ConfigurationError) as caught:
        AsyncSepahan(token)
    assert not isinstance(token, str) or len(token) < 2 or token not in str(caught.value)


def test_the_line_break_at_the_end_of_a_token_file_does_no_harm() -> None:
    assert isinstance(AsyncSepahan("token\n"), AsyncSepahan)


@EVERY
@pytest.mark.parametrize(
    "url",
    [
        "https://api.example.ir",
        "https://api.example.ir:8443/gateway",
        "HTTPS://api.example.ir",
        "http://localhost:8025",
        "http://LOCALHOST:8025",
        "http://127.0.0.1:8025/sepahan",
        "http://127.8.9.10",
        "http://[::1]:8025",
    ],
)
def test_https_and_http_to_this_machine_are_taken(kind: type, url: str) -> None:
    assert f"base_url={url!r}" in repr(kind("token", base_url=url))


@pytest.mark.parametrize(
    "url",
    [
        "http://api.example.ir",
        "http://10.0.0.1",
        "http://192.168.1.1",
        "http://0.0.0.0",
        "http://128.0.0.1",
        "http://127.0.0.1.example.ir",
        "http://localhost.example.ir",
        "http://[::2]",
        "http://[fe80::1]",
        "ftp://localhost",
        "ws://localhost",
        "file:///etc/passwd",
        "api.example.ir",
        "//api.example.ir",
        "https://",
        "https:///path",
        "https://api.example.ir:99999",
        "https://api.example.ir:port",
        "https://[::1",
        "https://user@api.example.ir",
        "https://user:secret@api.example.ir",
        "https://@api.example.ir",
        "http://127.0.0.1@example.ir",
        "https://api.example.ir?key=secret",
        "https://api.example.ir/?",
        "https://api.example.ir?",
        "https://api.example.ir#part",
        "https://api.example.ir#",
        "https://api.example.ir /v1",
        "https://api.example.ir\n",
        "https://api.exa\tmple.ir",
        "",
        " ",
        5,
        b"https://api.example.ir",
    ],
)
def test_any_other_base_url_is_refused_and_its_secrets_are_not_shown(url: object) -> None:
    with pytest.raises(ConfigurationError) as caught:
        AsyncSepahan("token", base_url=url)
    assert "secret" not in str(caught.value)
    assert caught.value.provider == "sepahan"


@pytest.mark.parametrize("sender", ["", "  ", b"5000", True, 5.0, "\ud800"])
def test_a_sender_that_is_none_is_refused_at_once(sender: object) -> None:
    with pytest.raises(ConfigurationError, match="sender"):
        AsyncSepahan("token", sender=sender)
    with pytest.raises(ConfigurationError, match="sender"):
        AsyncSepahan("token").with_options(sender=sender)


def test_a_bad_base_url_of_the_environment_is_refused_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEPAHAN_BASE_URL", "http://api.example.ir")
    with pytest.raises(ConfigurationError):
        AsyncSepahan("token")


def test_slashes_at_the_end_of_a_base_url_are_dropped() -> None:
    assert "base_url='https://a.ir/x'" in repr(AsyncSepahan("token", base_url="https://a.ir/x//"))
    assert "base_url='https://edge.ippanel.com/v1'" in repr(
        AsyncIPPanel("token", base_url="https://edge.ippanel.com/v1/api/")
    )
    assert f"base_url='{RESELLERS_BASE_URL}'" in repr(AsyncSepahan("token", base_url=RESELLERS_BASE_URL))


# Numbers

BAD_SECONDS = [0, -1, -0.5, True, math.nan, math.inf, -math.inf, "5", None, [5]]


@pytest.mark.parametrize("timeout", BAD_SECONDS)
def test_a_timeout_is_a_finite_number_above_zero(timeout: object) -> None:
    for make in (lambda: AsyncSepahan("token", timeout=timeout), lambda: Timeouts(total=timeout)):
        with pytest.raises(ConfigurationError, match=r"timeout|total"):
            make()


@pytest.mark.parametrize("name", ["connect", "read", "total", "call"])
@pytest.mark.parametrize("seconds", BAD_SECONDS)
def test_each_of_the_timeouts_is_a_finite_number_above_zero(name: str, seconds: object) -> None:
    if name == "call" and seconds is None:
        assert Timeouts(call=None).call is None
        return
    with pytest.raises(ConfigurationError, match=name):
        Timeouts(**{name: seconds})


def test_timeouts_are_never_none_by_default_but_for_the_whole_call() -> None:
    timeouts = Timeouts()
    assert min(timeouts.connect, timeouts.read, timeouts.total) > 0
    assert timeouts.call is None
    assert Timeouts(read=5).read == 5


async def test_a_number_as_timeout_bounds_a_whole_request() -> None:
    hung_up = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        await writer.wait_closed()
        hung_up.set()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    retry = RetryPolicy.none()
    async with AsyncSepahan("token", base_url=f"http://127.0.0.1:{port}", timeout=1, retry=retry) as client:
        async with asyncio.timeout(5):
            with pytest.raises(SMSError, match="gave no usable answer"):
                await client.credit()
    await hung_up.wait()
    server.close()


@pytest.mark.parametrize(
    "settings",
    [
        {"attempts": 0},
        {"attempts": -1},
        {"attempts": 1.5},
        {"attempts": True},
        {"attempts": "3"},
        {"attempts": None},
        {"wait_initial": -1},
        {"wait_initial": math.nan},
        {"wait_initial": math.inf},
        {"wait_initial": None},
        {"wait_max": -0.1},
        {"wait_max": math.nan},
        {"wait_max": "8"},
    ],
)
def test_a_retry_policy_that_cannot_be_kept_is_a_typed_error(settings: dict) -> None:
    with pytest.raises(ConfigurationError) as caught:
        RetryPolicy(**settings)
    assert next(iter(settings)) in str(caught.value)


def test_the_policy_of_no_repeats_tries_once() -> None:
    assert RetryPolicy.none().attempts == 1
    assert RetryPolicy() == RetryPolicy(attempts=3, wait_initial=0.5, wait_max=8.0)
    assert RetryPolicy(5, 0, 0).wait_max == 0


@pytest.mark.parametrize("retry", [None, 3, "none"])
def test_retry_takes_a_policy_and_nothing_else(retry: object) -> None:
    with pytest.raises(ConfigurationError, match="retry="):
        AsyncSepahan("token", retry=retry)


@pytest.mark.parametrize(("kind", "most"), [(AsyncSepahan, 100), (AsyncNajva, 10_000), (Sepahan, 100), (Najva, 10_000)])
def test_a_batch_is_at_most_the_providers_limit(kind: type, most: int) -> None:
    assert isinstance(kind("token", batch_size=most), kind)
    with pytest.raises(ConfigurationError, match="batch_size="):
        kind("token", batch_size=most + 1)


def test_ippanel_sets_no_limit_to_a_batch() -> None:
    assert isinstance(AsyncIPPanel("token", batch_size=10**6), AsyncIPPanel)


@EVERY
@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[("batch_size", value) for value in (0, -1, 1.5, True, "5", math.inf, math.nan)],
        *[("max_concurrency", value) for value in (0, -1, 1.5, True, "5", None, math.inf)],
        *[("rate_limit", value) for value in (0, -1, True, "5", math.nan, math.inf)],
    ],
)
def test_a_limit_out_of_range_is_named(kind: type, name: str, value: object) -> None:
    with pytest.raises(ConfigurationError, match=f"{name}="):
        kind("token", **{name: value})


@pytest.mark.parametrize("setting", [False, True, "no", 0])
def test_certificates_are_always_checked(setting: object) -> None:
    with pytest.raises(ConfigurationError, match="ssl="):
        AsyncSepahan("token", ssl=setting)


def test_a_context_with_a_ca_of_your_own_is_taken() -> None:
    assert isinstance(AsyncSepahan("token", ssl=ssl.create_default_context()), AsyncSepahan)


# Options and closing


@EVERY
@pytest.mark.parametrize(
    "options",
    [
        {"timeout": 0},
        {"timeout": None},
        {"timeout": "5"},
        {"retry": None},
        {"retry": 3},
        {"rate_limit": 0},
        {"rate_limit": math.nan},
        {"rate_limit": "5"},
    ],
)
def test_options_are_checked_as_settings_are(kind: type, options: dict) -> None:
    with pytest.raises(ConfigurationError, match=f"{next(iter(options))}="):
        kind("token").with_options(**options)


@EVERY
def test_an_option_changes_the_new_client_alone(kind: type) -> None:
    client = kind("token", sender="5000", base_url="https://a.ir")
    other = client.with_options(sender="6000")
    assert type(other) is kind
    assert repr(other) == repr(client).replace("5000", "6000")
    assert "5000" in repr(client)
    assert "5000" in repr(client.with_options(timeout=5.0, retry=RetryPolicy.none(), rate_limit=2))
    assert "sender=None" in repr(client.with_options(sender=None))


async def test_every_option_takes_effect_on_the_same_connections() -> None:
    arrivals: list[float] = []
    connections: list[object] = []
    hung_up = asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(writer)
        while await reader.readline():
            await reader.readuntil(b"\r\n\r\n")
            arrivals.append(asyncio.get_running_loop().time())
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n")
            writer.write(b'{"isSuccess": true, "value": 5, "error": null}    ')
        writer.close()
        await writer.wait_closed()
        hung_up.set()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with AsyncSepahan("token", base_url=f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}") as client:
        slowed = client.with_options(rate_limit=5)
        assert [await other.credit() for other in (client, slowed, slowed, client)] == [5] * 4
    await hung_up.wait()
    server.close()
    assert arrivals[2] - arrivals[1] >= 0.19
    assert len(connections) == 1


async def test_closing_either_of_two_that_share_connections_closes_both() -> None:
    client = AsyncSepahan("token", sender="5000")
    other = client.with_options(timeout=5)
    await other.aclose()
    await other.aclose()
    await client.aclose()
    for closed in (client, other):
        with pytest.raises(ClientClosed):
            await closed.credit()


@pytest.mark.parametrize(
    "call",
    [
        lambda client: client.send("09123456789", "سلام"),
        lambda client: client.send_p2p([("09123456789", "سلام")]),
        lambda client: client.status([1]),
        lambda client: client.credit(),
        lambda client: client.check_request_id("a"),
        lambda client: client.receive(),
    ],
    ids=["send", "send_p2p", "status", "credit", "check_request_id", "receive"],
)
async def test_every_call_of_a_closed_client_says_that_it_is_closed(call: object) -> None:
    async with Sandbox() as box:
        async with AsyncSepahan("token", sender="5000", base_url=box.url("sepahan")) as client:
            assert await client.credit() > 0
        with pytest.raises(ClientClosed) as caught:
            await call(client)
        assert isinstance(caught.value, SMSError)
        assert box.messages == []


async def test_a_client_that_sent_nothing_closes_too() -> None:
    async with AsyncNajva("token") as client:
        pass
    with pytest.raises(ClientClosed):
        await client.status([1])


async def test_what_is_wrong_with_the_input_comes_before_that_the_client_is_closed() -> None:
    client = AsyncSepahan("token", sender="5000")
    await client.aclose()
    with pytest.raises(InvalidRequest):
        await client.send([], "سلام")


async def test_a_client_with_a_borrowed_session_closes_without_it() -> None:
    async with aiohttp.ClientSession() as session:
        client = AsyncSepahan("token", session=session)
        await client.aclose()
        assert not session.closed
        with pytest.raises(ClientClosed):
            await client.credit()
