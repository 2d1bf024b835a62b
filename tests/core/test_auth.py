"""Where a token travels: each place puts it into a request where a server then finds it, and nowhere else."""

from __future__ import annotations

import json
from urllib.parse import parse_qs, unquote

import pytest

from smscore.auth import BodyToken, Credentials, HeaderToken, PathToken, QueryToken, Received
from smscore.masking import Secret
from smscore.wire.endpoint import Content, Endpoint, FormContent, Provider, Request, request_for

TOKEN = "a/b c+d&é"
PLACES = [
    HeaderToken(),
    HeaderToken(scheme="Bearer"),
    HeaderToken(name="X-Api-Key"),
    PathToken(),
    QueryToken("apikey"),
    BodyToken("key"),
]


def made(credentials: Credentials, content: Content, *, of_call: bool = False) -> Request:
    path = "/v1/{token}/send" if isinstance(credentials, PathToken) else "/v1/send"
    endpoint = Endpoint[None, None](
        "send", "POST", path, lambda _: content, lambda *_: None, credentials=credentials if of_call else None
    )
    provider = Provider("nobody", "https://nobody.example", HeaderToken() if of_call else credentials)
    return request_for(endpoint, None, provider=provider, base_url="https://nobody.example", token=Secret(TOKEN))


def received(request: Request) -> Received:
    body = request.body if isinstance(request.body, bytes) else b""
    is_form = request.headers.get("Content-Type", "").endswith("urlencoded")
    fields = {name: values[0] for name, values in parse_qs(body.decode()).items()} if is_form else json.loads(body)
    segment = request.url.split("/")[4]
    return Received(request.headers, request.query, {} if segment == "send" else {"token": unquote(segment)}, fields)


@pytest.mark.parametrize("body", [b'{"text":"x"}', FormContent({"text": "x"})], ids=["json", "form"])
@pytest.mark.parametrize("credentials", PLACES, ids=repr)
def test_a_token_is_found_where_it_was_placed_and_nowhere_else(credentials: Credentials, body: bytes | FormContent):
    request = received(made(credentials, Content(body)))
    assert credentials.find(request) == TOKEN
    assert [other for other in PLACES if other is not credentials and other.find(request)] == []
    assert request.fields["text"] == "x"


@pytest.mark.parametrize("credentials", PLACES, ids=repr)
def test_a_call_may_have_its_token_elsewhere(credentials: Credentials):
    request = received(made(credentials, Content(b"{}"), of_call=True))
    assert credentials.find(request) == TOKEN


def test_a_bare_token_is_not_taken_out_of_another_scheme():
    for value in ("Bearer abc", "basic abc", "AccessKey abc"):
        assert HeaderToken().find(Received({"Authorization": value}, {}, {}, {})) is None
    assert HeaderToken(scheme="Bearer").find(Received({"Authorization": "Token abc"}, {}, {}, {})) is None


def test_a_form_body_says_what_it_is():
    request = made(HeaderToken(), Content(FormContent({"text": "سلام & co"})))
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert parse_qs(request.body.decode()) == {"text": ["سلام & co"]}  # type: ignore[union-attr]
