"""``path("sms/", include("smscore.contrib.django.urls"))``: the webhook at ``sms/<account>/<secret>/``."""

from __future__ import annotations

from typing import Final

from django.urls import path

from smscore.contrib.django.views import webhook

app_name: Final = "payamak"
urlpatterns: Final = [path("<str:account>/<str:secret>/", webhook, name="webhook")]
