"""The queue's tables as models, to read them. What changes a campaign is ``sms`` and ``smscore.queue``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from django.db import models

from smscore.contrib.django import conf
from smscore.contrib.django.fields import UnixTimeField

__all__ = ["Batch", "Campaign", "InboundMessage", "QueuedMessage", "Suppression"]


if TYPE_CHECKING:  # Django's own classes take no parameters when they run
    Text: TypeAlias = models.TextField[str, str]
    TextOrNone: TypeAlias = models.TextField[str | None, str | None]
    Integer: TypeAlias = models.IntegerField[int, int]
    BigInteger: TypeAlias = models.BigIntegerField[int, int]
    BigIntegerOrNone: TypeAlias = models.BigIntegerField[int | None, int | None]


class QueueManager(models.Manager[Any]):
    """Reads from ``PAYAMAK_DATABASE``, whatever the routers of the project say."""

    def get_queryset(self) -> models.QuerySet[Any]:
        """All rows."""
        return super().get_queryset().using(self._db or conf.database_alias())


class Campaign(models.Model):
    """A call of ``enqueue``: one text, pattern or list of messages, and its recipients."""

    key: TextOrNone = models.TextField(unique=True, null=True)
    account: Text = models.TextField()
    kind: Text = models.TextField()
    state: Text = models.TextField()
    reason: TextOrNone = models.TextField(null=True)
    text: TextOrNone = models.TextField(null=True)
    sender: TextOrNone = models.TextField(null=True)
    size: Integer = models.IntegerField(default=0)
    priority: Integer = models.IntegerField(default=0)
    not_before: UnixTimeField = UnixTimeField(null=True)
    expires: UnixTimeField = UnixTimeField(null=True)
    created_at: UnixTimeField = UnixTimeField()
    ended_at: UnixTimeField = UnixTimeField(null=True)

    objects: ClassVar[QueueManager] = QueueManager()

    class Meta:
        """Its table is the queue's."""

        db_table = "payamak_campaign"
        base_manager_name = "objects"

    def __str__(self) -> str:
        return self.key or f"{self.account} {self.pk}"


class Batch(models.Model):
    """The recipients of a campaign that go in one request, and how many of them came to what."""

    campaign: models.ForeignKey[Campaign, Campaign] = models.ForeignKey(
        Campaign, models.PROTECT, related_name="batches", db_index=False
    )
    account: Text = models.TextField()
    first: Integer = models.IntegerField()
    size: Integer = models.IntegerField()
    state: Text = models.TextField(default="new")
    tries: Integer = models.IntegerField(default=0)
    accepted: Integer = models.IntegerField(default=0)
    rejected: Integer = models.IntegerField(default=0)
    not_sent: Integer = models.IntegerField(default=0)
    unknown: Integer = models.IntegerField(default=0)
    ended_at: UnixTimeField = UnixTimeField(null=True)

    objects: ClassVar[QueueManager] = QueueManager()

    class Meta:
        """Its table is the queue's."""

        db_table = "payamak_batch"
        base_manager_name = "objects"

    def __str__(self) -> str:
        return f"{self.account} {self.pk}"


class QueuedMessage(models.Model):
    """One recipient's message of a batch that was sent, what became of it, and where it is."""

    id: BigInteger = models.BigIntegerField(primary_key=True)
    batch: models.ForeignKey[Batch, Batch] = models.ForeignKey(
        Batch, models.PROTECT, related_name="messages", db_index=False, db_constraint=False
    )
    position: BigInteger = models.BigIntegerField()
    recipient: TextOrNone = models.TextField(null=True)
    outcome: Text = models.TextField()
    message_id: BigIntegerOrNone = models.BigIntegerField(null=True)
    delivery: TextOrNone = models.TextField(null=True)
    delivery_at: UnixTimeField = UnixTimeField(null=True)

    objects: ClassVar[QueueManager] = QueueManager()

    class Meta:
        """Its table is the queue's."""

        db_table = "payamak_message"
        base_manager_name = "objects"

    def __str__(self) -> str:
        return f"{self.outcome} {self.pk}"


class InboundMessage(models.Model):
    """A message that somebody sent to one of an account's lines."""

    account: Text = models.TextField()
    message_id: BigIntegerOrNone = models.BigIntegerField(null=True)
    line: Text = models.TextField()
    sender: Text = models.TextField()
    text: Text = models.TextField()
    received_at: UnixTimeField = UnixTimeField(null=True)
    stored_at: UnixTimeField = UnixTimeField()

    objects: ClassVar[QueueManager] = QueueManager()

    class Meta:
        """Its table is the queue's."""

        db_table = "payamak_inbound"
        base_manager_name = "objects"

    def __str__(self) -> str:
        return f"{self.account} {self.pk}"


class Suppression(models.Model):
    """A number that nothing is sent to, in E.164."""

    recipient: Text = models.TextField(primary_key=True)
    created_at: UnixTimeField = UnixTimeField()

    objects: ClassVar[QueueManager] = QueueManager()

    class Meta:
        """Its table is the queue's."""

        db_table = "payamak_suppression"
        base_manager_name = "objects"

    def __str__(self) -> str:
        return "suppressed"
