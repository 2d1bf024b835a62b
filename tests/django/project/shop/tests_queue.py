"""What is enqueued is a part of the caller's transaction."""

from contextlib import contextmanager
from datetime import timedelta
from io import StringIO
from unittest import skipUnless

from asgiref.sync import async_to_sync, sync_to_async
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test import TestCase, TransactionTestCase, override_settings

from smscore import ConfigurationError, InvalidNumber, InvalidRequest
from smscore.contrib.django import outbox, sms
from smscore.contrib.django.models import Batch, Campaign, Suppression
from smscore.contrib.django.testing import SMSAssertions

NUMBER = "09123456789"


class Rollback(Exception):
    pass


def customers():
    """Three, whose user names are their numbers."""
    User.objects.bulk_create(User(username=f"0912345678{n}", first_name=f"سلام {n}") for n in range(3))


class InATransaction(SMSAssertions, TestCase):
    def test_it_reaches_the_outbox_when_the_transaction_commits(self):
        with self.captureOnCommitCallbacks(execute=True):
            campaign = sms.enqueue([NUMBER, "09123456780"], "سلام", key="order-1", sender="90000999")
            self.assertEqual(outbox, [])
        self.assertEqual(campaign.size, 2)
        (first, _) = outbox
        self.assertEqual(
            (first.method, first.text, first.key, first.sender), ("enqueue", "سلام", "order-1", "90000999")
        )
        self.assertEqual(first.recipient, "+989123456789")

    def test_nothing_reaches_it_without_a_commit(self):
        sms.enqueue(NUMBER, "سلام")
        self.assertEqual(outbox, [])

    def test_a_savepoint_that_is_rolled_back_takes_it_with_it(self):
        with self.captureOnCommitCallbacks(execute=True):
            sms.enqueue(NUMBER, "یک")
            with self.assertRaises(Rollback), transaction.atomic():
                sms.enqueue(NUMBER, "دو")
                raise Rollback
        self.assertEqual(Campaign.objects.count(), 1)
        self.assertEqual([one.text for one in outbox], ["یک"])

    def test_a_bad_number_leaves_nothing_behind_and_the_transaction_usable(self):
        with self.assertRaises(InvalidNumber):
            sms.enqueue([NUMBER, "1"], "سلام", key="bad")
        self.assertEqual(Campaign.objects.count(), 0)
        sms.enqueue(NUMBER, "سلام", key="bad")
        self.assertEqual(Campaign.objects.get().key, "bad")

    def test_a_key_that_is_there_sends_once_and_refuses_other_content(self):
        with self.captureOnCommitCallbacks(execute=True):
            first = sms.enqueue([NUMBER, "09123456780"], "سلام", key="k")
            again = sms.enqueue(["09123456780", NUMBER], "سلام", key="k")
            with self.assertRaises(InvalidRequest):
                sms.enqueue(NUMBER, "دیگر", key="k")
        self.assertEqual(first.id, again.id)
        self.assertEqual(len(outbox), 2)

    def test_messages_and_patterns(self):
        with self.captureOnCommitCallbacks(execute=True):
            sms.enqueue_p2p([(NUMBER, "یک"), ("09123456780", "دو")])
            sms["codes"].enqueue_pattern(NUMBER, "login", {"code": "1"}, expires=120)
        self.assertEqual([one.method for one in outbox], ["enqueue_p2p", "enqueue_p2p", "enqueue_pattern"])
        self.assertEqual([one.text for one in outbox], ["یک", "دو", "login"])
        self.assertEqual(outbox[-1].params, {"code": "1"})

    def test_a_million_is_read_a_part_at_a_time(self):
        campaign = sms.enqueue((f"0912{n:07}" for n in range(60_000)), "سلام")
        self.assertEqual(campaign.size, 60_000)
        self.assertEqual(sum(Batch.objects.values_list("size", flat=True)), 60_000)

    def test_a_failed_assertion_tells_of_what_waits_for_a_commit(self):
        sms.enqueue(NUMBER, "سلام")
        with self.assertRaisesMessage(AssertionError, "captureOnCommitCallbacks(execute=True)"):
            self.assertSMSSent(NUMBER)

    def test_a_failed_assertion_does_not_when_all_was_committed(self):
        with self.captureOnCommitCallbacks(execute=True):
            sms.enqueue(NUMBER, "سلام")
        with self.assertRaises(AssertionError) as caught:
            self.assertSMSSent("09120000000")
        self.assertNotIn("captureOnCommitCallbacks", str(caught.exception))

    def test_a_misspelt_option_is_named_with_those_that_there_are(self):
        with self.assertRaisesMessage(TypeError, "Unknown options: 'ky'. The options of enqueue are key,"):
            sms.enqueue(NUMBER, "سلام", ky="k")

    def test_a_worker_refuses_intervals_that_would_only_burden_the_provider(self):
        for option in ("--track-every=0", "--receive-every=-5", "--receive-every=nan", "--seconds=-1"):
            with self.subTest(option), self.assertRaisesMessage(CommandError, "must be a number of seconds ≥"):
                call_command("sms_worker", option)

    def test_models_read_what_was_enqueued(self):
        made = sms.enqueue(NUMBER, "سلام", key="k", expires=60)
        found = Campaign.objects.get(key="k")
        self.assertEqual((found.pk, found.created_at, found.expires), (made.id, made.created_at, made.expires))
        self.assertEqual(found.batches.get().size, 1)
        soon = made.created_at + timedelta(seconds=1)
        self.assertEqual(Campaign.objects.filter(created_at__lt=soon, expires__gt=soon).count(), 1)

    def test_who_is_suppressed_is_left_out(self):
        call_command("sms_suppress", "09123456780", stdout=StringIO())
        self.assertEqual(Suppression.objects.get().recipient, "+989123456780")
        with self.captureOnCommitCallbacks(execute=True):
            sms.enqueue([NUMBER, "09123456780"], "سلام")
        self.assertSMSSent(count=1)
        call_command("sms_suppress", "--remove", "09123456780", stdout=StringIO())
        self.assertFalse(Suppression.objects.exists())

    def test_a_view_sends_after_its_transaction(self):
        with self.captureOnCommitCallbacks(execute=True):
            self.client.get("/order/", {"to": NUMBER, "number": "17"})
        self.assertSMSSent(NUMBER, key="order-17", count=1)

    async def test_an_async_view_enqueues(self):
        response = await self.async_client.get("/code/", {"to": NUMBER})
        self.assertTrue(await Campaign.objects.filter(pk=int(response.content)).aexists())
        self.assertSMSSent(NUMBER, method="send_pattern", count=1)

    def test_a_queryset_is_read_as_any_list_is(self):
        customers()
        sms.enqueue(User.objects.values_list("username", flat=True), "سلام", key="of a queryset")
        sms.enqueue_p2p(User.objects.values_list("username", "first_name").iterator(), key="of an iterator")
        self.assertEqual([one.size for one in Campaign.objects.order_by("id")], [3, 3])

    async def test_async_code_enqueues_any_iterable(self):
        await sync_to_async(customers)()
        numbers = User.objects.values_list("username", flat=True)
        await sms.aenqueue(numbers, "سلام")
        await sms.aenqueue(numbers.aiterator(), "سلام")
        await sms.aenqueue((f"0912{n:07}" for n in range(3)), "سلام")
        await sms.aenqueue_p2p((one.username, one.first_name) async for one in User.objects.aiterator())
        await sms["codes"].aenqueue_pattern(numbers.aiterator(), "login", {"code": "1"})
        self.assertEqual([one.size async for one in Campaign.objects.all()], [3] * 5)

    async def test_an_async_iterable_that_fails_leaves_nothing_behind_and_is_closed(self):
        closed = []

        async def numbers(*, fails):
            try:
                for n in range(2_000):
                    yield f"0912{n:07}"
                if fails:
                    raise Rollback
                yield "1"
            finally:
                closed.append(fails)

        with self.assertRaises(Rollback):
            await sms.aenqueue(numbers(fails=True), "سلام")
        with self.assertRaises(InvalidNumber):
            await sms.aenqueue(numbers(fails=False), "سلام")
        self.assertEqual(await Campaign.objects.acount(), 0)
        self.assertEqual(closed, [True, False])

    def test_an_async_iterable_is_refused_where_nothing_waits(self):
        async def numbers():
            yield NUMBER

        with self.assertRaisesMessage(InvalidRequest, "Use aenqueue"):
            sms.enqueue(numbers(), "سلام")

    def test_a_worker_refuses_to_run_in_a_test(self):
        with self.assertRaisesMessage(CommandError, "In a test run nothing is sent"):
            call_command("sms_worker")

    def test_sms_send_enqueues_once_a_key(self):
        for _ in range(2):
            call_command("sms_send", NUMBER, "--text", "سلام", "--enqueue", "--key", "k", stdout=StringIO())
        self.assertEqual(Campaign.objects.get().key, "k")


class WithRealCommits(SMSAssertions, TransactionTestCase):
    def test_what_is_committed_is_sent_and_what_is_rolled_back_is_not(self):
        with transaction.atomic():
            sms.enqueue(NUMBER, "یک")
        with self.assertRaises(Rollback), transaction.atomic():
            sms.enqueue(NUMBER, "دو")
            raise Rollback
        self.assertEqual([one.text for one in outbox], ["یک"])
        self.assertEqual(Campaign.objects.count(), 1)

    def test_each_test_begins_with_empty_tables(self):
        self.assertEqual(Campaign.objects.count(), 0)
        sms.enqueue(NUMBER, "سلام", key="the same")

    def test_each_test_begins_with_empty_tables_also_after_this_one(self):
        self.assertEqual(Campaign.objects.count(), 0)
        sms.enqueue(NUMBER, "سلام", key="the same")

    def test_a_request_that_fails_takes_it_back(self):
        with atomic_requests():
            self.client.get("/order/", {"to": NUMBER, "number": "17"})
            with self.assertRaises(ZeroDivisionError):
                self.client.get("/order/", {"to": NUMBER, "number": "18", "fails": "yes"})
        self.assertEqual([one.key for one in Campaign.objects.all()], ["order-17"])
        self.assertEqual([one.key for one in outbox], ["order-17"])

    def test_savepoints_take_back_their_own(self):
        with transaction.atomic():
            with self.assertRaises(Rollback), transaction.atomic():
                sms.enqueue(NUMBER, "یک")
                raise Rollback
            with transaction.atomic():
                sms.enqueue(NUMBER, "دو")
        self.assertEqual([one.text for one in Campaign.objects.all()], ["دو"])
        self.assertEqual([one.text for one in outbox], ["دو"])

    def test_async_code_commits_by_itself(self):
        async_to_sync(sms.aenqueue)(NUMBER, "سلام")
        self.assertSMSSent(NUMBER, count=1)


@contextmanager
def atomic_requests():
    before = connection.settings_dict["ATOMIC_REQUESTS"]
    connection.settings_dict["ATOMIC_REQUESTS"] = True
    try:
        yield
    finally:
        connection.settings_dict["ATOMIC_REQUESTS"] = before


class Elsewhere(TestCase):
    databases = {"default", "other"}

    @override_settings(PAYAMAK_DATABASE="other")
    def test_the_tables_are_only_in_the_database_that_holds_the_queue(self):
        missing = "DATABASES['other']: The queue's tables are missing. Run manage.py migrate."
        with self.assertRaisesMessage(ConfigurationError, missing):
            sms.enqueue(NUMBER, "سلام")


@skipUnless(connection.vendor == "postgresql", "only there do workers hold locks that outlive a statement")
class Locks(TestCase):
    def test_suppressing_waits_for_the_same_lock_as_every_queue(self):
        with self.assertNumQueries(6):  # savepoint, the clock, the lock, the number, the counter, release
            call_command("sms_suppress", NUMBER, stdout=StringIO())


class Unsupported(TestCase):
    def test_a_database_that_cannot_hold_a_queue_is_named(self):
        from smscore.contrib.django import database

        known = dict(database.DIALECTS)
        try:
            database.DIALECTS.clear()
            with self.assertRaisesMessage(ConfigurationError, "a queue needs PostgreSQL or SQLite"):
                sms.enqueue(NUMBER, "سلام")
        finally:
            database.DIALECTS.update(known)
