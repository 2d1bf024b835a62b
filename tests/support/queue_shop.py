"""The program that the nodes of the queue's tests run: a queue with an account of each kind of provider.

Its settings are environment variables, as each node is a process of its own: ``SHOP_DB`` (URL), ``SHOP_SCHEMA``,
``SHOP_LEASE`` and ``SHOP_TOTAL`` (seconds), ``SHOP_BATCH`` (recipients a batch), ``SHOP_RATE`` (batches a second over
all nodes), ``SHOP_SLOTS``, ``SHOP_BROKER`` (URL) and ``SHOP_PREFIX`` (of the broker's queues).
"""

from __future__ import annotations

import os
from typing import Any

from najva_sms import AsyncNajva
from sepahan_sms import AsyncSepahan
from smscore import Timeouts
from smscore.queue import AsyncSendQueue

SLOTS = int(os.environ.get("SHOP_SLOTS", "4"))


def _settings() -> dict[str, Any]:
    rate = float(os.environ.get("SHOP_RATE", "0"))
    total = float(os.environ.get("SHOP_TOTAL", "2"))
    return {
        "timeout": Timeouts(connect=total, read=total, total=total),
        "batch_size": int(os.environ.get("SHOP_BATCH", "100")),
        "rate_limit": rate or None,
    }


def make_queue() -> AsyncSendQueue:
    return AsyncSendQueue(
        os.environ["SHOP_DB"],
        {"sepahan": AsyncSepahan(**_settings()), "najva": AsyncNajva(**_settings())},
        schema=os.environ.get("SHOP_SCHEMA") or None,
        lease=float(os.environ.get("SHOP_LEASE", "4")),
    )


queue = make_queue()
