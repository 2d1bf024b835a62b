"""What the migrations do: the queue's own SQL, by its own table of versions."""

from __future__ import annotations

from typing import Any

from django.db.migrations.operations.base import Operation

from smscore.contrib.django import conf
from smscore.contrib.django.database import DjangoTransaction
from smscore.queue import schema

__all__ = ["QueueTables"]


class QueueTables(Operation):
    """Bring the queue's tables to a version, where they do not have it: another program may have made them.

    Only ``PAYAMAK_DATABASE`` has them. The reverse of the first version drops them, with all that is in them.
    """

    reduces_to_sql = False
    reversible = True

    def __init__(self, version: int) -> None:
        self.version = version

    def state_forwards(self, app_label: str, state: Any) -> None:
        """Change nothing: another operation declares the models."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """Make or upgrade the tables."""
        if schema_editor.connection.alias == conf.database_alias():
            schema.upgrade(DjangoTransaction(schema_editor.connection), self.version)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """Drop the tables, from the first version; a later one changes nothing back."""
        if self.version == 1 and schema_editor.connection.alias == conf.database_alias():
            own = DjangoTransaction(schema_editor.connection)
            for table in schema.tables(own.dialect.name):
                own.run(f"DROP TABLE IF EXISTS {table}")

    def describe(self) -> str:
        """What it does, in words."""
        return f"Bring the queue's tables to version {self.version}"
