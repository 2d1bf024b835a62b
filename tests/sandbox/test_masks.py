"""The token of a request is nowhere in what the sandbox shows and keeps of it, however it is spelled."""

import base64
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smscore.sandbox import Sandbox
from smscore.sandbox.memory.masks import mask_of

TOKEN = "s3cret/Tok+en=42"
MASK = mask_of(TOKEN)


def in_base64(before: bytes, token: str, after: bytes, *, altchars: bytes = b"+/") -> bytes:
    return base64.b64encode(before + token.encode() + after, altchars)


def lower_escapes(token: str) -> str:
    return "".join(f"%{byte:02x}" for byte in token.encode())


def json_escapes(token: str) -> str:
    return "".join(f"\\u{ord(character):04X}" for character in token)


SPELLINGS: dict[str, Callable[[str], bytes]] = {
    "itself": str.encode,
    "in a query": lambda token: quote(token, safe="").encode(),
    "in a path": lambda token: quote(token).encode(),
    "in a form": lambda token: quote_plus(token).encode(),
    "every byte escaped": lambda token: lower_escapes(token).encode(),
    "in JSON": lambda token: json.dumps(token).strip('"').encode(),
    "in JSON of PHP": lambda token: json.dumps(token).strip('"').replace("/", "\\/").encode(),
    "every character escaped": lambda token: json_escapes(token).encode(),
    "as a password": lambda token: in_base64(b"user:", token, b""),
    "as a name": lambda token: in_base64(b"", token, b":password"),
    "in Base64 at a second place": lambda token: in_base64(b"a", token, b"zz"),
    "in Base64 at a third place": lambda token: in_base64(b"ab", token, b"z"),
    "in Base64 of URLs": lambda token: in_base64(b"\xfe\xff", token, b"\xff", altchars=b"-_"),
    "in Base64 in a query": lambda token: quote(in_base64(b"\xfb\xff", token, b"\xff")).encode(),
}


@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS)
@pytest.mark.parametrize("token", [TOKEN, "0f3c9a7e-5b21-4d66-9e3b-1a2b3c4d5e6f", "nAjVa.token~x-y_z", "رمز عبور"])
def test_a_token_is_hidden_in_every_spelling(spelling: Callable[[str], bytes], token: str) -> None:
    written = spelling(token)
    shown = mask_of(token)(b"before " + written + b" after")
    assert shown.startswith(b"before ")
    assert shown.endswith(b" after")
    assert b"***" in shown
    assert len(shown) < len(b"before  after") + 24  # what Base64 has of its neighbours


@pytest.mark.parametrize("token", ["any", "t", "token", "sandbox"])
@pytest.mark.parametrize(
    "written", ["{}", '{{"a":"{}"}}', "?a={}&b=1", "/{}/", "a%20{}", "a\\n{}", "a\\u0020{}", "Bearer {}"]
)
def test_a_short_token_is_hidden_where_it_stands_alone(token: str, written: str) -> None:
    assert mask_of(token)(written.format(token).encode()) == written.format("***").encode()


@pytest.mark.parametrize("token", ["any", "t", "to"])
@pytest.mark.parametrize("spell", ["{}", "{}:", ":{}"])
def test_a_short_token_is_hidden_in_the_basic_scheme(token: str, spell: str) -> None:
    encoded = base64.b64encode(spell.format(token).encode())
    assert mask_of(token)(b"Basic " + encoded).rstrip(b"=") == b"Basic ***"


def test_a_short_token_is_left_in_longer_words() -> None:
    assert mask_of("any")(b"company, many") == b"company, many"


@given(st.text(st.characters(codec="utf-8"), min_size=8, max_size=40), st.binary(max_size=40), st.binary(max_size=40))
def test_any_token_is_hidden_in_anything(token: str, before: bytes, after: bytes) -> None:
    assert token.encode() not in mask_of(token)(before + token.encode() + after)


@pytest.mark.parametrize("size", range(40, 60))
def test_what_is_cut_ends_with_no_piece_of_the_token(size: int) -> None:
    data = b"x" * 40 + (TOKEN.encode() + b" ") * 50
    shown = MASK.beginning(data, size)
    assert len(shown) <= size
    assert b"s3c" not in shown


def test_what_is_not_cut_is_shown_to_its_end() -> None:
    assert MASK.beginning(b"abc " + TOKEN.encode() + b" def", 100) == b"abc *** def"


# In the sandbox

ELSEWHERE = [
    lambda token: ("?key=" + quote(token, safe=""), {}, {}),
    lambda token: ("?" + quote(token, safe="") + "=1", {}, {}),
    lambda token: ("", {"X-Custom": token}, {}),
    lambda token: ("", {"X-Custom": f"Bearer {token}"}, {}),
    lambda token: ("", {"Referer": "http://localhost/?t=" + quote(token, safe="")}, {}),
    lambda token: ("", {"X-Forwarded-Basic": "Basic " + in_base64(b"user:", token, b"").decode()}, {}),
    lambda token: ("", {}, {"file_id": None, "comment": token}),
    lambda token: ("", {}, {"message": f"text with {token}"}),
    lambda token: ("", {}, {token: 1}),
]


@pytest.mark.parametrize("elsewhere", ELSEWHERE)
async def test_no_token_is_in_the_raw_view_or_in_the_store(
    tmp_path: Path, session: Any, elsewhere: Callable[[str], tuple[str, dict[str, str], dict[str, Any]]]
) -> None:
    query, headers, fields = elsewhere(TOKEN)
    body = {"message": "a", "sender": "90000123", "receivers": ["09123456789"], **fields}
    async with Sandbox(store=tmp_path / "a.db") as box:
        url = box.url("najva") + "/v2/sms/send" + query
        sent = {"Authorization": f"Bearer {TOKEN}", **headers}
        async with session.post(url, json=body, headers=sent) as answer:
            assert answer.status == 200
        async with session.get(box.url("najva").replace("/najva", "/api/messages/1")) as answer:
            shown = await answer.json()
    for part in ("request", "answer"):
        text = json.dumps(shown[part])
        assert "s3cret" not in text
        assert in_base64(b"user:", TOKEN, b"")[8:20].decode() not in text
    assert "***" in json.dumps(shown["request"])
    with closing(sqlite3.connect(tmp_path / "a.db")) as store:
        rows = store.execute("SELECT path, headers, body, answer FROM exchanges").fetchall()
    assert "s3cret" not in repr(rows)
