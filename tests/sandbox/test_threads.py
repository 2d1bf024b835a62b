"""Sandboxes in several threads of one process."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec
import pytest
from attrs import frozen

from smscore.sandbox.emulation import read_json
from smscore.sandbox.replies import Reply


@frozen
class Told:
    text: str


def test_one_thread_at_a_time_makes_a_decoder_of_a_body(monkeypatch: pytest.MonkeyPatch) -> None:
    at_work = most = 0
    make = msgspec.json.Decoder

    def slowly(shape: Any) -> Any:
        nonlocal at_work, most
        at_work += 1
        most = max(most, at_work)
        time.sleep(0.01)
        at_work -= 1
        return make(shape)

    monkeypatch.setattr(msgspec.json, "Decoder", slowly)
    start = threading.Barrier(8)

    def read(_: int) -> Told:
        start.wait()
        return read_json(b'{"text": "x"}', Told, Reply(400, {}))

    with ThreadPoolExecutor(8) as pool:
        assert [*pool.map(read, range(8))] == [Told("x")] * 8
    assert most == 1
