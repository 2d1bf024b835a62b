"""Limits that hold over all nodes: the rate in every second, and what an outage of a provider costs."""

from __future__ import annotations

import asyncio
import bisect
import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from ledger import Ledger
from queue_engines import running

NODES = SLOTS = 4


def most_in_a_second(times: Sequence[float]) -> int:
    ordered = sorted(times)
    return max(bisect.bisect_left(ordered, at + 1.0) - place for place, at in enumerate(ordered))


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
@pytest.mark.parametrize("rate", [10, 30])
async def test_a_rate_holds_in_every_second_over_all_nodes(
    engine: str, rate: int, ledger: Ledger, tmp_path: Path
) -> None:
    count = rate * 12
    settings = {"SHOP_BATCH": "1", "SHOP_RATE": str(rate), "SHOP_SLOTS": str(SLOTS)}
    async with running(engine, ledger, tmp_path, **settings) as setup:
        numbers = [f"0912{number:07}" for number in range(count)]
        with setup.nodes(NODES):
            await asyncio.sleep(3)  # all have started
            campaign = await setup.queue.enqueue("najva", numbers, "سلام")
            await setup.queue.wait(campaign, timeout=120)
        watch = setup.watch()
        rows = watch.rows("SELECT hops FROM payamak_batch")
        watch.close()
        assert rows is not None
        gone = [json.loads(hops)[-1]["at"] for (hops,) in rows]
    came = [one.at for one in ledger.accepted()]
    speed = (count - 1) / (max(gone) - min(gone))
    print(
        f"\n{rate}/s, {engine}: {speed:.2f}/s, most dispatched in a second {most_in_a_second(gone)}, "
        f"most at the server {most_in_a_second(came)}"
    )
    assert len(came) == count
    assert most_in_a_second(gone) <= rate
    assert most_in_a_second(came) <= rate + 1


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
async def test_an_outage_of_six_seconds_costs_what_is_in_flight_and_the_probes(
    engine: str, ledger: Ledger, tmp_path: Path
) -> None:
    async with running(engine, ledger, tmp_path) as setup:
        numbers = [f"0912{number:07}" for number in range(60_000)]
        with setup.nodes(2):
            campaign = await setup.queue.enqueue("najva", numbers, "سلام")
            while (await setup.queue.counts(campaign)).accepted < 2000:
                await asyncio.sleep(0.05)
            ledger.fail("server_error", provider="najva")
            await asyncio.sleep(6)
            ledger.clear_faults()
            async with asyncio.timeout(180):
                while (await setup.queue.counts(campaign)).waiting:
                    await asyncio.sleep(0.3)
            counts = await setup.queue.counts(campaign)
            account = await setup.queue.account("najva")
    print(f"\noutage of 6 s, {engine}: {counts}, {account}")
    assert not account.held
    assert counts.unknown <= (2 * 4 + 2) * 100  # two nodes of four slots, and the probes of six seconds
    assert counts.accepted + counts.unknown == len(numbers)
