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
    """Makes the queue's tables."""

    initial: ClassVar[bool | None] = True
    dependencies: ClassVar[Sequence[tuple[str, str]]] = []
    operations: ClassVar[Sequence[Operation]] = [
        QueueTables(1),
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.CreateModel(
                    name="Account",
                    fields=[
                        ("name", models.TextField(primary_key=True, serialize=False, verbose_name="name")),
                        ("hold", models.TextField(null=True, verbose_name="hold")),
                        (
                            "hold_until",
                            smscore.contrib.django.fields.UnixTimeField(null=True, verbose_name="held until"),
                        ),
                        ("reason", models.TextField(null=True, verbose_name="reason")),
                    ],
                    options={
                        "verbose_name": "account",
                        "verbose_name_plural": "accounts",
                        "db_table": "payamak_account",
                        "base_manager_name": "objects",
                    },
                ),
                migrations.CreateModel(
                    name="Campaign",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("key", models.TextField(null=True, unique=True, verbose_name="key")),
                        ("account", models.TextField(verbose_name="account")),
                        ("kind", models.TextField(verbose_name="kind")),
                        ("state", models.TextField(verbose_name="state")),
                        ("reason", models.TextField(null=True, verbose_name="reason")),
                        ("text", models.TextField(null=True, verbose_name="text")),
                        ("sender", models.TextField(null=True, verbose_name="sender")),
                        ("size", models.IntegerField(default=0, verbose_name="recipients")),
                        ("priority", models.IntegerField(default=0, verbose_name="priority")),
                        (
                            "not_before",
                            smscore.contrib.django.fields.UnixTimeField(null=True, verbose_name="not before"),
                        ),
                        ("expires", smscore.contrib.django.fields.UnixTimeField(null=True, verbose_name="expires")),
                        ("created_at", smscore.contrib.django.fields.UnixTimeField(verbose_name="created")),
                        ("ended_at", smscore.contrib.django.fields.UnixTimeField(null=True, verbose_name="ended")),
                    ],
                    options={
                        "verbose_name": "campaign",
                        "verbose_name_plural": "campaigns",
                        "db_table": "payamak_campaign",
                        "base_manager_name": "objects",
                    },
                ),
                migrations.CreateModel(
                    name="InboundMessage",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("account", models.TextField(verbose_name="account")),
                        ("message_id", models.BigIntegerField(null=True, verbose_name="message id")),
                        ("line", models.TextField(verbose_name="line")),
                        ("sender", models.TextField(verbose_name="sender")),
                        ("text", models.TextField(verbose_name="text")),
                        (
                            "received_at",
                            smscore.contrib.django.fields.UnixTimeField(null=True, verbose_name="received"),
                        ),
                        ("stored_at", smscore.contrib.django.fields.UnixTimeField(verbose_name="stored")),
                    ],
                    options={
                        "verbose_name": "inbound message",
                        "verbose_name_plural": "inbound messages",
                        "db_table": "payamak_inbound",
                        "base_manager_name": "objects",
                    },
                ),
                migrations.CreateModel(
                    name="Suppression",
                    fields=[
                        ("recipient", models.TextField(primary_key=True, serialize=False, verbose_name="recipient")),
                        ("created_at", smscore.contrib.django.fields.UnixTimeField(verbose_name="created")),
                    ],
                    options={
                        "verbose_name": "suppressed number",
                        "verbose_name_plural": "suppressed numbers",
                        "db_table": "payamak_suppression",
                        "base_manager_name": "objects",
                    },
                ),
                migrations.CreateModel(
                    name="Batch",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("account", models.TextField(verbose_name="account")),
                        ("first", models.IntegerField(verbose_name="first position")),
                        ("size", models.IntegerField(verbose_name="recipients")),
                        ("state", models.TextField(default="new", verbose_name="state")),
                        ("tries", models.IntegerField(default=0, verbose_name="tries")),
                        ("accepted", models.IntegerField(default=0, verbose_name="accepted")),
                        ("rejected", models.IntegerField(default=0, verbose_name="rejected")),
                        ("not_sent", models.IntegerField(default=0, verbose_name="not sent")),
                        ("unknown", models.IntegerField(default=0, verbose_name="unknown")),
                        ("ended_at", smscore.contrib.django.fields.UnixTimeField(null=True, verbose_name="ended")),
                        (
                            "campaign",
                            models.ForeignKey(
                                db_index=False,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="batches",
                                to="payamak.campaign",
                                verbose_name="campaign",
                            ),
                        ),
                    ],
                    options={
                        "verbose_name": "batch",
                        "verbose_name_plural": "batches",
                        "db_table": "payamak_batch",
                        "base_manager_name": "objects",
                    },
                ),
                migrations.CreateModel(
                    name="QueuedMessage",
                    fields=[
                        ("id", models.BigIntegerField(primary_key=True, serialize=False)),
                        ("position", models.BigIntegerField(verbose_name="position")),
                        ("recipient", models.TextField(null=True, verbose_name="recipient")),
                        ("outcome", models.TextField(verbose_name="outcome")),
                        ("message_id", models.BigIntegerField(null=True, verbose_name="message id")),
                        ("delivery", models.TextField(null=True, verbose_name="delivery")),
                        (
                            "delivery_at",
                            smscore.contrib.django.fields.UnixTimeField(null=True, verbose_name="delivery seen"),
                        ),
                        (
                            "batch",
                            models.ForeignKey(
                                db_constraint=False,
                                db_index=False,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="messages",
                                to="payamak.batch",
                                verbose_name="batch",
                            ),
                        ),
                    ],
                    options={
                        "verbose_name": "message",
                        "verbose_name_plural": "messages",
                        "db_table": "payamak_message",
                        "base_manager_name": "objects",
                    },
                ),
            ]
        ),
    ]
