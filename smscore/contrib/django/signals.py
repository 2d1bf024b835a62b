"""The signals that ``manage.py sms_worker`` sends, each after the commit.

Receivers run in the worker, one after another; one that raises is logged by Django, and harms no send.
``delivery_changed`` is also sent by a drain or a round of tracking, of Celery or ``django.tasks``, that saw the change.
"""

from __future__ import annotations

from typing import Final

from django.dispatch import Signal

__all__ = ["account_held", "credit_low", "delivery_changed", "message_received"]

delivery_changed: Final = Signal()
"""``delivery`` (a ``smscore.Delivery``) of ``message`` (a ``QueuedMessage``) has changed.

``message`` is None for a report of a message that nobody knew for seven days.
"""
message_received: Final = Signal()
"""``message`` (an ``InboundMessage``) came in for ``account`` (its name)."""
account_held: Final = Signal()
"""The sends of ``account`` (its name) stand still, for this ``reason``."""
credit_low: Final = Signal()
"""The ``credit`` of ``account`` (its name), in Rials, is below its ``LOW_CREDIT``; at most once an hour."""
