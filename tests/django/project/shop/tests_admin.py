"""The admin: what it shows, in how many queries, and who may act."""

import datetime as dt
import re
import time
from importlib.resources import files
from io import StringIO
from pathlib import Path
from unittest import mock

from asgiref.sync import sync_to_async
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.core.management import call_command
from django.db import connection
from django.test import TestCase
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from smscore.contrib.django import sms
from smscore.contrib.django.admin import paging
from smscore.contrib.django.models import Account, Batch, Campaign, InboundMessage, QueuedMessage, Suppression
from smscore.queue.store.batches import PLACE_BITS
from smscore.queue.store.rows import EXPORT_COLUMNS
from smscore.queue.stored_errors import StoredError, pack_errors

CAMPAIGNS = reverse("admin:payamak_campaign_changelist")
MESSAGES = reverse("admin:payamak_queuedmessage_changelist")
ACCOUNTS = reverse("admin:payamak_account_changelist")
SUPPRESSIONS = reverse("admin:payamak_suppression_changelist")


KEY_INDEX = {"postgresql": "payamak_campaign_key_key", "sqlite": "sqlite_autoindex_payamak_campaign_1"}


def export_of(campaign):
    return reverse("admin:payamak_campaign_export", args=[campaign.id])


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

    def test_a_filter_looks_at_so_many_rows_for_a_page_and_the_next_page_goes_on(self):
        sent("first", ["09120000001"], outcome="unknown")
        sent("then", [f"0912{n:07}" for n in range(25)])
        seen, pages, url = [], 0, "?outcome=unknown"
        with mock.patch.object(paging, "MAX_LOOKED_AT", 10):
            while url is not None:
                page = self.client.get(MESSAGES + url)
                changes = page.context["cl"]
                seen += [row.batch.campaign.key for row in changes.result_list]
                pages, url = pages + 1, changes.older_url
                if url is not None:
                    self.assertContains(page, "There are older rows that were not looked at yet.")
        self.assertEqual((seen, pages), (["first"], 3))

    def test_a_number_a_provider_id_and_a_key_are_looked_up_in_an_index(self):
        sent("k", ["09120000001"])
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":  # it scans tables as small as these
                cursor.execute("SET LOCAL enable_seqscan = off")
        for path, term, index in (
            (MESSAGES, "09120000001", "ix_payamak_message_recipient"),
            (MESSAGES, "1000", "ix_payamak_message_provider"),
            (CAMPAIGNS, "k", KEY_INDEX[connection.vendor]),
        ):
            plan = self.client.get(path, {"q": term}).context["cl"].queryset.explain()
            self.assertIn(index, plan)
            self.assertNotIn("Seq Scan on", plan)


class Actions(TestCase):
    """What staff may do, by their permissions."""

    def login(self, *permissions):
        user = User.objects.create_user("staff", is_staff=True)
        user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
        self.client.force_login(user)

    def act(self, path, action, *keys, **fields):
        return self.client.post(path, {"action": action, "_selected_action": keys, **fields})

    def test_a_campaign_is_paused_for_a_reason_resumed_and_cancelled(self):
        self.login("view_campaign", "change_campaign")
        campaign = sms.enqueue("09120000001", "سلام", key="k")
        self.assertContains(self.client.get(CAMPAIGNS), '<option value="pause">')
        self.assertContains(self.act(CAMPAIGNS, "pause", campaign.id), 'name="reason"')
        self.assertEqual(Campaign.objects.get().state, campaign.state)
        self.assertContains(self.act(CAMPAIGNS, "pause", campaign.id, confirmed="yes", reason=""), "errorlist")
        self.act(CAMPAIGNS, "pause", campaign.id, confirmed="yes", reason="قیمت اشتباه")
        found = Campaign.objects.get()
        self.assertEqual((found.state, found.reason), ("paused", "قیمت اشتباه"))
        page = self.client.get(reverse("admin:payamak_campaign_change", args=[campaign.id]))
        self.assertContains(page, 'value="resume"')
        self.act(CAMPAIGNS, "resume", campaign.id)
        self.assertEqual(Campaign.objects.get().state, "queued")
        self.act(CAMPAIGNS, "cancel", campaign.id, confirmed="yes", reason="پشیمان شدیم")
        found = Campaign.objects.get()
        self.assertEqual((found.state, found.reason), ("cancelled", "پشیمان شدیم"))
        notes = [entry.change_message for entry in LogEntry.objects.order_by("pk")]
        self.assertEqual(notes, ["Paused: قیمت اشتباه", "Resumed.", "Cancelled: پشیمان شدیم"])

    def test_a_campaign_that_has_ended_is_not_changed_and_that_is_said(self):
        self.login("view_campaign", "change_campaign")
        campaigns = [sms.enqueue("09120000001", "سلام", key=key).id for key in "ab"]
        self.act(CAMPAIGNS, "cancel", campaigns[0], confirmed="yes", reason="پشیمان شدیم")
        before = LogEntry.objects.count()
        self.act(CAMPAIGNS, "pause", *campaigns, confirmed="yes", reason="قیمت اشتباه")
        page = self.client.get(CAMPAIGNS)
        self.assertContains(page, "Done for 1 row.")
        self.assertContains(page, "1 row was not changed: it has ended, or was so already.")
        self.act(CAMPAIGNS, "resume", campaigns[0])
        self.act(CAMPAIGNS, "cancel", campaigns[0], confirmed="yes", reason="قیمت اشتباه")
        self.assertNotContains(self.client.get(CAMPAIGNS), "Done for")
        self.assertEqual(Campaign.objects.get(pk=campaigns[0]).reason, "پشیمان شدیم")
        self.assertEqual(LogEntry.objects.count() - before, 1)

    def test_an_account_is_held_for_some_hours_and_released(self):
        self.login("view_account", "change_account")
        names = [row.name for row in self.client.get(ACCOUNTS).context["cl"].result_list]
        self.assertEqual({*names}, {"default", "codes", "both", "inbox"})
        self.act(ACCOUNTS, "hold", "default", confirmed="yes", reason="شارژ", hours="2")
        found = Account.objects.get(name="default")
        self.assertEqual(found.reason, "شارژ")
        self.assertAlmostEqual(found.hold_until.timestamp(), time.time() + 7200, delta=60)
        self.assertContains(self.client.get(ACCOUNTS), "شارژ")
        self.act(ACCOUNTS, "hold", "default", confirmed="yes", reason="شارژ")
        self.assertContains(self.client.get(ACCOUNTS), "it is released")
        self.act(ACCOUNTS, "release", "default")
        self.assertIsNone(Account.objects.get(name="default").hold)

    def test_numbers_are_suppressed_and_taken_off_the_list(self):
        self.login("view_suppression", "add_suppression", "delete_suppression")
        add = reverse("admin:payamak_suppression_add")
        self.assertContains(self.client.post(add, {"numbers": "09120000001\n0912\n"}), "line 2")
        self.client.post(add, {"numbers": "۰۹۱۲ ۰۰۰ ۰۰۰۱\n\n+989120000002"})
        self.assertEqual({row.recipient for row in Suppression.objects.all()}, {"+989120000001", "+989120000002"})
        self.assertEqual(len(self.client.get(SUPPRESSIONS, {"q": "9120000001"}).context["cl"].result_list), 1)
        self.act(SUPPRESSIONS, "send_again", "+989120000001")
        self.assertEqual(Suppression.objects.get().recipient, "+989120000002")
        self.assertFalse(
            [entry for entry in LogEntry.objects.all() if "912" in f"{entry.object_repr}{entry.object_id}"]
        )

    def test_who_may_only_look_cannot_act(self):
        views = ("view_campaign", "view_account", "view_suppression", "view_inboundmessage")
        self.login(*views)
        campaign = sms.enqueue("09120000001", "سلام", key="k")
        call_command("sms_suppress", "09120000002", stdout=StringIO())
        for path, action, key in (
            (CAMPAIGNS, "cancel", campaign.id),
            (CAMPAIGNS, "pause", campaign.id),
            (ACCOUNTS, "hold", "default"),
            (SUPPRESSIONS, "send_again", "+989120000002"),
        ):
            self.assertNotContains(self.client.get(path), f'value="{action}"')
            self.act(path, action, key, confirmed="yes", reason="nothing")
        page = reverse("admin:payamak_campaign_change", args=[campaign.id])
        self.assertNotContains(self.client.get(page), 'value="cancel"')
        self.assertEqual(self.client.post(page, {"state": "done"}).status_code, 403)
        self.assertEqual(self.client.get(reverse("admin:payamak_suppression_add")).status_code, 403)
        # Numbers are not among what may be seen with a campaign.
        self.assertEqual(self.client.get(MESSAGES).status_code, 403)
        self.assertEqual(self.client.get(export_of(campaign)).status_code, 403)
        self.assertEqual(Campaign.objects.get().state, campaign.state)
        self.assertTrue(Suppression.objects.exists())

    def test_nobody_edits_or_deletes_rows_of_the_queue(self):
        self.client.force_login(User.objects.create_superuser("root"))
        campaign = sms.enqueue("09120000001", "سلام", key="k")
        for path in ("admin:payamak_campaign_delete", "admin:payamak_campaign_change"):
            self.assertEqual(self.client.post(reverse(path, args=[campaign.id]), {"post": "yes"}).status_code, 403)
        self.assertEqual(self.client.get(reverse("admin:payamak_campaign_add")).status_code, 403)


class Details(TestCase):
    def setUp(self):
        self.client.force_login(User.objects.create_superuser("staff"))

    def test_a_campaigns_page_counts_outcomes_and_deliveries(self):
        campaign = sent("k", ["09120000001", "09120000002"])
        Batch.objects.filter(campaign=campaign.id).update(ended_at=timezone.now())
        with connection.cursor() as cursor:
            cursor.execute("UPDATE payamak_batch SET deliveries = '{\"delivered\": 2}'")
        page = self.client.get(reverse("admin:payamak_campaign_change", args=[campaign.id]))
        self.assertContains(page, "<tr><th>delivered</th><td>2</td></tr>", html=True)
        self.assertContains(page, "<tr><th>accepted</th><td>2</td></tr>", html=True)

    def test_a_messages_page_says_why_it_was_refused(self):
        sent("k", ["09120000001"], outcome="rejected")
        errors = pack_errors([StoredError("InvalidRecipient", "The number was refused.", "rejected", code=5)])
        with connection.cursor() as cursor:
            cursor.execute("UPDATE payamak_batch SET errors = %s", [errors])
            cursor.execute("UPDATE payamak_message SET error = 0")
        page = self.client.get(reverse("admin:payamak_queuedmessage_change", args=[QueuedMessage.objects.get().pk]))
        self.assertContains(page, "The number was refused.")

    def test_inbound_messages_are_found_by_who_wrote(self):
        for number, sender in enumerate(("09120000001", "989120000002")):
            with connection.cursor() as cursor:
                cursor.execute(
                    "INSERT INTO payamak_inbound (account, digest, line, sender, text, raw, stored_at) "
                    "VALUES (%s, %s, %s, %s, %s, %s, %s)",
                    ["inbox", b"x", "50003300", sender, "لغو۱۱", "{}", time.time() + number],
                )
        path = reverse("admin:payamak_inboundmessage_changelist")
        self.assertContains(self.client.get(path), "لغو۱۱", count=2)
        for spelling, sender in (("+98 912 000 0001", "09120000001"), ("9120000002", "989120000002")):
            rows = self.client.get(path, {"q": spelling}).context["cl"].result_list
            self.assertEqual([row.sender for row in rows], [sender])
        row = InboundMessage.objects.first()
        self.assertContains(self.client.get(reverse("admin:payamak_inboundmessage_change", args=[row.pk])), "لغو۱۱")

    def test_an_export_is_streamed_with_the_columns_of_the_command(self):
        campaign = sent("nowruz 1406/کتاب", ["09120000001", "09120000002"], delivery="delivered")
        response = self.client.get(export_of(campaign))
        self.assertTrue(response.streaming)
        self.assertEqual(response["Content-Disposition"], 'attachment; filename="nowruz-1406.csv"')
        lines = b"".join(response).decode("utf-8-sig").splitlines()
        self.assertEqual(tuple(lines[0].split(",")), EXPORT_COLUMNS)
        self.assertEqual(
            [line.split(",")[:4] for line in lines[1:]],
            [
                ["+989120000001", "accepted", "1000", "delivered"],
                ["+989120000002", "accepted", "1001", "delivered"],
            ],
        )
        self.assertEqual(LogEntry.objects.get().change_message, "Exported.")

    async def test_an_export_is_streamed_by_an_event_loop_too(self):
        campaign = await sync_to_async(sent)("k", ["09120000001"])
        await self.async_client.aforce_login(await User.objects.aget(username="staff"))
        response = await self.async_client.get(export_of(campaign))
        pieces = [piece async for piece in response.streaming_content]
        self.assertEqual(len(b"".join(pieces).splitlines()), 2)


class InPersian(TestCase):
    def setUp(self):
        self.client.force_login(User.objects.create_superuser("staff"))

    def page(self, path, **params):
        return self.client.get(path, params, headers={"accept-language": "fa"})

    def test_the_lists_are_in_persian_from_right_to_left_with_jalali_dates_and_persian_digits(self):
        sent("k", [f"0912000{n:04}" for n in range(1, 3)], delivery="delivered")
        moment = dt.datetime(2026, 11, 21, 8, 5, tzinfo=dt.UTC)
        Campaign.objects.update(created_at=moment)
        page = self.page(CAMPAIGNS)
        for words in ('dir="rtl"', "کمپین‌ها", "پایان‌یافته", "۱۰۰٪", "۳۰ آبان ۱۴۰۵، ۱۱:۳۵"):
            self.assertContains(page, words)
        page = self.page(MESSAGES)
        for words in ("تحویل‌شده", '<bdi dir="ltr">+989120000001</bdi>'):
            self.assertContains(page, words)

    def test_every_page_is_in_persian(self):
        campaign = sms.enqueue("09120000001", "سلام", key="k")
        for path in (
            reverse("admin:app_list", args=["payamak"]),
            *(CAMPAIGNS, MESSAGES, ACCOUNTS, SUPPRESSIONS, reverse("admin:payamak_inboundmessage_changelist")),
            reverse("admin:payamak_campaign_change", args=[campaign.id]),
            reverse("admin:payamak_suppression_add"),
        ):
            text = self.page(path).content.decode()
            words = re.sub(r"<(script|style|bdi|button)\b.*?</\1>|<[^>]*>|&\w+;", " ", text, flags=re.DOTALL)
            self.assertEqual(OWN_WORDS & {*re.findall("[A-Za-z]{3,}", words)} - KEPT, set(), path)


# The words of the app's own strings. Django leaves some of its own untranslated, such as "Model name".
CATALOG = Path(str(files("smscore.contrib.django"))) / "locale/fa/LC_MESSAGES/django.po"
STRINGS = re.findall('^msgid "(.*)"$', CATALOG.read_text("utf-8"), re.MULTILINE)
OWN_WORDS = {word for string in STRINGS for word in string.split()}
KEPT = {"CSV", "name"}
