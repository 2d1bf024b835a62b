from django.core.management import call_command
from django.test import SimpleTestCase, TestCase, override_settings

from smscore.contrib.django.checks import check_database, check_deployment, check_settings

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

    def test_no_migration_is_missing(self):
        call_command("makemigrations", "payamak", check=True, verbosity=0)
