"""Sandboxes in several threads of one process."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec
import pytest
from attrs import frozen

from smscore.sandbox.api.serving import converted
from smscore.sandbox.emulation import read_json
from smscore.sandbox.replies import Reply


@frozen
class Told:
    text: str


class OneAtATime:
    """Does what a function does, slowly, and counts how many are in it."""

    def __init__(self, does: Callable[..., Any]) -> None:
        self.does = does
        self.at_work = self.most = 0

    def __call__(self, *args: Any, **options: Any) -> Any:
        self.at_work += 1
        self.most = max(self.most, self.at_work)
        time.sleep(0.01)
        self.at_work -= 1
        return self.does(*args, **options)


def in_eight_threads(work: Callable[[], Any]) -> list[Any]:
    start = threading.Barrier(8)

    def run(_: int) -> Any:
        start.wait()
        return work()

    with ThreadPoolExecutor(8) as pool:
        return [*pool.map(run, range(8))]


def test_one_thread_at_a_time_makes_a_decoder_of_a_body(monkeypatch: pytest.MonkeyPatch) -> None:
    make = OneAtATime(msgspec.json.Decoder)
    monkeypatch.setattr(msgspec.json, "Decoder", make)
    assert in_eight_threads(lambda: read_json(b'{"text": "x"}', Told, Reply(400, {}))) == [Told("x")] * 8
    assert make.most == 1


def test_one_thread_at_a_time_finds_out_the_parameters_of_a_route(monkeypatch: pytest.MonkeyPatch) -> None:
    convert = OneAtATime(msgspec.convert)
    monkeypatch.setattr(msgspec, "convert", convert)
    assert in_eight_threads(lambda: converted({"text": "x"}, Told)) == [Told("x")] * 8
    assert convert.most == 1
