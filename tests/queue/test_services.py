"""The services that the queue's tests use: each test has a place of its own, and a missing service says so."""

import kombu
import psycopg
import pytest
import redis
from services import POSTGRES, REQUIRED, Postgres, RabbitMQ

pytest_plugins = ("pytester",)


def test_a_test_has_an_empty_schema_of_its_own(postgres: Postgres) -> None:
    with psycopg.connect(postgres.url, options=f"-csearch_path={postgres.schema}") as connection:
        connection.execute("CREATE TABLE here (x int)")
        found = connection.execute("SELECT schemaname FROM pg_tables WHERE tablename = 'here'").fetchall()
    assert found == [(postgres.schema,)]


def test_a_test_has_a_redis_database_of_its_own(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as here:
        assert here.dbsize() == 0
        here.set("a", "b")
        assert here.dbsize() == 1
    assert not redis_url.endswith("/0")


def test_a_test_has_queues_of_its_own(rabbitmq: RabbitMQ) -> None:
    with kombu.Connection(rabbitmq.url) as connection:
        queue = connection.SimpleQueue(f"{rabbitmq.prefix}here", queue_opts={"auto_delete": True})
        queue.put("a")
        assert queue.get(timeout=10).payload == "a"
        queue.close()


RUN = """
from services import postgres

def test_it(postgres):
    pass
"""


@pytest.mark.parametrize(("required", "outcome"), [("0", "skipped"), ("1", "errors")])
def test_a_missing_service_skips_in_one_line_and_fails_where_it_is_required(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, required: str, outcome: str
) -> None:
    pytester.makepyfile(RUN)
    monkeypatch.setenv(POSTGRES, "postgresql://postgres@127.0.0.1:1/test")
    monkeypatch.setenv(REQUIRED, required)
    pytester.makeini("[pytest]")
    ran = pytester.runpytest_inprocess("-rsE", "-p", "no:cacheprovider", "-p", "no:asyncio")
    ran.assert_outcomes(**{outcome: 1})
    ran.stdout.fnmatch_lines([f"*no PostgreSQL at 127.0.0.1:1 (*); start one, or set {POSTGRES} to its URL*"])
