"""Django's admin over a million messages in a PostgreSQL of its own: ``nox -s admin_bench``.

The messages are enqueued as a shop does, and their outcomes are written as a worker would; beside them stand 50,000
campaigns of one message, as orders are confirmed. Each page is asked for through Django's test client, with its
session and its user, and what is measured is all of that: its CPU, and the least and the median time. ``--messages``
is how many.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any, Final

import django
from attrs import frozen
from psycopg.conninfo import conninfo_to_dict
from queue_databases import Database, postgresql
from results import HERE, machine, table, write_part

ROUNDS: Final = 15
ORDERS: Final = 50_000
LIMIT_MS: Final = 100


def set_up(url: str) -> None:
    """Django with the settings of the shop, on this database."""
    parts = conninfo_to_dict(url)
    names = {"dbname": "PGDATABASE", "user": "PGUSER", "password": "PGPASSWORD", "host": "PGHOST", "port": "PGPORT"}
    os.environ |= {names[word]: str(value) for word, value in parts.items() if word in names}
    os.environ |= {"DJANGO_SETTINGS_MODULE": "bookshop.settings_postgres", "DEBUG": "0", "ALLOWED_HOSTS": "testserver"}
    os.environ |= {
        "NAJVA_TOKEN": "of-a-benchmark",
        "SEPAHAN_TOKEN": "of-a-benchmark",
        "IPPANEL_TOKEN": "of-a-benchmark",
    }
    sys.path.insert(0, str(HERE.parent / "examples" / "django_shop"))
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)


def fill(count: int) -> None:
    """A campaign of half of the messages, five of a tenth, and the confirmations of orders."""
    from smscore.contrib.django import sms

    first = 0
    for number, size in enumerate((count // 2, *[count // 10] * 5)):
        recipients = (f"09{n % 10**9:09}" for n in range(first, first + size))
        made = sms["news"].enqueue(recipients, "حراج نوروز", key=f"newsletter-{number}")
        end(made.id, paused=number == 5)
        first += size
    add_orders()
    run("UPDATE payamak_campaign SET state = 'cancelled' WHERE id % 9973 = 0 AND ended_at IS NOT NULL")
    run(INBOUND, ORDERS)
    run(SUPPRESSED, ORDERS)
    run("VACUUM ANALYZE")


def end(campaign: int, *, paused: bool) -> None:
    """Write the outcomes of its batches: one in a thousand is unknown, one in fifty not delivered."""
    from django.db import connection

    from smscore.queue.payloads import unpack
    from smscore.queue.store.batches import PLACE_BITS

    with connection.cursor() as cursor:
        cursor.execute("SELECT id, first, payload FROM payamak_batch WHERE campaign_id = %s ORDER BY id", [campaign])
        batches = cursor.fetchall()
        columns = "id, batch_id, position, recipient, outcome, message_id, delivery, delivery_at"
        with cursor.copy(f"COPY payamak_message ({columns}) FROM STDIN") as copy:
            for id_, first, stored in batches[: len(batches) // 2 if paused else None]:
                for place, number in enumerate(unpack(stored).numbers):
                    key = (id_ << PLACE_BITS) + place
                    is_unknown, is_lost = key % 1000 == 7, key % 50 == 3
                    copy.write_row(
                        (
                            *(key, id_, first + place, "+98" + number[1:], "unknown" if is_unknown else "accepted"),
                            *(
                                None if is_unknown else key,
                                None if is_unknown else "failed" if is_lost else "delivered",
                            ),
                            time.time(),
                        )
                    )
        cursor.execute(
            "UPDATE payamak_batch b SET state = 'done', ended_at = %s, accepted = size - lost, unknown = lost FROM "
            "(SELECT batch_id, count(*) FILTER (WHERE outcome = 'unknown') AS lost FROM payamak_message "
            "GROUP BY batch_id) m WHERE m.batch_id = b.id AND b.campaign_id = %s",
            [time.time(), campaign],
        )
        state, ended = ("paused", None) if paused else ("done", time.time())
        cursor.execute(
            "UPDATE payamak_campaign SET state = %s, ended_at = %s, next_at = NULL WHERE id = %s",
            [state, ended, campaign],
        )


def add_orders() -> None:
    """Campaigns of one message, each in a batch of its own."""
    run(
        "INSERT INTO payamak_campaign (id, key, account, kind, state, text, size, created_at, ended_at) "
        "SELECT (SELECT max(id) FROM payamak_campaign) + n, 'order-' || n, 'default', 'text', 'done', 'سفارش', 1, "
        "1.79e9 + n, 1.79e9 + n FROM generate_series(1, %s) n",
        ORDERS,
    )
    run(
        "INSERT INTO payamak_batch (id, campaign_id, account, chunk, first, size, state, accepted, ended_at) "
        "SELECT (SELECT max(id) FROM payamak_batch) + row_number() OVER (ORDER BY id), id, 'default', 0, 0, 1, 'done', "
        "1, ended_at FROM payamak_campaign WHERE account = 'default'"
    )
    run(
        "INSERT INTO payamak_message (id, batch_id, position, recipient, outcome, message_id, delivery) "
        "SELECT id << 20, id, 0, '+98912' || lpad((id % 10000000)::text, 7, '0'), 'accepted', id, 'delivered' "
        "FROM payamak_batch WHERE account = 'default'"
    )


INBOUND: Final = (
    "INSERT INTO payamak_inbound (account, digest, line, sender, text, raw, stored_at) SELECT 'news', '', '50003300', "
    "'0912' || lpad(n::text, 7, '0'), 'لغو۱۱', '{}', 1.79e9 + n FROM generate_series(1, %s) n"
)
SUPPRESSED: Final = (
    "INSERT INTO payamak_suppression (recipient, created_at) "
    "SELECT '+98912' || lpad(n::text, 7, '0'), 1.79e9 FROM generate_series(1, %s) n"
)


def run(sql: str, *values: object) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(sql, values or None)


def pages(count: int) -> dict[str, str]:
    """The address of each page, by what it shows."""
    from django.urls import reverse

    from smscore.contrib.django.models import Campaign, QueuedMessage

    def listed(model: str, query: str = "") -> str:
        return reverse(f"admin:payamak_{model}_changelist") + query

    big = Campaign.objects.get(key="newsletter-0").pk
    middle = QueuedMessage.objects.filter(batch__campaign=big).order_by("-pk")[count // 4].pk
    return {
        "campaigns": listed("campaign"),
        "campaigns that are paused": listed("campaign", "?state=paused"),
        "campaigns that were cancelled": listed("campaign", "?state=cancelled"),
        "campaigns of an account": listed("campaign", "?account=news"),
        f"a campaign of {count // 2:,}": reverse("admin:payamak_campaign_change", args=[big]),
        "messages": listed("queuedmessage"),
        "messages, in the middle": listed("queuedmessage", f"?before={middle}"),
        "messages to a number": listed("queuedmessage", "?q=0900+000+0042"),
        "messages to a number that has none": listed("queuedmessage", "?q=09999999999"),
        "messages that are unknown": listed("queuedmessage", "?outcome=unknown"),
        "messages that were rejected (none)": listed("queuedmessage", "?outcome=rejected"),
        "messages that failed": listed("queuedmessage", "?delivery=failed"),
        "a campaign's messages that are unknown": listed("queuedmessage", f"?campaign={big}&outcome=unknown"),
        "a message": reverse("admin:payamak_queuedmessage_change", args=[middle]),
        "accounts": listed("account"),
        "inbound messages": listed("inboundmessage"),
        "inbound messages of a number": listed("inboundmessage", "?q=09120000042"),
        "suppressed numbers": listed("suppression"),
        "a suppressed number": listed("suppression", "?q=09120000042"),
    }


@frozen
class Cost:
    """What a page costs, in milliseconds: of CPU (this process and the database's), and from asking to the answer."""

    cpu: float
    least: float
    median: float


def measured(call: Callable[[], Any], database: Database) -> Cost:
    """The cost of a page over some rounds, after two that warm up."""
    for _ in range(2):
        call()
    times: list[float] = []
    cpu = -(time.process_time() + database.cpu)
    for _ in range(ROUNDS):
        began = time.perf_counter()
        call()
        times.append(time.perf_counter() - began)
    cpu += time.process_time() + database.cpu
    return Cost(1000 * cpu / ROUNDS, 1000 * min(times), 1000 * statistics.median(times))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=1_000_000)
    count = parser.parse_args().messages
    with postgresql() as database:
        set_up(database.url)
        fill(count)
        from django.contrib.auth.models import User
        from django.db import connection
        from django.test import Client

        client = Client(headers={"accept-language": "fa"})
        client.force_login(User.objects.create_superuser("staff"))
        rows: list[list[str]] = []
        for name, address in pages(count).items():

            def ask(address: str = address) -> None:
                response = client.get(address)
                assert response.status_code == 200, (address, response.status_code)

            cost = measured(ask, database)
            rows.append([name, f"{cost.cpu:.0f}", f"{cost.least:.0f}", f"{cost.median:.0f}"])
            print(*rows[-1], sep="\t", flush=True)
        connection.close()
    slow = [row[0] for row in rows if float(row[1]) >= LIMIT_MS]  # of CPU: what it takes where nothing else runs
    words = (
        f"Django's admin over {count:,} messages and {ORDERS:,} orders in PostgreSQL: milliseconds for a page in "
        "Persian, with its session and its user. CPU is Django's and PostgreSQL's; the rest is until the answer."
    )
    words = "\n\n".join([words, table(["page", "CPU", "least", "median"], rows)])
    write_part("Admin", f"{machine()}\n\n{words}")
    if slow:
        sys.exit(f"over {LIMIT_MS} ms of CPU: {', '.join(slow)}")


if __name__ == "__main__":
    main()
