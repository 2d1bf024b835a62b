"""The admin: what is sent, to whom, and what became of it; pausing, holding and suppressing; in English and Persian.

Django's admin finds it by itself. Every page is read by a key, from the newest row down: none counts a table or skips
rows of it, so that it is as fast with a hundred million messages as with ten.

- ``paging`` reads a page, ``filters`` narrow it, ``display`` shows times, counts and statuses in the reader's language.
- ``actions`` asks for a reason and does it to each, ``export`` streams a campaign's results.
- ``campaigns``, ``messages``, ``accounts``, ``inbound`` and ``suppressions`` are the pages.
"""

from __future__ import annotations

from smscore.contrib.django.admin.accounts import AccountAdmin
from smscore.contrib.django.admin.campaigns import CampaignAdmin
from smscore.contrib.django.admin.inbound import InboundMessageAdmin
from smscore.contrib.django.admin.messages import QueuedMessageAdmin
from smscore.contrib.django.admin.suppressions import SuppressionAdmin

__all__ = ["AccountAdmin", "CampaignAdmin", "InboundMessageAdmin", "QueuedMessageAdmin", "SuppressionAdmin"]
