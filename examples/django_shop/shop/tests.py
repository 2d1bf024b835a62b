from datetime import timedelta
from unittest import mock

from django.contrib.auth import get_user_model
from django.db import IntegrityError
from django.test import TestCase
from django.urls import reverse
from django.utils import timezone

from shop.models import LoginCode, Newsletter, Order, Subscriber
from shop.sms import send_newsletter
from smscore import Delivery, DeliveryStatus
from smscore.contrib.django import outbox
from smscore.contrib.django.models import Batch, Campaign, QueuedMessage
from smscore.contrib.django.signals import delivery_changed
from smscore.contrib.django.testing import SMSAssertions

PHONE = "+989123456789"
ORDER = {"name": "مریم", "phone": "۰۹۱۲ ۳۴۵ ۶۷۸۹", "book": "بوف کور"}


class Orders(SMSAssertions, TestCase):
    def test_an_order_is_confirmed_once_it_is_saved(self):
        with self.captureOnCommitCallbacks(execute=True):
            response = self.client.post(reverse("home"), ORDER, follow=True)
            self.assertNoSMSSent()
        order = Order.objects.get()
        self.assertContains(response, f"سفارش {order.pk} ثبت شد")
        self.assertSMSSent(PHONE, text="بوف کور", key=f"order-{order.pk}", account="default", count=1)

    def test_an_order_that_is_not_saved_sends_nothing(self):
        failing = mock.patch.object(Subscriber.objects, "get_or_create", side_effect=IntegrityError)
        with self.captureOnCommitCallbacks(execute=True), failing, self.assertRaises(IntegrityError):
            self.client.post(reverse("home"), {**ORDER, "subscribe": "on"})
        self.assertFalse(Order.objects.exists() or Campaign.objects.exists())
        self.assertNoSMSSent()

    def test_a_wrong_number_is_an_error_of_the_form(self):
        response = self.client.post(reverse("home"), {**ORDER, "phone": "021"})
        self.assertContains(response, "شماره موبایل درست نیست", status_code=400)
        self.assertFalse(Order.objects.exists())

    def test_a_delivery_stands_in_the_orders_list(self):
        self.client.post(reverse("home"), ORDER)
        batch, order = Batch.objects.get(), Order.objects.get()
        message = QueuedMessage.objects.create(id=1, batch=batch, position=0, recipient=PHONE, outcome="accepted")
        delivery_changed.send(QueuedMessage, delivery=Delivery(PHONE, 5, DeliveryStatus.DELIVERED), message=message)
        self.client.force_login(get_user_model().objects.create_superuser("staff"))
        self.assertContains(self.client.get(reverse("admin:shop_order_changelist")), "delivered")
        order.refresh_from_db()
        self.assertEqual(order.delivery, "delivered")


class Login(SMSAssertions, TestCase):
    def code(self):
        self.client.post(reverse("login"), {"phone": PHONE})
        (message,) = self.assertSMSSent(PHONE, account="login", method="send_pattern", count=1)
        return message.params["code"]

    def check(self, code):
        return self.client.post(reverse("login-check"), {"phone": PHONE, "code": code})

    def test_the_code_that_was_sent_logs_in_once(self):
        code = self.code()
        self.assertRedirects(self.check(code), reverse("home"))
        self.assertEqual(self.client.session["_auth_user_id"], str(get_user_model().objects.get(username=PHONE).pk))
        self.assertEqual(self.check(code).status_code, 400)

    def test_guessing_ends_after_five(self):
        code = self.code()
        for _ in range(LoginCode.MAX_GUESSES):
            self.assertEqual(self.check("wrong").status_code, 400)
        self.assertEqual(self.check(code).status_code, 400)

    def test_an_old_code_is_refused(self):
        code = self.code()
        LoginCode.objects.update(sent_at=timezone.now() - LoginCode.LIFETIME - timedelta(seconds=1))
        self.assertEqual(self.check(code).status_code, 400)

    def test_a_number_gets_three_codes_an_hour(self):
        answers = [self.client.post(reverse("login"), {"phone": PHONE}).status_code for _ in range(4)]
        self.assertEqual(answers, [200, 200, 200, 429])
        self.assertEqual(len(outbox), 3)
        LoginCode.objects.update(period_began_at=timezone.now() - LoginCode.PERIOD - timedelta(seconds=1))
        self.assertEqual(self.client.post(reverse("login"), {"phone": PHONE}).status_code, 200)

    async def test_the_page_is_an_async_view(self):
        self.assertEqual((await self.async_client.get(reverse("login"))).status_code, 200)
        self.assertEqual((await self.async_client.post(reverse("login"), {"phone": PHONE})).status_code, 200)


class Newsletters(SMSAssertions, TestCase):
    def test_a_newsletter_is_sent_when_staff_add_it(self):
        Subscriber.objects.create(phone=PHONE)
        self.client.force_login(get_user_model().objects.create_superuser("staff"))
        with self.captureOnCommitCallbacks(execute=True):
            self.client.post(reverse("admin:shop_newsletter_add"), {"text": "حراج یلدا"})
        (message,) = self.assertSMSSent(PHONE, text="لغو۱۱", account="news", count=1)
        self.assertTrue(message.text.startswith("حراج یلدا"))

    def test_it_goes_by_day_and_once(self):
        Subscriber.objects.create(phone=PHONE)
        newsletter = Newsletter.objects.create(text="حراج یلدا")
        send_newsletter(newsletter)
        send_newsletter(newsletter)
        self.assertEqual(Campaign.objects.get().key, f"newsletter-{newsletter.pk}")
