"""The queue's tables as models, to read them. What changes a campaign is ``sms`` and ``smscore.queue``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from django.db import models
from django.utils.translation import gettext_lazy as _

from smscore.contrib.django import conf
from smscore.contrib.django.fields import UnixTimeField

__all__ = ["Account", "Batch", "Campaign", "InboundMessage", "QueuedMessage", "Suppression"]


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


class Account(models.Model):
    """Whether an account's sends stand still, until when, and why; a worker adds its accounts when it starts."""

    name: Text = models.TextField(_("name"), primary_key=True)
    hold: TextOrNone = models.TextField(_("hold"), null=True)
    hold_until: UnixTimeField = UnixTimeField(_("held until"), null=True)
    reason: TextOrNone = models.TextField(_("reason"), null=True)

    objects: ClassVar[QueueManager] = QueueManager()

    class Meta:
        """Its table is the queue's."""

        db_table = "payamak_account"
        verbose_name: Any = _("account")
        verbose_name_plural: Any = _("accounts")
        base_manager_name = "objects"

    def __str__(self) -> str:
        return self.name


class Campaign(models.Model):
    """A call of ``enqueue``: one text, pattern or list of messages, and its recipients."""

    key: TextOrNone = models.TextField(_("key"), unique=True, null=True)
    account: Text = models.TextField(_("account"))
    kind: Text = models.TextField(_("kind"))
    state: Text = models.TextField(_("state"))
    reason: TextOrNone = models.TextField(_("reason"), null=True)
    text: TextOrNone = models.TextField(_("text"), null=True)
    sender: TextOrNone = models.TextField(_("sender"), null=True)
    size: Integer = models.IntegerField(_("recipients"), default=0)
    priority: Integer = models.IntegerField(_("priority"), default=0)
    not_before: UnixTimeField = UnixTimeField(_("not before"), null=True)
    expires: UnixTimeField = UnixTimeField(_("expires"), null=True)
    created_at: UnixTimeField = UnixTimeField(_("created"))
    ended_at: UnixTimeField = UnixTimeField(_("ended"), null=True)

    objects: ClassVar[QueueManager] = QueueManager()

    class Meta:
        """Its table is the queue's."""

        db_table = "payamak_campaign"
        verbose_name: Any = _("campaign")
        verbose_name_plural: Any = _("campaigns")
        base_manager_name = "objects"

    def __str__(self) -> str:
        return self.key or f"{self.account} {self.pk}"


class Batch(models.Model):
    """The recipients of a campaign that go in one request, and how many of them came to what."""

    campaign: models.ForeignKey[Campaign, Campaign] = models.ForeignKey(
        Campaign, models.PROTECT, verbose_name=_("campaign"), related_name="batches", db_index=False
    )
    account: Text = models.TextField(_("account"))
    first: Integer = models.IntegerField(_("first position"))
    size: Integer = models.IntegerField(_("recipients"))
    state: Text = models.TextField(_("state"), default="new")
    tries: Integer = models.IntegerField(_("tries"), default=0)
    accepted: Integer = models.IntegerField(_("accepted"), default=0)
    rejected: Integer = models.IntegerField(_("rejected"), default=0)
    not_sent: Integer = models.IntegerField(_("not sent"), default=0)
    unknown: Integer = models.IntegerField(_("unknown"), default=0)
    ended_at: UnixTimeField = UnixTimeField(_("ended"), null=True)

    objects: ClassVar[QueueManager] = QueueManager()

    class Meta:
        """Its table is the queue's."""

        db_table = "payamak_batch"
        verbose_name: Any = _("batch")
        verbose_name_plural: Any = _("batches")
        base_manager_name = "objects"

    def __str__(self) -> str:
        return f"{self.account} {self.pk}"


class QueuedMessage(models.Model):
    """One recipient's message of a batch that was sent, what became of it, and where it is."""

    id: BigInteger = models.BigIntegerField(primary_key=True)
    batch: models.ForeignKey[Batch, Batch] = models.ForeignKey(
        Batch, models.PROTECT, verbose_name=_("batch"), related_name="messages", db_index=False, db_constraint=False
    )
    position: BigInteger = models.BigIntegerField(_("position"))
    recipient: TextOrNone = models.TextField(_("recipient"), null=True)
    outcome: Text = models.TextField(_("outcome"))
    message_id: BigIntegerOrNone = models.BigIntegerField(_("message id"), null=True)
    delivery: TextOrNone = models.TextField(_("delivery"), null=True)
    delivery_at: UnixTimeField = UnixTimeField(_("delivery seen"), null=True)

    objects: ClassVar[QueueManager] = QueueManager()

    class Meta:
        """Its table is the queue's."""

        db_table = "payamak_message"
        verbose_name: Any = _("message")
        verbose_name_plural: Any = _("messages")
        base_manager_name = "objects"

    def __str__(self) -> str:
        return f"{self.outcome} {self.pk}"


class InboundMessage(models.Model):
    """A message that somebody sent to one of an account's lines."""

    account: Text = models.TextField(_("account"))
    message_id: BigIntegerOrNone = models.BigIntegerField(_("message id"), null=True)
    line: Text = models.TextField(_("line"))
    sender: Text = models.TextField(_("sender"))
    text: Text = models.TextField(_("text"))
    received_at: UnixTimeField = UnixTimeField(_("received"), null=True)
    stored_at: UnixTimeField = UnixTimeField(_("stored"))

    objects: ClassVar[QueueManager] = QueueManager()

    class Meta:
        """Its table is the queue's."""

        db_table = "payamak_inbound"
        verbose_name: Any = _("inbound message")
        verbose_name_plural: Any = _("inbound messages")
        base_manager_name = "objects"

    def __str__(self) -> str:
        return f"{self.account} {self.pk}"


class Suppression(models.Model):
    """A number that nothing is sent to, in E.164."""

    recipient: Text = models.TextField(_("recipient"), primary_key=True)
    created_at: UnixTimeField = UnixTimeField(_("created"))

    objects: ClassVar[QueueManager] = QueueManager()

    class Meta:
        """Its table is the queue's."""

        db_table = "payamak_suppression"
        verbose_name: Any = _("suppressed number")
        verbose_name_plural: Any = _("suppressed numbers")
        base_manager_name = "objects"

    def __str__(self) -> str:
        return "suppressed"
