import secrets
from datetime import timedelta

from django.db import models, transaction
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac


class Order(models.Model):
    name = models.CharField("نام", max_length=100)
    phone = models.CharField("موبایل", max_length=20)
    book = models.CharField("کتاب", max_length=200)
    created_at = models.DateTimeField("ثبت", auto_now_add=True)
    delivery = models.CharField("پیامک", max_length=30, blank=True)

    class Meta:
        verbose_name = "سفارش"
        verbose_name_plural = "سفارش‌ها"

    def __str__(self):
        return f"سفارش {self.pk}"


class Subscriber(models.Model):
    phone = models.CharField("موبایل", max_length=20, unique=True)

    class Meta:
        verbose_name = "مشترک خبرنامه"
        verbose_name_plural = "مشترکان خبرنامه"

    def __str__(self):
        return f"مشترک {self.pk}"


class Newsletter(models.Model):
    text = models.TextField("متن")
    created_at = models.DateTimeField("ثبت", auto_now_add=True)

    class Meta:
        verbose_name = "خبرنامه"
        verbose_name_plural = "خبرنامه‌ها"

    def __str__(self):
        return f"خبرنامه {self.pk}"


class LoginCode(models.Model):
    """The code of a number: a few of them an hour, each for two minutes and a few guesses."""

    MAX_SENDS, PERIOD = 3, timedelta(hours=1)
    MAX_GUESSES, LIFETIME = 5, timedelta(minutes=2)

    phone = models.CharField(max_length=20, unique=True)
    digest = models.CharField(max_length=200)
    sends = models.PositiveSmallIntegerField(default=0)
    guesses = models.PositiveSmallIntegerField(default=0)
    period_began_at = models.DateTimeField()
    sent_at = models.DateTimeField()

    def __str__(self):
        return f"کد {self.pk}"

    @classmethod
    @transaction.atomic
    def issue(cls, phone):
        """A new code for this number, or None if it has had as many as it may."""
        now = timezone.now()
        row, _ = cls.objects.get_or_create(phone=phone, defaults={"period_began_at": now, "sent_at": now})
        row = cls.objects.select_for_update().get(pk=row.pk)
        if now - row.period_began_at > cls.PERIOD:
            row.sends, row.period_began_at = 0, now
        if row.sends >= cls.MAX_SENDS:
            return None
        code = f"{secrets.randbelow(10**5):05}"
        row.digest, row.sends, row.guesses, row.sent_at = cls._digest(phone, code), row.sends + 1, 0, now
        row.save()
        return code

    @classmethod
    @transaction.atomic
    def check_code(cls, phone, code):
        """Whether this is the number's code; it is good once."""
        row = cls.objects.select_for_update().filter(phone=phone).first()
        if row is None or timezone.now() - row.sent_at > cls.LIFETIME or row.guesses >= cls.MAX_GUESSES:
            return False
        row.guesses += 1
        is_right = constant_time_compare(row.digest, cls._digest(phone, code))
        if is_right:
            row.guesses = cls.MAX_GUESSES
        row.save()
        return is_right

    @staticmethod
    def _digest(phone, code):
        return salted_hmac("shop.login", f"{phone} {code}", algorithm="sha256").hexdigest()
