"""Bodies that are compressed: read in bounded pieces, and refused where they are too large or broken."""

import asyncio
import gzip
import json
import zlib
from typing import Any

import aiohttp
import pytest

from smscore.sandbox import Sandbox

SEND = json.dumps({"message": "a", "sender": "90000123", "receivers": ["09123456789"]}).encode()
MIB = 1024 * 1024


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


def bomb(size: int) -> bytes:
    """Gzip of so many spaces."""
    packer = zlib.compressobj(9, wbits=16 + zlib.MAX_WBITS)
    return b"".join(packer.compress(b" " * MIB) for _ in range(size // MIB)) + packer.flush()


@pytest.mark.parametrize(
    ("encoding", "data"),
    [
        ("gzip", gzip.compress(SEND, mtime=0)),
        ("GZIP", gzip.compress(SEND, mtime=0)),
        ("x-gzip", gzip.compress(SEND, mtime=0)),
        ("gzip", gzip.compress(SEND[:20], mtime=0) + gzip.compress(SEND[20:], mtime=0)),
        ("deflate", zlib.compress(SEND)),
        ("deflate", raw_deflate(SEND)),
        ("identity", SEND),
    ],
)
async def test_a_compressed_body_is_read(najva: Any, encoding: str, data: bytes) -> None:
    answer = await najva("POST", "/v2/sms/send", data=data, headers={"Content-Encoding": encoding})
    assert answer.status == 200


@pytest.mark.parametrize(
    ("encoding", "data"),
    [
        ("gzip", gzip.compress(SEND, mtime=0)[:-9]),
        ("gzip", gzip.compress(SEND, mtime=0) + b"rest"),
        ("gzip", SEND),
        ("gzip", gzip.compress(SEND, mtime=0)[:-4] + b"\0\0\0\0"),
        ("deflate", b"\xff\xff\xff"),
        ("br", SEND),
        ("gzip, gzip", gzip.compress(gzip.compress(SEND, mtime=0), mtime=0)),
    ],
)
async def test_a_body_that_is_not_in_its_encoding_is_refused(najva: Any, encoding: str, data: bytes) -> None:
    answer = await najva("POST", "/v2/sms/send", data=data, headers={"Content-Encoding": encoding})
    assert answer.status == 400


@pytest.mark.parametrize("path", ["/v2/sms/send", "/v2/sms/status"])
async def test_a_bomb_is_refused_while_the_loop_goes_on(najva: Any, path: str) -> None:
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    data = bomb(160 * MIB)
    counting = asyncio.create_task(count())
    answer = await najva("POST", path, data=data, headers={"Content-Encoding": "gzip"})
    counting.cancel()
    assert answer.status == 413
    assert turns > 128  # once a MiB at least


async def test_a_bomb_is_refused_by_the_sandboxs_own_interface(rest: Any) -> None:
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    async with rest.session.put(f"{rest.origin}/api/clock", data=bomb(2 * MIB), headers=headers) as answer:
        assert answer.status == 413


async def test_a_compressed_body_of_the_sandboxs_own_interface_is_read(rest: Any) -> None:
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    data = gzip.compress(b'{"advance": 1}', mtime=0)
    async with rest.session.put(f"{rest.origin}/api/clock", data=data, headers=headers) as answer:
        assert answer.status == 200


async def test_what_is_compressed_to_nothing_has_an_end_too(session: aiohttp.ClientSession) -> None:
    """Blocks of deflate without contents: the body never grows, what comes does."""
    empty = b"\x00\x00\x00\xff\xff" * 400_000
    async with Sandbox() as box:
        url = box.url("najva").replace("/najva", "/api/clock")
        headers = {"Content-Encoding": "deflate", "Content-Type": "application/json"}
        async with session.put(url, data=iter_of(b"\x78\x01" + empty), headers=headers) as answer:
            assert answer.status == 413


async def iter_of(data: bytes) -> Any:
    for start in range(0, len(data), 65536):
        yield data[start : start + 65536]
