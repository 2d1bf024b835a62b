"""Two that change a campaign at the same moment: whichever comes first, everybody has an outcome."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import closing
from typing import Any

from services import Postgres

from smscore.queue import CampaignState, Counts, schema
from smscore.queue.databases.postgresql import PostgreSQLDatabase
from smscore.queue.payloads import Payload
from smscore.queue.store import accounts, campaigns, claims, loading, reading, splitting
from smscore.queue.store.claims import Lane

LEASE = 60.0


def test_who_is_split_off_while_the_campaign_is_cancelled_is_told_so(postgres: Postgres) -> None:
    with closing(PostgreSQLDatabase(postgres.url, schema=postgres.schema)) as database:

        def write(work: Callable[..., Any], *args: Any) -> Any:
            return database.write(lambda transaction: work(transaction, *args))

        schema.create(database)
        write(accounts.register, ["shop"])
        payload = Payload([f"0912000000{place}" for place in range(5)])
        new = loading.NewCampaign("shop", "text", text="text")
        campaign = write(loading.load, new, [loading.NewBatch(0, 0, payload)], None, LEASE)
        (batch,) = write(claims.claim, [Lane("shop")], 1, LEASE).batches
        cancelling = threading.Thread(target=write, args=(campaigns.cancel, campaign.id))
        with database.writing() as transaction:
            assert splitting.split(transaction, batch, 2) is not None
            cancelling.start()
            (own,) = transaction.rows("SELECT pg_backend_pid()")[0]
            while not _waits_for(database, own):
                time.sleep(0.01)
        cancelling.join()
        assert write(campaigns.get, campaign.id).state is CampaignState.CANCELLED
        assert write(reading.counts, campaign.id) == Counts(not_sent=5)


def _waits_for(database: PostgreSQLDatabase, pid: int) -> bool:
    question = "SELECT 1 FROM pg_stat_activity WHERE %s = ANY(pg_blocking_pids(pid))"
    return database.read(lambda transaction: transaction.row(question, pid)) is not None
