from contextlib import contextmanager

from django.db import connection, transaction
from django.test import Client, TestCase, override_settings

SECRET = "a-secret-of-these-tests"
REPORT = {"messageid": "123456", "status": "10"}


def stored():
    with connection.cursor() as cursor:
        cursor.execute("SELECT account, message_id, provider FROM payamak_report")
        return [tuple(row) for row in cursor.fetchall()]


@contextmanager
def tables_of_version_1():
    """As the site finds them that is deployed before ``migrate``."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE payamak_report DROP COLUMN provider")
        cursor.execute("DELETE FROM payamak_schema WHERE version > 1")
        yield
        transaction.set_rollback(True)


class WebhookTests(TestCase):
    databases = {"default", "other"}

    def setUp(self):
        self.client = Client(enforce_csrf_checks=True)

    def test_a_report_is_stored_in_one_insert(self):
        with self.assertNumQueries(3 if connection.vendor == "sqlite" else 4):  # in a savepoint; PostgreSQL's clock
            response = self.client.get(f"/sms/default/{SECRET}/", REPORT)
        self.assertEqual((response.status_code, response.content), (204, b""))
        self.assertEqual(stored(), [("default", 123456, "najva")])

    def test_a_post_needs_no_csrf_token(self):
        response = self.client.post(f"/sms/default/{SECRET}/", REPORT, content_type="application/json")
        self.assertEqual(response.status_code, 204)
        self.assertEqual(stored(), [("default", 123456, "najva")])

    def test_what_is_no_report_is_400(self):
        self.assertEqual(self.client.post(f"/sms/default/{SECRET}/", {"a": "b"}).status_code, 400)
        self.assertEqual(stored(), [])

    def test_a_wrong_secret_is_404(self):
        self.assertEqual(self.client.get("/sms/default/wrong/", REPORT).status_code, 404)

    def test_an_unknown_account_and_one_without_a_webhook_are_404(self):
        self.assertEqual(self.client.get(f"/sms/nope/{SECRET}/", REPORT).status_code, 404)
        self.assertEqual(self.client.get(f"/sms/codes/{SECRET}/", REPORT).status_code, 404)

    def test_a_failover_takes_the_reports_of_its_accounts_with_whose_they_are(self):
        self.assertEqual(self.client.get(f"/sms/both/{SECRET}/", REPORT).status_code, 204)
        self.assertEqual(stored(), [("both", 123456, "najva")])

    @override_settings(PAYAMAK_WEBHOOK_SECRET=None)
    def test_without_a_secret_there_is_no_webhook(self):
        self.assertEqual(self.client.get("/sms/default/None/", REPORT).status_code, 404)

    def refused(self):
        """The answer to a report that cannot be stored, and what was logged of it."""
        with self.assertLogs("smscore.contrib.django.views", "ERROR") as logged:
            response = self.client.get(f"/sms/default/{SECRET}/", REPORT)
        self.assertEqual((response.status_code, response["Retry-After"]), (503, "60"))
        (line,) = logged.output
        self.assertNotIn(REPORT["messageid"], line)
        return line

    def test_before_migrate_a_report_is_refused_for_now_and_the_log_says_to_migrate(self):
        with tables_of_version_1():
            line = self.refused()
        self.assertIn("account default was not stored: DATABASES['default']: ", line)
        self.assertRegex(line, r"have version 1, and this Payamak needs \d+\. Run manage\.py migrate\.")
        self.assertEqual(self.client.get(f"/sms/default/{SECRET}/", REPORT).status_code, 204)

    @override_settings(PAYAMAK_DATABASE="other")
    def test_without_tables_a_report_is_refused_for_now_too(self):
        self.assertIn("The queue's tables are missing. Run manage.py migrate.", self.refused())

    def test_other_methods_are_refused(self):
        self.assertEqual(self.client.put(f"/sms/default/{SECRET}/").status_code, 405)
