"""The shop of examples/django_shop in processes of its own: its commands, its worker, and its site under a server."""

from __future__ import annotations

import os
from pathlib import Path

import attrs
import pytest
from django_project import managed
from psycopg.conninfo import conninfo_to_dict
from services import Postgres

SHOP = Path(__file__).parents[2] / "examples" / "django_shop"
_FOREIGN = ("PYTEST", "PAYAMAK", "DJANGO", "PG", "SHOP", "NAJVA", "IPPANEL", "SEPAHAN")


@attrs.frozen
class Shop:
    """The shop with a database of the test's own; ``variables`` are its environment's."""

    variables: dict[str, str]

    def environment(self, **more: str) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
        return {**kept, "PYTHONPATH": os.fspath(SHOP), "PYTHONUNBUFFERED": "1", **self.variables, **more}

    def manage(self, *words: str, **more: str) -> str:
        """What a command printed; the test fails with that if the command does."""
        return managed(SHOP, self.environment(**more), *words)


def shop_on_sqlite(folder: Path) -> Shop:
    return Shop({"DJANGO_SETTINGS_MODULE": "bookshop.settings", "SHOP_DATABASE": os.fspath(folder / "shop.db")})


def shop_on_postgresql(found: Postgres) -> Shop:
    parts = conninfo_to_dict(found.url)
    names = {"dbname": "PGDATABASE", "user": "PGUSER", "password": "PGPASSWORD", "host": "PGHOST", "port": "PGPORT"}
    variables = {names[word]: str(value) for word, value in parts.items() if word in names and value is not None}
    options = {"PGOPTIONS": f"-c search_path={found.schema}", "PGAPPNAME": found.schema}
    return Shop({"DJANGO_SETTINGS_MODULE": "bookshop.settings_postgres", **variables, **options})


@pytest.fixture(params=["sqlite", "postgresql"])
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Shop:
    if request.param == "sqlite":
        return shop_on_sqlite(tmp_path)
    return shop_on_postgresql(request.getfixturevalue("postgres"))
