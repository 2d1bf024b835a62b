"""The queue's tables, and the models that read them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import django.db.models.deletion
from django.db import migrations, models
from django.db.migrations.operations.base import Operation

import smscore.contrib.django.fields
from smscore.contrib.django.operations import QueueTables


class Migration(migrations.Migration):
    """The first one."""

    initial: ClassVar[bool | None] = True
    dependencies: ClassVar[Sequence[tuple[str, str]]] = []
    operations: ClassVar[Sequence[Operation]] = [
        QueueTables(1),
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.CreateModel(
                    name="Campaign",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                primary_key=True, auto_created=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("key", models.TextField(null=True, unique=True)),
                        ("account", models.TextField()),
                        ("kind", models.TextField()),
                        ("state", models.TextField()),
                        ("reason", models.TextField(null=True)),
                        ("text", models.TextField(null=True)),
                        ("sender", models.TextField(null=True)),
                        ("size", models.IntegerField(default=0)),
                        ("priority", models.IntegerField(default=0)),
                        ("not_before", smscore.contrib.django.fields.UnixTimeField(null=True)),
                        ("expires", smscore.contrib.django.fields.UnixTimeField(null=True)),
                        ("created_at", smscore.contrib.django.fields.UnixTimeField()),
                        ("ended_at", smscore.contrib.django.fields.UnixTimeField(null=True)),
                    ],
                    options={"db_table": "payamak_campaign", "base_manager_name": "objects"},
                ),
                migrations.CreateModel(
                    name="InboundMessage",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                primary_key=True, auto_created=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("account", models.TextField()),
                        ("message_id", models.BigIntegerField(null=True)),
                        ("line", models.TextField()),
                        ("sender", models.TextField()),
                        ("text", models.TextField()),
                        ("received_at", smscore.contrib.django.fields.UnixTimeField(null=True)),
                        ("stored_at", smscore.contrib.django.fields.UnixTimeField()),
                    ],
                    options={"db_table": "payamak_inbound", "base_manager_name": "objects"},
                ),
                migrations.CreateModel(
                    name="Suppression",
                    fields=[
                        ("recipient", models.TextField(primary_key=True, serialize=False)),
                        ("created_at", smscore.contrib.django.fields.UnixTimeField()),
                    ],
                    options={"db_table": "payamak_suppression", "base_manager_name": "objects"},
                ),
                migrations.CreateModel(
                    name="Batch",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                primary_key=True, auto_created=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("account", models.TextField()),
                        ("first", models.IntegerField()),
                        ("size", models.IntegerField()),
                        ("state", models.TextField(default="new")),
                        ("tries", models.IntegerField(default=0)),
                        ("accepted", models.IntegerField(default=0)),
                        ("rejected", models.IntegerField(default=0)),
                        ("not_sent", models.IntegerField(default=0)),
                        ("unknown", models.IntegerField(default=0)),
                        ("ended_at", smscore.contrib.django.fields.UnixTimeField(null=True)),
                        (
                            "campaign",
                            models.ForeignKey(
                                "payamak.campaign",
                                django.db.models.deletion.PROTECT,
                                db_index=False,
                                related_name="batches",
                            ),
                        ),
                    ],
                    options={"db_table": "payamak_batch", "base_manager_name": "objects"},
                ),
                migrations.CreateModel(
                    name="QueuedMessage",
                    fields=[
                        ("id", models.BigIntegerField(primary_key=True, serialize=False)),
                        ("position", models.BigIntegerField()),
                        ("recipient", models.TextField(null=True)),
                        ("outcome", models.TextField()),
                        ("message_id", models.BigIntegerField(null=True)),
                        ("delivery", models.TextField(null=True)),
                        ("delivery_at", smscore.contrib.django.fields.UnixTimeField(null=True)),
                        (
                            "batch",
                            models.ForeignKey(
                                "payamak.batch",
                                django.db.models.deletion.PROTECT,
                                db_constraint=False,
                                db_index=False,
                                related_name="messages",
                            ),
                        ),
                    ],
                    options={"db_table": "payamak_message", "base_manager_name": "objects"},
                ),
            ]
        ),
    ]
