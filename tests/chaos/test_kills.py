"""The kill table: workers, their children, databases and brokers die at random moments, and the books are compared.

``CHAOS_KILLS`` (100) is how many, ``CHAOS_SEED`` makes the same choices again.
"""

import os
import random
from pathlib import Path

import pytest
from ledger import Ledger
from queue_engines import ENGINES, running
from queue_kills import Kills

KILLS = int(os.environ.get("CHAOS_KILLS", "100"))
SEED = int(os.environ.get("CHAOS_SEED", "0")) or random.randrange(1, 2**32)


@pytest.mark.parametrize("engine", ENGINES)
async def test_whatever_is_killed_nobody_is_sent_to_twice_or_lost(engine: str, ledger: Ledger, tmp_path: Path) -> None:
    ledger.fail("delay", seconds=0.4)
    async with running(engine, ledger, tmp_path) as setup:
        with setup.nodes(2) as nodes:
            kills = Kills(
                setup.queue,
                ledger,
                nodes,
                setup.watch(),
                setup.engine.victims,
                SEED,
                setup.database,
                setup.broker,
                lease=setup.lease,
                busy=setup.engine.busy,
            )
            report = await kills.run(KILLS, within=setup.lease + 60)
    print(f"\n{report.line(engine)}, seed {SEED}", *report.verdict.examples, sep="\n")
    assert report.verdict.is_right, report.verdict.examples
    assert report.verdict.recipients > 0
    assert report.longest <= setup.lease + 3
