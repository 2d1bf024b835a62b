"""IPPanel's own Python client is content with the sandbox: what it sends is understood, and what it gets a success."""

from collections.abc import Iterator

import pytest
import requests
from ippanel import Client

from smscore.sandbox import Sandbox, SandboxMessage


@pytest.fixture
def box(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")  # it reads the environment's proxies
    with Sandbox() as box:
        yield box


@pytest.fixture
def client(box: Sandbox) -> Iterator[Client]:
    client = Client("token", box.url("ippanel") + "/api")
    yield client
    client.session.close()


def succeeded(answer: dict, box: Sandbox) -> list[SandboxMessage]:
    """The messages that the sandbox took, the answer being a success that names them."""
    assert answer["meta"]["status"] is True
    assert {message.message_id for message in box.messages} == set(answer["data"]["message_outbox_ids"])
    return box.messages


def test_it_sends_a_text_to_many(client: Client, box: Sandbox) -> None:
    answer = client.send_webservice("متن پیام", "+983000505", ["+989120000000", "+989350000000"])
    assert [(m.recipient, m.sender, m.text) for m in succeeded(answer, box)] == [
        ("+989120000000", "+983000505", "متن پیام"),
        ("+989350000000", "+983000505", "متن پیام"),
    ]


def test_it_sends_a_pattern(client: Client, box: Sandbox) -> None:
    box.set_pattern("ippanel", "aibg4dsfertj5ht", "%name%، کد شما %code%")
    answer = client.send_pattern("aibg4dsfertj5ht", "+983000505", "+989120000000", {"name": "سارا", "code": 45852})
    [message] = succeeded(answer, box)
    assert (message.recipient, message.text) == ("+989120000000", "سارا، کد شما 45852")


def test_it_sends_a_code_by_voice(client: Client, box: Sandbox) -> None:
    [message] = succeeded(client.send_votp(45852, "+989120000000"), box)
    assert (message.recipient, message.text) == ("+989120000000", "45852")


def test_it_sees_a_refusal(client: Client, box: Sandbox) -> None:
    with pytest.raises(requests.HTTPError) as caught:
        client.send_webservice("متن پیام", "+983000505", ["09120000000"])
    assert caught.value.response.status_code == 422
    assert box.messages == []
