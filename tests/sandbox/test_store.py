"""What survives a restart where the memory is a file, and what is forgotten where it is full."""

import asyncio
import os
import sqlite3
import stat
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from sandbox.bodies import NUMBER, SENDS, ippanel_send, najva_send, sepahan_send

from smscore.sandbox import Sandbox, StoreError, server
from smscore.sandbox.memory import database, numbering, timeline
from smscore.sandbox.memory import exchanges as exchange
from smscore.sandbox.memory import state as state_module

NOON = 1_760_000_000.0
TOKENS = {"najva": "Bearer a token", "sepahan": "a token", "ippanel": "a token"}


async def send(box: Sandbox, provider: str, request: tuple[str, str, Any], token: str | None = None) -> Any:
    method, path, body = request
    headers = {"Authorization": token or TOKENS[provider]}
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, box.url(provider) + path, json=body, headers=headers) as response,
    ):
        return await response.json()


async def ask(box: Sandbox, path: str) -> Any:
    async with aiohttp.ClientSession() as session, session.get(box.url("najva")[: -len("/najva")] + path) as response:
        return await response.json()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "sandbox.db"


def stored(path: Path, **options: Any) -> Sandbox:
    return Sandbox(store=path, clock=lambda: NOON, **options)


# What survives


async def test_everything_that_matters_survives(path: Path) -> None:
    async with stored(path) as box:
        await send(box, "najva", najva_send("09120000001", "09120000002"))
        box.settle("najva", box.messages[0].message_id, 14)
        box.feed("sepahan", sender=NUMBER, number="50003300", text="لغو")
        box.set_credit("sepahan", "a token", 10**30)
        box.advance(60)
        before = box.messages, box.credit("najva", "a token"), await ask(box, "/api/messages?limit=3")
        details = [await ask(box, f"/api/messages/{seq}") for seq in (1, 2)]
    async with stored(path) as box:
        assert (box.messages, box.credit("najva", "a token"), await ask(box, "/api/messages?limit=3")) == before
        assert [await ask(box, f"/api/messages/{seq}") for seq in (1, 2)] == details
        assert box.credit("sepahan", "a token") == 10**30
        [row] = (await send(box, "sepahan", ("POST", "/api/SmsReport/Receive", {})))["value"]
        assert row["messageText"] == "لغو"
        ids = [message.message_id for message in box.messages]
        [entry] = (await send(box, "najva", najva_send()))["entries"]
        assert entry["messageid"] == max(ids) + 1
        statuses = await send(box, "najva", ("POST", "/v2/sms/status", {"messageids": ids}))
        assert [row["status"] for row in statuses["entries"]] == [14, 10]
        assert (await ask(box, "/api/messages?limit=1"))["messages"][0]["seq"] == 4


async def test_a_cancelled_message_stays_cancelled(path: Path) -> None:
    async with stored(path) as box:
        method, to, body = ippanel_send()
        answer = await send(box, "ippanel", (method, to, body | {"send_time": "2025-10-09 18:00:00"}))
        [given] = answer["data"]["message_outbox_ids"]
        await send(box, "ippanel", ("POST", "/api/send/cancel", {"message_outbox_id": given}))
    async with stored(path) as box:
        box.advance(86_400)
        assert (await ask(box, "/api/messages/1"))["status"] == "cancelled"


async def test_what_falls_due_meanwhile_happens_at_the_next_start(path: Path) -> None:
    now = [NOON]
    async with Sandbox(store=path, clock=lambda: now[0]) as box:
        await send(box, "najva", najva_send("09990000003"))
        assert box.credit("najva", "a token") == 999_999_000
    now[0] += 3600
    async with Sandbox(store=path, clock=lambda: now[0]) as box:
        await ask(box, "/api/clock")
        assert (box.messages[0].code, box.credit("najva", "a token")) == (14, 1_000_000_000)


async def test_what_falls_due_before_the_end_has_happened(path: Path) -> None:
    now = [NOON]
    async with Sandbox(store=path, clock=lambda: now[0]) as box:
        await send(box, "najva", najva_send("09990000003"))
        now[0] += 10
    now[0] += 10
    assert Sandbox(store=path, clock=lambda: now[0]).credit("najva", "a token") == 1_000_000_000


async def test_what_was_cleared_stays_cleared(path: Path) -> None:
    async with stored(path) as box:
        await send(box, "najva", najva_send())
        await send(box, "sepahan", sepahan_send())
    async with stored(path) as box:
        with box._state.lock:
            box._state.clear_provider("najva")
        await send(box, "najva", najva_send("09120000007"))
    box = stored(path)
    assert [(message.provider, message.recipient) for message in box.messages] == [
        ("sepahan", "+989123456789"),
        ("najva", "+989120000007"),
    ]
    assert box.credit("najva", "a token") == 999_999_000
    async with box:
        box.clear()
    box = stored(path)
    assert (box.messages, box.credit("najva", "a token")) == ([], 1_000_000_000)


async def test_the_file_keeps_as_many_as_the_memory(path: Path) -> None:
    async with stored(path, keep=10) as box:
        for place in range(25):
            await send(box, "najva", najva_send(f"0912{place:07}"))
    with closing(sqlite3.connect(path)) as connection:
        counts = [
            connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in ("messages", "exchanges")
        ]
    assert counts == [10, 10]
    assert [message.recipient for message in stored(path, keep=3).messages] == [
        f"+98912{place:07}" for place in (22, 23, 24)
    ]


async def test_a_killed_sandbox_loses_at_most_a_moment(path: Path) -> None:
    box = stored(path)
    await box.start()
    await send(box, "najva", najva_send())
    box._state.store.save(box._state)
    await kill(box)
    assert len(stored(path).messages) == 1


async def kill(box: Sandbox) -> None:
    """End it as ``kill -9`` does: nothing more is written."""
    box._state.store._connection.close()
    box._state.store._connection = None
    await box.stop()


@pytest.mark.parametrize("provider", SENDS)
async def test_no_id_is_given_twice_though_the_sandbox_is_killed(
    path: Path, provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "SAVE", 3600)
    monkeypatch.setattr(numbering, "RESERVED_AHEAD", 3)
    given: list[tuple[int, int]] = []
    for _ in range(3):
        box = stored(path)
        await box.start()
        for place in range(5):
            await send(box, provider, SENDS[provider](f"0912{place:07}"), "Bearer t" if provider == "najva" else "t")
        seqs = [message["seq"] for message in (await ask(box, "/api/messages"))["messages"]]
        given += zip(seqs, [message.message_id for message in reversed(box.messages)], strict=True)
        await kill(box)
    assert len(given) == 15
    assert [len(set(numbers)) for numbers in zip(*given, strict=True)] == [15, 15]


async def test_numbers_are_written_ahead_once_in_a_thousand(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with stored(path) as box:
        written: list[dict[str, int]] = []
        monkeypatch.setattr(box._state.store, "reserved", written.append)
        await send(box, "najva", najva_send(*[NUMBER] * 2500))
    assert len([numbers for numbers in written if set(numbers) == {"id:najva"}]) == 3


async def test_what_is_fed_between_two_runs_has_no_place_of_another_after_a_kill(path: Path) -> None:
    box = stored(path)
    box.feed("sepahan", sender=NUMBER, number="5000", text="between")
    await box.start()
    box.feed("sepahan", sender=NUMBER, number="5000", text="lost")
    await kill(box)
    assert stored(path)._state.timeline.last >= 2


async def test_a_full_disk_stops_no_request(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with stored(path) as box:

        def full(_: object) -> None:
            raise StoreError("no more room")

        with monkeypatch.context() as patch:
            patch.setattr(box._state.store, "reserved", full)
            assert (await send(box, "najva", najva_send()))["entries"]


async def test_it_is_written_while_it_runs(path: Path) -> None:
    async with stored(path) as box:
        await send(box, "najva", najva_send())
        saved = threading.Event()
        original = box._state.store.save
        box._state.store.save = lambda state: (original(state), saved.set())
        while not saved.is_set():
            await ask(box, "/api/clock")
        assert not box._state.store._unsaved.entries


async def test_what_is_done_between_two_runs_is_kept(path: Path) -> None:
    box = stored(path)
    box.feed("sepahan", sender=NUMBER, number="5000", text="before")
    async with box:
        pass
    box.feed("sepahan", sender=NUMBER, number="5000", text="between")
    async with box:
        pass
    assert [inbound.text for inbound in stored(path)._state.inbox] == ["before", "between"]


async def test_no_token_is_in_the_file(path: Path) -> None:
    async with stored(path) as box:
        await send(box, "najva", najva_send(), "Bearer very-secret-token")
    assert b"very-secret-token" not in await asyncio.to_thread(path.read_bytes)


# What is no store


async def test_one_file_is_one_sandboxs(path: Path) -> None:
    async with stored(path):
        with pytest.raises(StoreError, match="in use by another sandbox"):
            stored(path)
    first, second = stored(path), stored(path)
    async with second:
        with pytest.raises(StoreError, match="in use"):
            await first.start()
    with pytest.raises(StoreError, match="meanwhile"):
        await first.start()
    async with second:
        pass


def test_a_file_that_is_not_a_database_is_refused_and_left_alone(path: Path) -> None:
    path.write_text("somebody's notes " * 100)
    with pytest.raises(StoreError, match="is not a sandbox's store"):
        stored(path)
    assert path.read_text().startswith("somebody's notes")


def test_somebody_elses_database_is_refused_and_left_alone(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE customers (name TEXT)")
        connection.commit()
    before = path.read_bytes()
    with pytest.raises(StoreError, match="another program's database"):
        stored(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize(("step", "words"), [(1, "newer version"), (-1, "older version")])
async def test_a_store_of_another_version_is_refused(path: Path, step: int, words: str) -> None:
    async with stored(path):
        pass
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {database.VERSION + step}")
    with pytest.raises(StoreError, match=words):
        stored(path)


@pytest.mark.parametrize("name", ["", "none/sandbox.db"])
def test_a_folder_or_a_path_that_is_not_there_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(StoreError, match="cannot be opened"):
        stored(tmp_path / name)


DAMAGES = [
    "UPDATE messages SET text = x'ff'",
    "UPDATE messages SET received_at = 'noon'",
    "UPDATE messages SET starts_at = 9e999",
    "UPDATE messages SET message_id = 'a'",
    "UPDATE messages SET text = CAST(x'ff' AS TEXT)",
    "UPDATE inbound SET received_at = 1e300",
    "UPDATE exchanges SET body = 'a text'",
    "UPDATE accounts SET credit = '1,000'",
    "UPDATE facts SET value = 'late' WHERE name = 'now'",
    "ALTER TABLE inbound ADD COLUMN more",
    "DROP TABLE inbound",
]


@pytest.mark.parametrize("damage", DAMAGES)
async def test_a_damaged_row_is_a_store_error(path: Path, damage: str) -> None:
    async with stored(path) as box:
        await send(box, "najva", najva_send())
        box.feed("sepahan", sender=NUMBER, number="5000", text="a")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(damage)
        connection.commit()
    with pytest.raises(StoreError, match="is damaged"):
        stored(path)


async def test_a_file_whose_headers_are_damaged_is_still_shown(path: Path) -> None:
    async with stored(path) as box:
        await send(box, "najva", najva_send())
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE exchanges SET headers = 'no colon'")
        connection.commit()
    async with stored(path) as box:
        assert (await ask(box, "/api/messages/1"))["request"]["headers"] == {"no colon": ""}


async def test_a_page_after_millions_of_messages_costs_no_more_than_another(path: Path) -> None:
    async with stored(path) as box:
        await send(box, "najva", najva_send())
        await send(box, "najva", najva_send())
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE messages SET seq = 100000000 WHERE seq = 2")
        connection.execute("UPDATE facts SET value = 200000000 WHERE name = 'seq'")
        connection.commit()
    box = stored(path)
    start = time.thread_time()
    found = [
        [entry.seq for entry in box._state.timeline.newest_first(before=before)] for before in (100_000_000, 10**9)
    ]
    assert [entry.seq for entry in box._state.timeline.between(1, 10**9)] == [1, 100_000_000]
    assert found == [[1], [100_000_000, 1]]
    assert box._state.timeline.first == 1
    assert time.thread_time() - start < 0.5


async def test_a_failed_write_is_made_up_for(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with stored(path) as box:
        store = box._state.store
        await send(box, "najva", najva_send())
        with store._writing:
            store._connection.execute("DROP TABLE inbound")
        with pytest.raises(StoreError, match="is damaged"):
            store.save(box._state)
        with store._writing:
            store._connection.execute(
                "CREATE TABLE inbound (seq INTEGER PRIMARY KEY, provider, sender, number, text, received_at)"
            )
    assert [message.recipient for message in stored(path).messages] == ["+989123456789"]


@pytest.mark.parametrize("keep", [0, -1])
def test_keep_is_a_number_from_1_on(keep: int) -> None:
    with pytest.raises(ValueError, match="keep"):
        Sandbox(keep=keep)


# What is forgotten


async def test_the_oldest_messages_are_forgotten_everywhere() -> None:
    async with Sandbox(keep=3) as box:
        for place in range(5):
            await send(box, "najva", najva_send(f"0912{place:07}"))
        account = box._state.account("najva", "a token")
        assert [message.recipient[-1] for message in box.messages] == ["2", "3", "4"]
        assert len(account.messages) == len(account.by_id) == 3
        statuses = await send(box, "najva", ("POST", "/v2/sms/status", {"messageids": [2**53 + 1, 2**53 + 5]}))
        assert [row["status"] for row in statuses["entries"]] == [100, 1]
        assert (await ask(box, "/api/messages/1")).keys() == {"error"}


async def test_inbound_messages_count_too_and_are_forgotten_with_their_marks() -> None:
    async with Sandbox(keep=2) as box:
        for text in ("a", "b", "c"):
            box.feed("sepahan", sender=NUMBER, number="5000", text=text)
            await send(box, "sepahan", ("POST", "/api/SmsReport/Receive", {}))
        assert [inbound.text for inbound in box._state.inbox] == ["b", "c"]
        [seen] = box._state.account("sepahan", "a token").owned.values()
        assert len(seen.inbound) == 2


async def test_texts_have_an_end_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timeline, "MAX_CHARACTERS", 10_000)
    async with Sandbox() as box:
        for _ in range(5):
            await send(box, "najva", najva_send(text="a" * 3000))
        assert len(box.messages) == 3


async def test_raw_requests_have_an_end_together_and_the_oldest_is_cut_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "MAX_BYTES", 20_000)
    async with Sandbox() as box:
        for _ in range(3):
            await send(box, "najva", najva_send(text="a" * 5000))
        first, last = await ask(box, "/api/messages/1"), await ask(box, "/api/messages/3")
    assert (first["request"]["body"], first["request"]["cut"], first["answer"]["cut"]) == ("", True, True)
    assert (len(last["request"]["body"]) > 5000, last["request"]["cut"]) == (True, False)


async def test_of_many_accounts_the_one_longest_not_used_is_closed(monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    monkeypatch.setattr(state_module, "MAX_ACCOUNTS", 2)
    async with stored(path) as box:
        for name in ("first", "second", "first", "third"):
            await send(box, "najva", najva_send(), f"Bearer {name}")
        assert len(box._state.accounts) == 2
        credits_ = [box.credit("najva", name) for name in ("first", "third")]
    assert credits_ == [999_998_000, 999_999_000]
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM accounts").fetchone() == (2,)


async def test_plans_of_messages_that_are_forgotten_are_forgotten() -> None:
    async with Sandbox(keep=1) as box:
        state = box._state
        account = state.account("ippanel", "t")
        for _ in range(3000):
            message = state_module.Outbound("ippanel", account, 1, "+989120000000", "5", "a", 0, 0.0, 2e9)
            assert state.accept(account, [message])
        assert len(state.schedule) < 1100


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such rights")
@pytest.mark.parametrize("umask", [0o000, 0o022])
def test_only_their_owner_can_read_the_files(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        with Sandbox(store=tmp_path / "messages.db") as box:
            box.feed("sepahan", sender="09123456789", number="50003300", text="a")
            box._state.store.save(box._state)
            seen = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    finally:
        os.umask(before)
    assert "messages.db-wal" in seen
    assert set(seen.values()) == {0o600}


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such rights")
@pytest.mark.parametrize(("mode", "is_warned"), [(0o600, False), (0o640, True), (0o644, True)])
def test_a_store_that_others_can_read_is_warned_of(
    path: Path, mode: int, is_warned: bool, caplog: pytest.LogCaptureFixture
) -> None:
    stored(path)
    path.chmod(mode)
    stored(path)
    assert any("chmod 600" in record.getMessage() for record in caplog.records) is is_warned
    assert stat.S_IMODE(path.stat().st_mode) == mode  # its owner may have meant it
