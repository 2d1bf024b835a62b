from unittest import mock

from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import connection, connections
from django.test import SimpleTestCase, TestCase, override_settings

from smscore.contrib.django.checks import check_database, check_deployment, check_settings, check_tables

IPPANEL = {"PROVIDER": "ippanel", "TOKEN": "from-elsewhere-at-run-time"}
CLIENT = {"PROVIDER": "najva", "TOKEN": "from-elsewhere-at-run-time"}


def ids(messages):
    return [one.id for one in messages]


class CheckTests(SimpleTestCase):
    def found(self, payamak, check=check_settings):
        with override_settings(PAYAMAK=payamak):
            messages = check()
        self.assertTrue(all(one.hint for one in messages))
        return ids(messages)

    def test_good_settings_are_quiet(self):
        self.assertEqual(self.found({"default": CLIENT, "both": {"FAILOVER": ["default"]}}), [])
        self.assertEqual(self.found({}), [])

    def test_settings_of_another_type(self):
        self.assertEqual(self.found([]), ["payamak.E001"])
        self.assertEqual(self.found({"default": "najva"}), ["payamak.E001"])

    def test_neither_or_both_of_provider_and_failover(self):
        self.assertEqual(self.found({"default": {}}), ["payamak.E002"])
        self.assertEqual(self.found({"a": CLIENT, "b": {**CLIENT, "FAILOVER": ["a"]}}), ["payamak.E002"])

    def test_an_unknown_key(self):
        self.assertEqual(self.found({"default": {**CLIENT, "TOKNE": "x"}}), ["payamak.E002"])

    def test_options_and_words_of_another_type(self):
        self.assertEqual(self.found({"default": {**CLIENT, "OPTIONS": []}}), ["payamak.E002"])
        self.assertEqual(self.found({"default": {**CLIENT, "OPT_OUT": "لغو"}}), ["payamak.E002"])

    def test_a_limit_of_credit_of_another_type(self):
        self.assertEqual(self.found({"a": {**IPPANEL, "LOW_CREDIT": 1.5}}), ["payamak.E002"])
        self.assertEqual(self.found({"a": {**IPPANEL, "LOW_CREDIT": 5_000_000, "OPT_OUT": ["لغو"]}}), [])

    def test_what_the_provider_has_no_call_for(self):
        asks = {**CLIENT, "LOW_CREDIT": 5_000_000, "OPT_OUT": ["لغو"]}
        self.assertEqual(self.found({"default": asks}), ["payamak.W006"] * 2)
        both = {"FAILOVER": ["default", "a"], "OPT_OUT": ["لغو"]}
        self.assertEqual(self.found({"default": CLIENT, "a": IPPANEL, "both": both}), [])

    def test_an_unknown_provider(self):
        self.assertEqual(self.found({"default": {"PROVIDER": "nobody"}}), ["payamak.E003"])
        self.assertEqual(self.found({"default": {"PROVIDER": ["najva"]}}), ["payamak.E003"])

    def test_a_failover_over_what_is_no_client(self):
        both = {"FAILOVER": ["default"]}
        self.assertEqual(self.found({"default": CLIENT, "a": {"FAILOVER": ["nope"]}}), ["payamak.E004"])
        self.assertEqual(self.found({"default": CLIENT, "a": both, "b": {"FAILOVER": ["a"]}}), ["payamak.E004"])
        self.assertEqual(self.found({"a": {"FAILOVER": []}}), ["payamak.E004"])
        self.assertEqual(self.found({"a": {"FAILOVER": "default"}}), ["payamak.E004"])

    def test_options_that_the_client_refuses(self):
        self.assertEqual(self.found({"default": {**CLIENT, "OPTIONS": {"speed": 1}}}), ["payamak.E005"])
        self.assertEqual(self.found({"default": {**CLIENT, "OPTIONS": {"base_url": "sms"}}}), ["payamak.E005"])

    def test_a_missing_token_is_a_warning_and_an_error_in_deployment(self):
        missing = {"default": {"PROVIDER": "najva", "TOKEN": None}}
        self.assertEqual(self.found(missing), ["payamak.W001"])
        self.assertEqual(self.found(missing, check_deployment), ["payamak.E011"])

    def test_no_message_shows_a_token(self):
        with override_settings(PAYAMAK={"default": {**CLIENT, "TOKEN": "secret\nsecret"}}):
            self.assertNotIn("secret", "".join(map(str, check_settings() + check_deployment())).lower())

    @override_settings(PAYAMAK_WEBHOOK_SECRET="a/b")
    def test_a_secret_that_is_no_part_of_a_path(self):
        self.assertEqual(ids(check_settings()), ["payamak.W001", "payamak.E008"])

    @override_settings(PAYAMAK={}, PAYAMAK_TEST_BACKEND="nothing")
    def test_an_unknown_backend(self):
        self.assertEqual(ids(check_settings()), ["payamak.E009"])

    @override_settings(PAYAMAK_DATABASE="nope")
    def test_an_unknown_database(self):
        self.assertEqual(ids(check_database()), ["payamak.E006"])

    def test_a_database_that_cannot_hold_a_queue(self):
        for vendor, name in (("mysql", "MySQL or MariaDB"), ("oracle", "Oracle"), ("microsoft", "microsoft")):
            with mock.patch.object(connections["default"], "vendor", vendor):
                (error,) = check_database()
            self.assertEqual(error.id, "payamak.E007")
            self.assertIn(f"is {name}, which cannot hold a queue", error.msg)

    @override_settings(PAYAMAK_DATABASE="other")
    def test_sqlite_that_locks(self):
        (warning,) = check_database()
        self.assertEqual(warning.id, "payamak.W002")
        self.assertIn("WAL, transaction_mode IMMEDIATE, a timeout", warning.msg)

    def test_deployment_over_http_with_a_short_secret_and_a_token_in_the_settings(self):
        account = {**CLIENT, "TOKEN": "of-the-project", "OPTIONS": {"base_url": "http://127.0.0.1:1"}}
        with override_settings(PAYAMAK_WEBHOOK_SECRET="short"):
            self.assertEqual(
                self.found({"default": account}, check_deployment), ["payamak.W003", "payamak.W005", "payamak.W004"]
            )


class MigrationTests(TestCase):
    databases = {"default", "other"}

    def test_tables_of_a_newer_version_are_refused(self):
        self.assertEqual(check_tables(databases=["default"]), [])
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO payamak_schema (version, applied_at) VALUES (999, 0)")
        self.assertEqual(ids(check_tables(databases=["default"])), ["payamak.E010"])
        self.assertEqual(check_tables(databases=["other"]), [])
        self.assertEqual(check_tables(), [])
        with self.assertRaisesMessage(SystemCheckError, "Upgrade Payamak on this machine"):
            call_command("check", databases=["default"])

    def test_without_tables_nothing_is_said_here(self):
        with override_settings(PAYAMAK_DATABASE="other"):
            self.assertEqual(check_tables(databases=["other"]), [])

    def test_no_migration_is_missing(self):
        call_command("makemigrations", "payamak", check=True, verbosity=0)
