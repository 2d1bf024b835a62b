"""Sending now, under Django's test runner: everything is collected."""

from django.core import mail
from django.core.mail import send_mail
from django.test import SimpleTestCase, override_settings

from smscore import (
    Approved,
    ConfigurationError,
    InvalidNumber,
    InvalidRequest,
    Message,
    Pattern,
)
from smscore.contrib.django import SentMessage, outbox, sms
from smscore.contrib.django.testing import SMSAssertions, sandbox
from smscore.results import SMSError

NUMBER = "09123456789"


class SendingTests(SMSAssertions, SimpleTestCase):
    def test_a_send_is_collected_and_reported_as_accepted(self):
        report = sms.send([NUMBER, "09123456780"], "سلام")
        self.assertEqual(len(report.accepted), 2)
        self.assertEqual(
            outbox,
            [
                SentMessage("default", "+989123456789", "سلام", "90000123", "send"),
                SentMessage("default", "+989123456780", "سلام", "90000123", "send"),
            ],
        )

    def test_each_test_begins_with_an_empty_outbox(self):
        self.assertEqual(outbox, [])
        sms.send(NUMBER, "سلام")

    def test_each_test_begins_with_an_empty_outbox_also_after_this_one(self):
        self.assertEqual(len(outbox), 0)
        sms.send(NUMBER, "سلام")

    def test_mails_that_are_sent_leave_the_outbox_alone(self):
        sms.send(NUMBER, "سلام")
        send_mail("a", "b", "a@example.com", ["b@example.com"])
        self.assertEqual((len(outbox), len(mail.outbox)), (1, 1))

    def test_messages_of_their_own_texts_and_senders(self):
        sms.send_p2p([Message(NUMBER, "یک", sender="90000999"), (NUMBER, "دو")])
        self.assertEqual([(one.text, one.sender) for one in outbox], [("یک", "90000999"), ("دو", "90000123")])
        self.assertEqual({one.method for one in outbox}, {"send_p2p"})

    def test_a_pattern_has_its_code_and_its_values_as_given(self):
        sms["codes"].send_pattern(NUMBER, "login", {"code": 4521})
        (sent,) = outbox
        self.assertEqual((sent.account, sent.text, sent.params), ("codes", "login", {"code": "4521"}))

    def test_a_failover_sends_by_its_first_account(self):
        login = Pattern(ippanel=Approved("login-ip", {"code": "c"}), najva="کد {code}")
        sms["both"].send_pattern(NUMBER, login, {"code": "1"})
        sms["both"].send(NUMBER, "سلام")
        self.assertEqual([(one.account, one.text) for one in outbox], [("both", "login-ip"), ("both", "سلام")])

    def test_a_stream_is_collected(self):
        reports = [*sms.send_stream([NUMBER, "1"], "سلام")]
        self.assertEqual(sum(len(report.accepted) for report in reports), 1)
        self.assertSMSSent(NUMBER, method="send_stream", count=1)

    async def test_an_async_account_is_collected(self):
        await sms.aio["codes"].send(NUMBER, "سلام")
        self.assertSMSSent(NUMBER, account="codes", text="سلا")

    def test_wrong_arguments_raise_as_they_do_in_production(self):
        with self.assertRaises(InvalidNumber):
            sms.send("1", "سلام")
        with self.assertRaises(InvalidRequest):
            sms.send(NUMBER, "")
        with self.assertRaises(InvalidRequest):
            sms.send_pattern(NUMBER, "t", {"no-such-token": "1"})
        self.assertEqual(outbox, [])

    def test_what_reads_is_refused_rather_than_asked_for(self):
        with self.assertRaisesMessage(SMSError, "in a test run nothing leaves this machine"):
            sms["codes"].credit()

    def test_an_unknown_account_is_named_with_those_that_there_are(self):
        with self.assertRaisesMessage(ConfigurationError, "no account 'nope'. It has default, codes"):
            sms["nope"]

    def test_the_assertions_tell_what_is_missing_without_numbers(self):
        sms.send(NUMBER, "سلام")
        self.assertNoSMSSent("09123456780")
        with self.assertRaisesMessage(
            AssertionError, "Expected at least one message that match, found 0 among 1 sent."
        ):
            self.assertSMSSent(NUMBER, text="خداحافظ")
        with self.assertRaises(AssertionError) as raised:
            self.assertNoSMSSent(NUMBER)
        self.assertNotIn("9123456789", str(raised.exception))

    def test_numbers_and_texts_are_not_in_the_repr(self):
        sms.send(NUMBER, "متن محرمانه")
        self.assertNotIn("9123456789", repr(outbox))
        self.assertNotIn("محرمانه", repr(outbox))


class SettingsTests(SimpleTestCase):
    def test_overridden_settings_make_the_accounts_anew(self):
        with override_settings(PAYAMAK={"default": {"PROVIDER": "najva", "SENDER": "90000777"}}):
            sms.send(NUMBER, "سلام")
            with self.assertRaises(ConfigurationError):
                sms["codes"]
        sms.send(NUMBER, "سلام")
        self.assertEqual([one.sender for one in outbox], ["90000777", "90000123"])

    @override_settings(PAYAMAK={"default": {"PROVIDER": "najva", "OPTIONS": {"speed": 1}}})
    def test_an_option_that_the_client_does_not_have_names_the_account(self):
        with self.assertRaisesMessage(ConfigurationError, "PAYAMAK['default']"):
            sms.send(NUMBER, "سلام")

    @override_settings(PAYAMAK_TEST_BACKEND="sandbox")
    def test_the_sandbox_backend_sends_to_a_real_sandbox(self):
        report = sms.send(NUMBER, "سلام")
        self.assertEqual(len(report.accepted), 1)
        self.assertEqual([one.recipient for one in sandbox().messages], ["+989123456789"])
        self.assertEqual(outbox, [])

    @override_settings(PAYAMAK_TEST_BACKEND="sandbox")
    def test_a_client_is_made_once(self):
        self.assertIs(sms._client(None), sms._client(None))
        self.assertIs(sms.aio["codes"]._client(None), sms.aio["codes"]._client(None))

    @override_settings(PAYAMAK_TEST_BACKEND="nothing")
    def test_an_unknown_backend_sends_nothing(self):
        with self.assertRaises(ConfigurationError):
            sms.send(NUMBER, "سلام")
