"""``manage.py`` of the nodes that are Django's workers: ``python -m queue_django sms_worker``."""

import os
import sys

from django.conf import settings

from smscore.queue import accounts

# A worker that dies is missed after the lease that the test names, not after the half minute of production.
accounts.LEASE_MARGIN = float(os.environ["SHOP_LEASE"]) - float(os.environ["SHOP_TOTAL"])  # type: ignore[misc]


def _database() -> dict[str, object]:
    url = os.environ["SHOP_DB"]
    if url.startswith("sqlite:///"):
        options = {"init_command": "PRAGMA journal_mode=WAL", "transaction_mode": "IMMEDIATE", "timeout": 20}
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": url.removeprefix("sqlite:///"), "OPTIONS": options}
    from psycopg.conninfo import conninfo_to_dict

    parts = conninfo_to_dict(url)
    return {
        "ENGINE": "django.db.backends.postgresql",
        **{name.upper(): str(parts.get(name, "")) for name in ("user", "password", "host", "port")},
        "NAME": parts["dbname"],
        "OPTIONS": {"options": f"-c search_path={os.environ['SHOP_SCHEMA']}"},
    }


def _account(name: str) -> dict[str, object]:
    upper = name.upper()
    options = {
        "base_url": os.environ[f"{upper}_BASE_URL"],
        "timeout": float(os.environ["SHOP_TOTAL"]),
        "batch_size": int(os.environ.get("SHOP_BATCH", "100")),
    }
    return {
        "PROVIDER": name,
        "TOKEN": os.environ[f"{upper}_TOKEN"],
        "SENDER": os.environ[f"{upper}_SENDER"],
        "OPTIONS": options,
    }


settings.configure(
    SECRET_KEY="only for tests" * 4,
    INSTALLED_APPS=["smscore.contrib.django"],
    DATABASES={"default": _database()},
    PAYAMAK={name: _account(name) for name in ("sepahan", "najva")},
    PAYAMAK_TEST_BACKEND="sandbox",
    USE_TZ=True,
)

if __name__ == "__main__":
    from django.core.management import execute_from_command_line

    slots = os.environ.get("SHOP_SLOTS", "4")
    execute_from_command_line(["manage.py", *sys.argv[1:], f"--slots={slots}", "--receive-every=3600"])
