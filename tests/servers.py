"""The shop under every web server on both databases: 200 orders at once, and both processes killed in the middle.

Not a part of the ordinary run: ``nox -s servers``. SERVER_REQUESTS is how many orders.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from django_servers import SERVERS, kill_both_in_the_middle, serve_and_send
from django_shop import Shop, shop
from services import postgres

__all__ = ["postgres", "shop"]
REQUESTS = int(os.environ.get("SERVER_REQUESTS", "200"))


@pytest.mark.parametrize("server", SERVERS)
async def test_no_order_is_lost_and_each_is_sent_once(server: str, shop: Shop, tmp_path: Path):
    await serve_and_send(server, shop, tmp_path, REQUESTS)


@pytest.mark.parametrize("server", SERVERS)
async def test_what_is_killed_keeps_the_promises(server: str, shop: Shop, tmp_path: Path):
    await kill_both_in_the_middle(server, shop, tmp_path, REQUESTS)
