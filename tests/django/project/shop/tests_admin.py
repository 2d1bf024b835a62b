"""The admin: what it shows, in how many queries, and who may act."""

from django.contrib.auth.models import User
from django.db import connection
from django.test import TestCase
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from smscore.contrib.django import sms
from smscore.contrib.django.models import Batch, Campaign, QueuedMessage
from smscore.queue.store.batches import PLACE_BITS

CAMPAIGNS = reverse("admin:payamak_campaign_changelist")
MESSAGES = reverse("admin:payamak_queuedmessage_changelist")


def sent(key, numbers, outcome="accepted", delivery=None):
    """A campaign whose batches ended, as a worker leaves it."""
    made = sms.enqueue(numbers, "سلام", key=key)
    place = 0
    for batch in Batch.objects.filter(campaign=made.id).order_by("pk"):
        for number in range(batch.size):
            QueuedMessage.objects.create(
                id=(batch.pk << PLACE_BITS) + number,
                batch=batch,
                position=place,
                recipient="+98" + numbers[place][1:],
                outcome=outcome,
                message_id=1_000 + place,
                delivery=delivery,
            )
            place += 1
        Batch.objects.filter(pk=batch.pk).update(state="done", **{outcome: batch.size})
    Campaign.objects.filter(pk=made.id).update(state="done")
    return made


class Pages(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.staff = User.objects.create_superuser("staff")

    def setUp(self):
        self.client.force_login(self.staff)

    def text(self, path, **params):
        response = self.client.get(path, params)
        self.assertEqual(response.status_code, 200)
        return response.content.decode()

    def rows(self, path, **params):
        return self.client.get(path, params).context["cl"].result_list

    def test_campaigns_show_their_progress_and_counts(self):
        sent("nowruz", ["09120000001", "09120000002"])
        sms.enqueue("09120000003", "سلام", key="waiting")
        self.assertEqual([row.key for row in self.rows(CAMPAIGNS)], ["waiting", "nowruz"])
        self.assertEqual([row.counts.accepted for row in self.rows(CAMPAIGNS)], [0, 2])
        self.assertEqual([row.counts.waiting for row in self.rows(CAMPAIGNS)], [1, 0])
        self.assertIn('<progress max="2" value="2">', self.text(CAMPAIGNS))
        self.assertEqual([row.key for row in self.rows(CAMPAIGNS, state="done")], ["nowruz"])
        self.assertEqual([row.key for row in self.rows(CAMPAIGNS, q="waiting")], ["waiting"])

    def test_messages_are_found_by_a_number_written_in_any_way(self):
        sent("a", ["09120000001", "09120000002"])
        for spelling in ("09120000001", "+98 912 000 0001", "۰۹۱۲۰۰۰۰۰۰۱", "9120000001", "1000"):
            self.assertEqual([row.recipient for row in self.rows(MESSAGES, q=spelling)], ["+989120000001"], spelling)
        for nothing in ("0912", "nobody", "09120000009"):
            self.assertEqual(self.rows(MESSAGES, q=nothing), [])

    def test_messages_are_filtered_by_campaign_outcome_and_delivery(self):
        first = sent("a", ["09120000001"], delivery="delivered")
        sent("b", ["09120000001"], outcome="unknown")
        self.assertEqual([row.batch.campaign.key for row in self.rows(MESSAGES)], ["b", "a"])
        self.assertEqual([row.batch.campaign.key for row in self.rows(MESSAGES, outcome="unknown")], ["b"])
        self.assertEqual([row.batch.campaign.key for row in self.rows(MESSAGES, delivery="delivered")], ["a"])
        self.assertEqual([row.batch.campaign.key for row in self.rows(MESSAGES, campaign=first.id)], ["a"])
        self.assertEqual(self.rows(MESSAGES, campaign=first.id, outcome="unknown"), [])

    def test_pages_follow_one_another_without_a_gap_or_a_repeat(self):
        numbers = [f"0912{n:07}" for n in range(120)]
        sent("a", numbers)
        for params in ({}, {"outcome": "accepted"}):
            seen, url = [], None
            while True:
                changes = self.client.get(MESSAGES + (url or ""), None if url else params).context["cl"]
                seen += [row.recipient for row in changes.result_list]
                url = changes.older_url
                if url is None:
                    break
            self.assertEqual(seen, ["+98" + number[1:] for number in reversed(numbers)])

    def test_a_page_reads_in_few_queries_however_many_rows_and_counts_no_table(self):
        for n in range(60):
            sent(f"c{n}", ["09120000001"])
        # The session, the user, the rows; campaigns: their counts too.
        for path, count in ((CAMPAIGNS, 4), (MESSAGES, 3)):
            with CaptureQueriesContext(connection) as seen:
                self.assertEqual(len(self.rows(path)), 50)
            self.assertEqual(len(seen), count, [one["sql"] for one in seen])
            self.assertFalse([one["sql"] for one in seen if "COUNT(" in one["sql"].upper()])
