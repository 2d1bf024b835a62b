"""A small project; its database is what the tests that run it say in the environment."""

import json
import os

SECRET_KEY = "only for tests" * 4
INSTALLED_APPS = [
    *("django.contrib.admin", "django.contrib.auth", "django.contrib.contenttypes", "django.contrib.messages"),
    *("django.contrib.sessions", "django.contrib.staticfiles", "smscore.contrib.django", "shop"),
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
STATIC_URL = "static/"
TIME_ZONE = "Asia/Tehran"
ROOT_URLCONF = "urls"
ALLOWED_HOSTS = ["*"]
USE_TZ = True
DATABASES = {
    "default": json.loads(os.environ["PROJECT_DATABASE"]),
    "other": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"},
}
PAYAMAK = {
    "default": {"PROVIDER": "najva", "TOKEN": os.environ.get("NAJVA_TOKEN"), "SENDER": "90000123"},
    "codes": {
        "PROVIDER": "ippanel",
        "TOKEN": "of-the-project",
        "SENDER": "+983000505",
        "OPTIONS": {"rate_limit": 20},
        "LOW_CREDIT": int(os.environ.get("PROJECT_LOW_CREDIT", "0")),
    },
    "both": {"FAILOVER": ["codes", "default"]},
    "inbox": {"PROVIDER": "sepahan", "TOKEN": "of-the-project", "SENDER": "50003300", "OPT_OUT": ["لغو", "لغو۱۱"]},
}
PAYAMAK_WEBHOOK_SECRET = "a-secret-of-these-tests"
if "PROJECT_TEST_BACKEND" in os.environ:
    PAYAMAK_TEST_BACKEND = os.environ["PROJECT_TEST_BACKEND"]
if "PROJECT_SANDBOX" in os.environ:
    for account in PAYAMAK.values():
        if "PROVIDER" in account:
            url = f"{os.environ['PROJECT_SANDBOX']}/{account['PROVIDER']}"
            account.setdefault("OPTIONS", {})["base_url"] = url
            account["TOKEN"] = "of-the-project"
if "PROJECT_BATCH" in os.environ:
    PAYAMAK["default"].setdefault("OPTIONS", {})["batch_size"] = int(os.environ["PROJECT_BATCH"])
MAILERS = {"default": {"BACKEND": "django.core.mail.backends.locmem.EmailBackend"}}  # Django 6.1 asks for it
