"""The shop under two web servers, with a small load. ``nox -s servers`` has every server and database, and kills."""

from __future__ import annotations

from pathlib import Path

import pytest
from django_servers import kill_both_in_the_middle, serve_and_send
from django_shop import shop_on_postgresql, shop_on_sqlite
from services import Postgres

REQUESTS = 20


async def test_gunicorn_on_sqlite_loses_no_order_and_sends_each_once(tmp_path: Path):
    await serve_and_send("gunicorn", shop_on_sqlite(tmp_path), tmp_path, REQUESTS)


@pytest.mark.exhaustive
async def test_uvicorn_on_postgresql_loses_no_order_and_sends_each_once(tmp_path: Path, postgres: Postgres):
    await serve_and_send("uvicorn", shop_on_postgresql(postgres), tmp_path, REQUESTS)


@pytest.mark.exhaustive
async def test_a_killed_site_and_worker_lose_no_order_and_send_none_twice(tmp_path: Path, postgres: Postgres):
    await kill_both_in_the_middle("gunicorn", shop_on_postgresql(postgres), tmp_path, REQUESTS)
