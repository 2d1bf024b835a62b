from asgiref.sync import sync_to_async
from django.contrib import messages
from django.contrib.auth import get_user_model, login
from django.db import transaction
from django.shortcuts import redirect, render

from shop.forms import CodeForm, OrderForm, PhoneForm
from shop.models import LoginCode, Subscriber
from shop.sms import confirm_order, send_login_code
from smscore import Outcome, SMSError


def home(request):
    form = OrderForm(request.POST or None)
    if form.is_valid():
        with transaction.atomic():
            order = form.save()
            confirm_order(order)
            if form.cleaned_data["subscribe"]:
                Subscriber.objects.get_or_create(phone=order.phone)
        messages.success(request, f"{order} ثبت شد و پیامک آن می‌رسد.")
        return redirect("home")
    return render(request, "shop/home.html", {"form": form}, status=400 if form.errors else 200)


async def login_code(request):
    form = PhoneForm(request.POST or None)
    if not form.is_valid():
        return render(request, "shop/login.html", {"form": form}, status=400 if form.errors else 200)
    phone = form.cleaned_data["phone"]
    code = await sync_to_async(LoginCode.issue)(phone)
    if code is None:
        form.add_error("phone", "برای این شماره چند بار کد فرستاده‌ایم. یک ساعت دیگر دوباره تلاش کنید.")
        return render(request, "shop/login.html", {"form": form}, status=429)
    try:
        await send_login_code(phone, code)
    except SMSError as error:
        if error.outcome is not Outcome.UNKNOWN:  # an unknown one may be on its way
            form.add_error("phone", "پیامک فرستاده نشد. کمی بعد دوباره تلاش کنید.")
            return render(request, "shop/login.html", {"form": form}, status=503)
    return render(request, "shop/login_check.html", {"form": CodeForm(initial={"phone": phone})})


def login_check(request):
    form = CodeForm(request.POST or None)
    if form.is_valid():
        phone = form.cleaned_data["phone"]
        if LoginCode.check_code(phone, form.cleaned_data["code"]):
            user, _ = get_user_model().objects.get_or_create(username=phone)
            login(request, user, backend="django.contrib.auth.backends.ModelBackend")
            return redirect("home")
        form.add_error("code", "کد درست نیست یا وقت آن گذشته است.")
    return render(request, "shop/login_check.html", {"form": form}, status=400 if form.errors else 200)
