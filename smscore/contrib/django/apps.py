"""The app, under the label ``payamak``."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

__all__ = ["PayamakConfig"]


class PayamakConfig(AppConfig):
    """Payamak in a Django project."""

    name = "smscore.contrib.django"
    label = "payamak"
    verbose_name: Any = _("SMS")
    default_auto_field: Any = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the checks; nothing is read or opened yet."""
        for name in ("accounts", "checks"):  # they register themselves
            import_module(f"{self.name}.{name}")
