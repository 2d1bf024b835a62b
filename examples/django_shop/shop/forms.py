from django import forms
from django.core.exceptions import ValidationError

from shop.models import Order
from smscore import InvalidNumber, normalize_number


class PhoneField(forms.CharField):
    """A mobile number in any spelling, as E.164."""

    widget = forms.TextInput(attrs={"dir": "ltr", "inputmode": "tel", "autocomplete": "tel"})

    def clean(self, value):
        try:
            return normalize_number(super().clean(value))
        except InvalidNumber:
            raise ValidationError("شماره موبایل درست نیست؛ مثلاً ۰۹۱۲۳۴۵۶۷۸۹") from None


class OrderForm(forms.ModelForm):
    phone = PhoneField(label="موبایل")
    subscribe = forms.BooleanField(label="خبرنامه هم می‌خواهم", required=False)

    class Meta:
        model = Order
        fields = ["name", "phone", "book"]


class PhoneForm(forms.Form):
    phone = PhoneField(label="موبایل")


class CodeForm(PhoneForm):
    code = forms.CharField(label="کد پیامک‌شده", max_length=5)
