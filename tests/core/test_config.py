"""A client's settings: where they come from, what they may be, and what a refused one says."""

from __future__ import annotations

import asyncio
import math
import ssl
from typing import Any

import aiohttp
import pytest

from ippanel_sms import AsyncIPPanel, IPPanel, PostalCodeSegment, Slice
from najva_sms import AsyncNajva, Najva
from sepahan_sms import RESELLERS_BASE_URL, AsyncSepahan, Sepahan
from smscore import (
    BatchEvent,
    ClientClosed,
    ConfigurationError,
    InvalidRequest,
    Message,
    Outcome,
    RetryPolicy,
    SMSError,
    Timeouts,
)
from smscore.account import cleaned_token, from_environment
from smscore.sandbox import Sandbox
from smscore.senders import line_form

KINDS = [AsyncSepahan, AsyncIPPanel, AsyncNajva, Sepahan, IPPanel, Najva]
EVERY = pytest.mark.parametrize("kind", KINDS)
PROVIDERS = [
    (AsyncSepahan, "SEPAHAN", "https://api.sepahansms.com"),
    (AsyncIPPanel, "IPPANEL", "https://edge.ippanel.com/v1"),
    (AsyncNajva, "NAJVA", "https://sms.najva.com"),
]

LINE = "50003300"
NOT_SENT = Outcome.NOT_SENT
SEGMENT = PostalCodeSegment(12345, mci=Slice(0, 10))
PREFIXES = {kind: "+98" if "IPPanel" in kind.__name__ else "" for kind in KINDS}


def line_of(kind: type, line: str) -> str:
    """A line in the form that the client's provider takes."""
    return PREFIXES[kind] + line


# Token, sender and base URL


@EVERY
def test_a_client_is_made_without_a_token_and_check_asks_for_it(kind: type) -> None:
    client = kind()
    with pytest.raises(ConfigurationError) as caught:
        client.check()
    name = kind.__name__.removeprefix("Async").upper()
    assert f"{name}_TOKEN" in str(caught.value)
    assert caught.value.provider == name.lower()
    assert caught.value.outcome is None


@EVERY
def test_check_is_silent_where_nothing_is_missing(kind: type, monkeypatch: pytest.MonkeyPatch) -> None:
    kind("token").check()
    monkeypatch.setenv(f"{kind.__name__.removeprefix('Async').upper()}_TOKEN", "token")
    kind().check()


CALLS: list[tuple[type, Any]] = [
    (AsyncSepahan, lambda client: client.credit()),
    (AsyncSepahan, lambda client: client.status([1])),
    (AsyncSepahan, lambda client: client.receive()),
    (AsyncSepahan, lambda client: client.connect()),
    (AsyncNajva, lambda client: client.upload_file(b"x", filename="a.png")),
    (AsyncNajva, lambda client: client.outbox()),
    (AsyncIPPanel, lambda client: client.account()),
    (AsyncIPPanel, lambda client: client.lines()),
    (AsyncIPPanel, lambda client: client.price("سلام", sender=LINE)),
    (AsyncIPPanel, lambda client: anext(client.inbox())),
]
SENDS: list[tuple[type, Any]] = [
    *[(kind, lambda client: client.send("09123456789", "سلام", sender=LINE)) for kind in KINDS[:3]],
    *[(kind, lambda client: client.send_p2p([("09123456789", "سلام")], sender=LINE)) for kind in KINDS[:3]],
    *[(kind, lambda client: anext(client.send_stream(["09123456789"], "سلام", sender=LINE))) for kind in KINDS[:3]],
    *[(kind, lambda client: anext(client.send_p2p_stream([("09123456789", "س")], sender=LINE))) for kind in KINDS[:3]],
    (AsyncIPPanel, lambda client: client.send_pattern("09123456789", "code", {"a": "b"}, sender=LINE)),
    (AsyncIPPanel, lambda client: client.send_votp("09123456789", "12345")),
    (AsyncIPPanel, lambda client: client.send_postal_code(SEGMENT, "سلام", sender=LINE)),
]


@pytest.mark.parametrize(
    ("kind", "call", "outcome"), [(*one, None) for one in CALLS] + [(*one, NOT_SENT) for one in SENDS]
)
async def test_every_call_without_a_token_is_refused_before_anything_leaves(
    kind: type, call: Any, outcome: Outcome | None, provider_http: Any
) -> None:
    async with kind() as client:
        with pytest.raises(ConfigurationError, match="_TOKEN") as caught:
            await call(client)
    assert caught.value.outcome is outcome
    assert provider_http.sent == []


async def test_a_journal_hears_nothing_of_a_call_without_a_token() -> None:
    heard: list[object] = []
    with pytest.raises(ConfigurationError):
        await AsyncSepahan().send("09123456789", "سلام", sender=LINE, on_batch=heard.append)
    assert heard == []


@pytest.mark.parametrize("kind", KINDS[3:])
def test_a_blocking_call_without_a_token_is_refused_too(kind: type) -> None:
    with pytest.raises(ConfigurationError, match="_TOKEN"):
        kind().send("09123456789", "سلام", sender=LINE)
    with pytest.raises(ConfigurationError, match="_TOKEN"):
        kind().send_stream(["09123456789"], "سلام", sender=LINE)


async def test_what_is_left_out_is_read_at_each_call(provider_http: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for host in ("a", "b"):
        provider_http.post(
            f"https://{host}.example.ir/api/Sms/Send",
            payload={"isSuccess": True, "value": {"ids": [7], "smsCount": 1, "totalPrice": 5}, "error": None},
        )
    client = AsyncSepahan()
    for host, line in (("a", "5000"), ("b", "6000")):
        monkeypatch.setenv("SEPAHAN_BASE_URL", f"https://{host}.example.ir")
        monkeypatch.setenv("SEPAHAN_TOKEN", f"token-{host}")
        monkeypatch.setenv("SEPAHAN_SENDER", line)
        await client.send("09123456789", "سلام")
    monkeypatch.delenv("SEPAHAN_TOKEN")
    with pytest.raises(ConfigurationError):
        await client.send("09123456789", "سلام")
    seen = [(sent.url.host, sent.headers["Authorization"], sent.json["senderNumbers"]) for sent in provider_http.sent]
    assert seen == [("a.example.ir", "token-a", ["5000"]), ("b.example.ir", "token-b", ["6000"])]


async def test_all_batches_of_a_call_go_with_the_settings_that_it_began_with(
    provider_http: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    value = {"ids": [7], "smsCount": 1, "totalPrice": 5}
    provider_http.post(f"{PROVIDERS[0][2]}/api/Sms/Send", payload={"isSuccess": True, "value": value}, repeat=True)
    monkeypatch.setenv("SEPAHAN_TOKEN", "first")

    def change(_: object) -> None:
        monkeypatch.setenv("SEPAHAN_TOKEN", "second")

    client = AsyncSepahan(sender=LINE, batch_size=1, max_concurrency=1)
    await client.send(["09123456789", "09123456788"], "سلام", on_batch=change)
    assert [sent.headers["Authorization"] for sent in provider_http.sent] == ["first", "first"]


async def test_what_was_left_open_stays_open_in_a_copy(monkeypatch: pytest.MonkeyPatch) -> None:
    copy = AsyncSepahan().with_options(timeout=5)
    monkeypatch.setenv("SEPAHAN_TOKEN", "token")
    monkeypatch.setenv("SEPAHAN_SENDER", "5000")
    copy.check()
    assert "sender='5000'" in repr(copy)
    assert "sender='6000'" in repr(copy.with_options(sender="6000"))


def test_a_copy_with_no_sender_takes_none_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEPAHAN_SENDER", "5000")
    copy = Sepahan("token").with_options(sender=None).with_options(timeout=5)
    assert "sender=None" in repr(copy)
    with pytest.raises(InvalidRequest, match="SEPAHAN_SENDER"):
        copy.send("09123456789", "سلام")


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
    assert repr(client) == f"{kind.__name__}(base_url='https://here.example.ir', sender={line_of(kind, '5000')!r})"
    client.check()


@pytest.mark.parametrize(("kind", "prefix", "base_url"), PROVIDERS)
def test_empty_variables_count_as_none(kind: type, prefix: str, base_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for setting in ("TOKEN", "SENDER", "BASE_URL"):
        monkeypatch.setenv(f"{prefix}_{setting}", "")
    with pytest.raises(ConfigurationError):
        kind().check()
    assert repr(kind("token")) == f"{kind.__name__}(base_url='{base_url}', sender=None)"
    assert from_environment(prefix.lower(), "token") is None


@pytest.mark.parametrize(("kind", "prefix", "base_url"), PROVIDERS)
def test_quotes_around_a_variable_are_not_of_its_value(
    kind: type, prefix: str, base_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for setting, value in {"TOKEN": "token", "SENDER": "+98BANK", "BASE_URL": "https://a.ir"}.items():
        monkeypatch.setenv(f"{prefix}_{setting}", f'"{value}"')
    client = kind()
    client.check()
    assert repr(client) == f"{kind.__name__}(base_url='https://a.ir', sender='+98BANK')"


def test_the_environment_of_one_provider_is_not_anothers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NAJVA_TOKEN", "token")
    with pytest.raises(ConfigurationError):
        AsyncSepahan().check()


@pytest.mark.parametrize(
    "token",
    ["", " ", "a\nb", "a\r\nX-Evil: 1", "a\x00b", "a\x7f", "توکن", "tökén", "\ud800", "a\u200cb", 5, b"token", True],
)
def test_a_token_that_no_header_can_carry_is_refused_and_not_shown(token: object) -> None:
    with pytest.raises(ConfigurationError) as caught:
        AsyncSepahan(token)
    assert not isinstance(token, str) or len(token) < 2 or token not in str(caught.value)


@pytest.mark.parametrize(
    "pasted",
    [
        "abc",
        "abc\n",
        " abc\r\n",
        "Bearer abc",
        "bearer   abc",
        "Authorization: Bearer abc",
        "Token abc",
        "apikey: abc",
        "AccessKey abc",
        '"abc"',
        "'abc'",
        "«abc»",
        "“abc”",
        '"Bearer abc"',
        "Bearer 'abc'",
        "\ufeffabc",
        "\u200fabc\u200e",
    ],
)
@pytest.mark.parametrize("where", ["argument", "environment"])
async def test_a_token_is_cleaned_of_what_was_copied_along(
    pasted: str, where: str, provider_http: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NAJVA_TOKEN", pasted)
    provider_http.get("https://sms.najva.com/v2/outbox/", payload={}, repeat=True)
    async with AsyncNajva(pasted if where == "argument" else None, retry=RetryPolicy.none()) as client:
        with pytest.raises(SMSError):
            await client.status([1])
    assert provider_http.sent[0].headers["Authorization"] == "Bearer abc"


@pytest.mark.parametrize("token", ["token", "apikey", "Bearerabc", 'a"b', "abc=="])
def test_a_token_that_only_looks_pasted_is_left_alone(token: str) -> None:
    assert cleaned_token(token) == token


@pytest.mark.parametrize("token", ["Bearer", "Bearer ", '""', "''", '"Bearer "'])
def test_a_scheme_or_quotes_around_nothing_are_not_a_token(token: str) -> None:
    with pytest.raises(ConfigurationError, match="Missing token"):
        AsyncSepahan(token)


SPELLINGS = [
    "3000505",
    "+983000505",
    "00983000505",
    "983000505",
    "۳۰۰۰۵۰۵",
    "٣٠٠٠٥٠٥",
    "+۹۸۳۰۰۰۵۰۵",
    " 3000 505 ",
    "+98 3000-505",
]


@EVERY
@pytest.mark.parametrize("spelling", [*SPELLINGS, 3000505])
def test_a_line_goes_out_in_the_providers_own_form(kind: type, spelling: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = f"sender={line_of(kind, '3000505')!r}"
    assert expected in repr(kind("token", sender=spelling))
    assert expected in repr(kind("token").with_options(sender=spelling))
    monkeypatch.setenv(f"{kind.__name__.removeprefix('Async').upper()}_SENDER", str(spelling))
    assert expected in repr(kind("token"))


@pytest.mark.parametrize(
    ("line", "bare", "e164"),
    [
        ("+98BANK", "+98BANK", "+98BANK"),
        (" +98bank ", "+98bank", "+98bank"),
        ("My Shop", "My Shop", "My Shop"),
        ("02191001234", "02191001234", "+982191001234"),
        ("+98 (0) 21 9100 1234", "2191001234", "+982191001234"),
        ("982191001234", "2191001234", "+982191001234"),
        ("98123", "98123", "+9898123"),
        ("+447700900123", "+447700900123", "+447700900123"),
        ("123", "123", "123"),
    ],
)
def test_what_a_line_becomes(line: str, bare: str, e164: str) -> None:
    assert (line_form(line, ""), line_form(line, "+98")) == (bare, e164)


async def test_the_line_of_a_call_and_of_a_message_go_out_in_the_providers_form() -> None:
    async with Sandbox() as box, AsyncIPPanel("token", base_url=box.url("ippanel")) as client:
        await client.send("09123456789", "سلام", sender="3000505")
        await client.send_p2p([Message("09123456789", "سلام", sender="۳۰۰۰ ۵۰۵")], sender="+98BANK")
        await client.send_p2p([("09123456789", "سلام")], sender="983000505")
        await client.send_postal_code(SEGMENT, "سلام", sender="3000505")
        await client.price("سلام", sender="3000505")
        await client.outbox(sender="3000505")
        assert {message.sender for message in box.messages} == {"+983000505"}


async def test_messages_whose_lines_are_one_in_two_spellings_go_in_one_request() -> None:
    async with Sandbox() as box, AsyncNajva("token", base_url=box.url("najva")) as client:
        pair = [Message("09123456789", "یک", sender=spelling) for spelling in ("90000123", "+9890000123")]
        events: list[BatchEvent] = []
        await client.send_p2p(pair, on_batch=events.append)
        assert len(events) == 2
        assert {message.sender for message in box.messages} == {"90000123"}


async def test_the_line_whose_messages_are_received_is_in_the_providers_form(provider_http: Any) -> None:
    provider_http.post("https://api.sepahansms.com/api/SmsReport/Receive", payload={"isSuccess": True, "value": []})
    async with AsyncSepahan("token") as client:
        await client.receive(number="+98 50003300")
    assert provider_http.sent[0].json["privateNumber"] == "50003300"


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
        "http://[::ffff:127.0.0.1]:8025",
        "http://sms-sandbox:8025/najva",
        "http://SmsSandbox:8025",
        "http://sms_sandbox",
        "http://s",
        "http://sandbox2/sepahan",
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
        "http://sms%2eexample%2ecom",
        "https://sms%2eexample%2ecom",
        "http://sms-sandbox.",
        "http://-sandbox",
        "http://sandbox-",
        "http://2130706433",
        "http://0x7f000001",
        "http://0x7f.1",
        "http://127.1",
        "http://0177.0.0.1",
        "http://10",
        "http://8sandbox",
        "http://[::ffff:10.0.0.1]",
        "http://sms-sandbox@example.ir",
        "http://sms-sandbox\\.example.ir",
        "http://sms-sandbox\\@example.ir",
        "http://s\u0131",
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
def test_an_invalid_sender_is_refused_at_once(sender: object) -> None:
    with pytest.raises(ConfigurationError, match="sender"):
        AsyncSepahan("token", sender=sender)
    with pytest.raises(ConfigurationError, match="sender"):
        AsyncSepahan("token").with_options(sender=sender)


WRONG_VARIABLES = {
    "TOKEN": "bad\ttoken",
    "SENDER": "\udc80",
    "BASE_URL": "http://user:secret@api.example.ir",
}


@EVERY
@pytest.mark.parametrize("setting", WRONG_VARIABLES)
def test_a_wrong_variable_is_named_by_check_and_not_shown(
    kind: type, setting: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = kind.__name__.removeprefix("Async").upper()
    monkeypatch.setenv(f"{name}_TOKEN", "token")
    monkeypatch.setenv(f"{name}_{setting}", WRONG_VARIABLES[setting])
    client = kind()
    with pytest.raises(ConfigurationError, match=f"{name}_{setting}") as caught:
        client.check()
    assert "secret" not in str(caught.value)
    monkeypatch.delenv(f"{name}_{setting}")
    monkeypatch.setenv(f"{name}_TOKEN", "token")
    client.check()


@EVERY
@pytest.mark.parametrize("setting", WRONG_VARIABLES)
def test_a_repr_never_raises_and_shows_no_secret(kind: type, setting: str, monkeypatch: pytest.MonkeyPatch) -> None:
    name = kind.__name__.removeprefix("Async").upper()
    monkeypatch.setenv(f"{name}_{setting}", WRONG_VARIABLES[setting])
    shown = repr(kind())
    assert "secret" not in shown
    assert "bad" not in shown
    assert (f"<invalid {name}_{setting}>" in shown) is (setting != "TOKEN")


@EVERY
def test_a_client_that_could_not_be_made_has_a_repr_too(kind: type) -> None:
    client = object.__new__(kind)
    with pytest.raises(ConfigurationError):
        client.__init__("token", timeout=0)
    assert repr(client).startswith(kind.__name__)


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
        async with asyncio.timeout(30):
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
def test_an_option_changes_only_the_new_client(kind: type) -> None:
    client = kind("token", sender=line_of(kind, "5000"), base_url="https://a.ir")
    other = client.with_options(sender=line_of(kind, "6000"))
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
