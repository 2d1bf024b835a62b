"""Who reported a delivery: a failover's providers may have the same message ids."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from django.db import migrations
from django.db.migrations.operations.base import Operation

from smscore.contrib.django.operations import QueueTables


class Migration(migrations.Migration):
    """Adds the provider to the delivery reports that wait for their messages."""

    dependencies: ClassVar[Sequence[tuple[str, str]]] = [("payamak", "0001_initial")]
    operations: ClassVar[Sequence[Operation]] = [QueueTables(2)]
